#include "agent/options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "agent/help_format.h"

namespace sextant::agent {
namespace {

CommandLine parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "sextantd");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

class OptionsTest : public ::testing::Test {
 protected:
  void SetUp() override { ::unsetenv("SEXTANT_NODE"); }
  void TearDown() override { ::unsetenv("SEXTANT_NODE"); }
};

TEST_F(OptionsTest, HaveDefaults) {
  const auto line = parse({"--node", "worker1"});
  ASSERT_TRUE(line.options);
  EXPECT_EQ(line.options->node, "worker1");
  EXPECT_EQ(line.options->manifests, "/etc/sextant/manifests");
  EXPECT_EQ(line.options->socket, "/run/sextant/sextantd.sock");
  EXPECT_EQ(line.options->max_segments, 6U);
  EXPECT_EQ(line.options->encap, srv6::EncapMode::kEncaps);
  EXPECT_EQ(line.options->log_format, LogFormat::kText);
  EXPECT_FALSE(line.options->metrics_listen) << "nothing listens on TCP unasked";
  EXPECT_FALSE(line.options->metrics_per_node);
  EXPECT_FALSE(line.options->remove);
}

TEST_F(OptionsTest, ChooseWhereMetricsListenAndHowTheLogLooks) {
  const auto line =
      parse({"--node", "a", "--metrics-listen", "[::1]:9617", "--log-format", "json"});
  ASSERT_TRUE(line.options);
  EXPECT_EQ(line.options->metrics_listen.value().to_string(), "[::1]:9617");
  EXPECT_EQ(line.options->log_format, LogFormat::kJson);
}

TEST_F(OptionsTest, TakeTheNodeFromTheEnvironmentUnlessItIsGiven) {
  ::setenv("SEXTANT_NODE", "worker2", 1);
  EXPECT_EQ(parse({}).options.value().node, "worker2");
  EXPECT_EQ(parse({"--node", "master"}).options.value().node, "master");
}

TEST_F(OptionsTest, TakeEveryOptionFromTheEnvironmentUnlessItIsGiven) {
  const std::vector<std::pair<const char*, const char*>> variables{
      {"SEXTANT_MAX_SEGMENTS", "3"},
      {"SEXTANT_SID_PREFIX", "fcff::/16,cafe::/64"},
      {"SEXTANT_METRICS_PER_NODE", "true"},
      {"SEXTANT_ENCAP", ""},
      {"SEXTANT_REMOVE", "true"}};
  for (const auto& [name, value] : variables) ::setenv(name, value, 1);
  const auto options = parse({"--node", "a"}).options.value();
  EXPECT_EQ(options.max_segments, 3U);
  EXPECT_EQ(options.sid_prefixes.size(), 2U);
  EXPECT_TRUE(options.metrics_per_node);
  EXPECT_EQ(options.encap, srv6::EncapMode::kEncaps) << "an empty variable is none";
  EXPECT_FALSE(options.remove) << "never by a variable that somebody forgot";
  EXPECT_EQ(parse({"--node", "a", "--max-segments", "4"}).options.value().max_segments, 4U);
  ::setenv("SEXTANT_MAX_SEGMENTS", "0", 1);
  EXPECT_EQ(parse({"--node", "a"}).exit_status, 2);
  for (const auto& [name, value] : variables) ::unsetenv(name);
}

TEST_F(OptionsTest, ChooseTheFullEncapsulation) {
  EXPECT_EQ(parse({"--node", "a", "--encap", "reduced"}).options.value().encap,
            srv6::EncapMode::kEncapsReduced);
}

TEST_F(OptionsTest, TakeWhatBelongsToTheDomain) {
  const auto options = parse({"--node", "a", "--sid-prefix", "fcff::/16,cafe::/64", "--sid-prefix",
                              "fd99::1", "--sid-source", "fd00:1::/32", "--uplink", "eth0,bond*"})
                           .options.value();
  const auto prefix = [](const char* text) { return IpPrefix::parse(text).value(); };
  EXPECT_EQ(options.sid_prefixes,
            (std::vector{prefix("fcff::/16"), prefix("cafe::/64"), prefix("fd99::1/128")}));
  EXPECT_EQ(options.sid_sources, std::vector{prefix("fd00:1::/32")});
  EXPECT_EQ(options.uplinks, (std::vector<std::string>{"eth0", "bond*"}));
}

TEST_F(OptionsTest, ReadManifestsUnlessAnApiServerIsNamed) {
  EXPECT_FALSE(parse({"--node", "a"}).options.value().kubernetes.wanted());
  const auto outside = parse({"--node", "a", "--kubeconfig", "/k", "--context", "lab", "--ipam",
                              "calico", "--config-map-namespace", "kube-system"})
                           .options.value()
                           .kubernetes;
  EXPECT_TRUE(outside.wanted());
  EXPECT_EQ(outside.kubeconfig, "/k");
  EXPECT_EQ(outside.context, "lab");
  EXPECT_EQ(outside.read.ipam, sources::Ipam::kCalico);
  EXPECT_EQ(outside.read.config_map_namespace, "kube-system");
  const auto inside = parse({"--node", "a", "--in-cluster"}).options.value().kubernetes;
  EXPECT_TRUE(inside.wanted());
  EXPECT_EQ(inside.read.ipam, sources::Ipam::kAuto);
  EXPECT_EQ(inside.read.config_map_namespace, "calico-vpp-dataplane");
}

TEST_F(OptionsTest, ClaimLocatorsFromAPoolThatCanHaveThem) {
  EXPECT_FALSE(parse({"--node", "a"}).options->kubernetes.locator_pool);
  const auto line = parse({"--node", "a", "--locator-pool", "fcbb:bb00::/32", "--locator-length",
                           "48", "--locator-reach", "fabric"});
  ASSERT_TRUE(line.options);
  const auto& pool = *line.options->kubernetes.locator_pool;
  EXPECT_EQ(pool.prefix.to_string(), "fcbb:bb00::/32");
  EXPECT_EQ(pool.length, 48);
  EXPECT_EQ(pool.reach, overlay::LocatorReach::kFabric);
  for (const auto* bad : {"10.0.0.0/8", "fcbb::", "fcbb::/16", "fcbb::1/32"})
    EXPECT_EQ(parse({"--node", "a", "--locator-pool", bad}).exit_status, 2) << bad;
  EXPECT_EQ(parse({"--node", "a", "--locator-length", "48"}).exit_status, 2) << "of which pool?";
}

TEST_F(OptionsTest, KnowTheDaemonSetThatRunsTheAgent) {
  EXPECT_EQ(parse({"--node", "a"}).options->kubernetes.daemon_set, "");
  EXPECT_EQ(parse({"--node", "a", "--in-cluster"}).options->kubernetes.daemon_set,
            "sextant-system/sextant");
  EXPECT_EQ(
      parse({"--node", "a", "--in-cluster", "--namespace", "net"}).options->kubernetes.daemon_set,
      "net/sextant");
  EXPECT_EQ(parse({"--node", "a", "--daemonset", "sextant"}).exit_status, 2);
}

TEST_F(OptionsTest, MasqueradeOnlyWhereAsked) {
  EXPECT_FALSE(parse({"--node", "a"}).options.value().nat_outgoing);
  EXPECT_TRUE(parse({"--node", "a", "--nat-outgoing"}).options.value().nat_outgoing);
}

TEST_F(OptionsTest, RefuseBadValuesWithStatus2) {
  const std::string long_path(108, 'x');
  const std::vector<std::vector<const char*>> rows{
      {"--node", ""},
      {"--node", "Worker_1"},
      {"--node", "-a"},
      {"--node", "a", "--max-segments", "0"},
      {"--node", "a", "--max-segments", "128"},
      {"--node", "a", "--max-segments", "many"},
      {"--node", "a", "--encap", "half"},
      {"--node", "a", "--dataplane", "carrier-pigeon"},
      {"--node", "a", "--log-level", "loud"},
      {"--node", "a", "--log-format", "xml"},
      {"--node", "a", "--metrics-listen", "9617"},
      {"--node", "a", "--metrics-listen", "fd11::1000:9617"},
      {"--node", "a", "--metrics-listen", "localhost:9617"},
      {"--node", "a", "--metrics-listen", ""},
      {"--node", "a", "--socket", ""},
      {"--node", "a", "--socket", long_path.c_str()},
      {"--node", "a", "--sid-prefix", "10.0.0.0/8"},
      {"--node", "a", "--sid-prefix", "::/0"},
      {"--node", "a", "--sid-prefix", "fe80::/64"},
      {"--node", "a", "--sid-prefix", "fcff::/129"},
      {"--node", "a", "--sid-source", "fcdd"},
      {"--node", "a", "--uplink", "*"},
      {"--node", "a", "--uplink", "e*h0"},
      {"--node", "a", "--uplink", "a-name-too-long-"},
      {"--node", "a", "--uplink", "a\"b"},
      {"--node", "a", "--kubeconfig", ""},
      {"--node", "a", "--kubeconfig", "/k", "--manifests", "/m"},
      {"--node", "a", "--in-cluster", "--manifests", "/m"},
      {"--node", "a", "--in-cluster", "--kubeconfig", "/k"},
      {"--node", "a", "--context", "lab"},
      {"--node", "a", "--config-map-namespace", "Not_One"},
      {"--node", "a", "--config-map-namespace", "a.b"},
      {"--node", "a", "--ipam", "dhcp"},
      {"--node", "a", "--no-such-option"},
      {"stray"},
  };
  for (const auto& row : rows) {
    ::testing::internal::CaptureStderr();
    const auto line = parse(row);
    const auto message = ::testing::internal::GetCapturedStderr();
    EXPECT_FALSE(line.options) << row.back();
    EXPECT_EQ(line.exit_status, 2) << row.back();
    EXPECT_FALSE(message.empty()) << row.back();
  }
}

TEST_F(OptionsTest, AWrongWordIsAnsweredWithTheWordsThereAre) {
  const std::map<std::vector<const char*>, std::string> rows{
      {{"--encap", "half"}, "sextantd: --encap: 'half' is not one of {reduced,full}"},
      {{"--log-format", "xml"}, "sextantd: --log-format: 'xml' is not one of {text,json}"},
      {{"--ipam", "dhcp"}, "sextantd: --ipam: 'dhcp' is not one of {auto,node,calico}"},
      {{"--locator-pool", "fcdd::/32", "--locator-reach", "far"}, "one of {on-link,fabric}"},
  };
  for (const auto& [row, says] : rows) {
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(parse(row).exit_status, 2);
    const auto message = ::testing::internal::GetCapturedStderr();
    EXPECT_NE(message.find(says), std::string::npos) << message;
    EXPECT_NE(message.find("see: sextantd --help"), std::string::npos) << message;
  }
  EXPECT_EQ(parse({"--encap", "reduced"}).options->encap, srv6::EncapMode::kEncapsReduced);
}

TEST_F(OptionsTest, HelpTeachesAndEndsWell) {
  ::testing::internal::CaptureStdout();
  const auto line = parse({"--help"});
  const auto help = ::testing::internal::GetCapturedStdout();
  EXPECT_FALSE(line.options);
  EXPECT_EQ(line.exit_status, 0);
  for (const auto* part : {"SEXTANT_NODE", "--remove", "CAP_NET_ADMIN", "Examples"})
    EXPECT_NE(help.find(part), std::string::npos) << part;
  std::istringstream lines(help);
  for (std::string text; std::getline(lines, text);) EXPECT_LE(text.size(), 120U) << text;
}

TEST(HelpFormat, BreaksLinesAtBlanks) {
  EXPECT_EQ(wrapped("", 10), "");
  EXPECT_EQ(wrapped("one two three", 13), "one two three");
  EXPECT_EQ(wrapped("one two three", 12), "one two\nthree");
  EXPECT_EQ(wrapped("one unbreakable two", 5), "one\nunbreakable\ntwo");
}

}  // namespace
}  // namespace sextant::agent
