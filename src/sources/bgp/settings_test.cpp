// The agent's BGP settings: what is read, and what a mistake is called.
#include "sources/bgp/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "sources/temporary_directory_test.h"

namespace sextant::bgp_source {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> texts(const SettingsReading& reading) {
  std::vector<std::string> lines;
  for (const auto& finding : reading.findings) lines.push_back(finding.text());
  return lines;
}

BgpSettings good(std::string_view text) {
  auto reading = read_settings(text, "bgp.yaml");
  EXPECT_THAT(texts(reading), IsEmpty());
  return reading.settings.value();
}

TEST(BgpSettings, HaveDefaultsForAllButTheAsAndThePeers) {
  const auto settings = good("asn: 64512\npeers: [{address: 'fd10::1'}]\n");
  const auto& speaker = settings.speaker;
  EXPECT_EQ(speaker.asn, 64512U);
  EXPECT_EQ(speaker.router_id, Ipv4Address()) << "the node's own";
  EXPECT_THAT(speaker.listen, ElementsAre(bgp::ListenConfig{.address = IpAddress()}));
  EXPECT_EQ(settings.reach, overlay::LocatorReach::kFabric);
  EXPECT_FALSE(settings.mesh);
  ASSERT_THAT(speaker.peers, SizeIs(1));
  const auto& peer = speaker.peers.front();
  EXPECT_EQ(peer.address.to_string(), "fd10::1/128");
  EXPECT_EQ(peer.remote_as, 64512U);
  EXPECT_EQ(peer.dialect, bgp::SrPolicyDialect::kStandard);
  std::vector<std::string> families;
  for (const auto& family : peer.families) {
    families.push_back(to_string(family.family) + (family.extended_next_hop ? " by IPv6" : ""));
  }
  EXPECT_THAT(families,
              ElementsAre("ipv4-unicast by IPv6", "ipv6-unicast", "ipv6-srpolicy", "link-state"));
}

TEST(BgpSettings, SayEverythingOfAPeer) {
  sources::TemporaryDirectory folder;
  const auto secret = folder.path() + "/secret";
  std::ofstream(secret) << "verbatim\n";
  const auto settings = good(
      "asn: 64512\nrouterId: 10.0.0.7\nclusterId: 10.0.0.8\n"
      "listen: [{address: 'fd10::1000', port: 1179}]\n"
      "locatorReach: OnLink\n"
      "mesh: {port: 1179, gracefulRestart: {enabled: false}}\n"
      "peers:\n"
      "- address: 'fd00:0:34::/64'\n"
      "  asn: 4200000000\n"
      "  mode: Passive\n"
      "  convention: CalicoVPP\n"
      "  families: [ipv6-srpolicy]\n"
      "  ttlSecurityHops: 2\n"
      "  passwordFile: " +
      secret +
      "\n"
      "  holdSeconds: 9\n"
      "  routeReflectorClient: true\n"
      "  maxPrefixes: {limit: 1000, warnPercent: 50, restartSeconds: 60}\n"
      "  maxNeighbors: 5\n"
      "  import:\n"
      "    default: Reject\n"
      "    rules: [{name: pods, action: Accept, within: 172.16.0.0/16, "
      "minLength: 16, maxLength: 26, communities: ['64512:1', '64512:1:2', no-export]}]\n");
  EXPECT_EQ(settings.speaker.router_id.to_string(), "10.0.0.7");
  EXPECT_EQ(settings.speaker.cluster_id->to_string(), "10.0.0.8");
  EXPECT_EQ(settings.speaker.listen.front().port, 1179);
  EXPECT_EQ(settings.reach, overlay::LocatorReach::kOnLink);
  ASSERT_TRUE(settings.mesh);
  EXPECT_EQ(settings.mesh->port, 1179);
  EXPECT_FALSE(settings.mesh->graceful_restart.enabled);
  const auto& peer = settings.speaker.peers.front();
  EXPECT_TRUE(peer.is_dynamic());
  EXPECT_EQ(peer.remote_as, 4200000000U);
  EXPECT_EQ(peer.mode, bgp::ConnectMode::kPassive);
  EXPECT_EQ(peer.dialect, bgp::SrPolicyDialect::kCalicoVpp);
  EXPECT_EQ(peer.gtsm_hops, 2);
  EXPECT_EQ(peer.md5_password, "verbatim");
  EXPECT_EQ(peer.hold_time.count(), 9);
  EXPECT_TRUE(peer.route_reflector_client);
  EXPECT_EQ(peer.max_dynamic, 5U);
  ASSERT_THAT(peer.families, SizeIs(1));
  EXPECT_EQ(peer.families.front().max_prefixes.limit, 1000U);
  EXPECT_EQ(peer.families.front().max_prefixes.warn_percent, 50);
  EXPECT_EQ(peer.families.front().max_prefixes.restart.count(), 60);
  EXPECT_FALSE(peer.import_filter.accept_others);
  ASSERT_THAT(peer.import_filter.rules, SizeIs(1));
  const auto& rule = peer.import_filter.rules.front();
  EXPECT_EQ(rule.within->to_string(), "172.16.0.0/16");
  EXPECT_EQ(rule.max_length, 26);
  EXPECT_THAT(rule.communities, SizeIs(2));
  EXPECT_THAT(rule.large_communities, SizeIs(1));
}

struct Mistake {
  std::string name, text, message;
};
class BgpSettingsWith : public ::testing::TestWithParam<Mistake> {};

TEST_P(BgpSettingsWith, AreRefusedWithTheLineAndTheField) {
  const auto reading = read_settings(GetParam().text, "bgp.yaml");
  EXPECT_FALSE(reading.settings);
  EXPECT_THAT(texts(reading), ::testing::Contains(HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    , BgpSettingsWith,
    ::testing::Values(
        Mistake{"NoYaml", "asn: [", "bgp.yaml:"},
        Mistake{"AList", "- 1", "a list where the settings' map is needed"},
        Mistake{"NoAs", "peers: [{address: 'fd10::1'}]", "the field 'asn' is missing"},
        Mistake{"AsZero", "asn: 0", "asn: 0 is not a whole number from 1 to 4294967295"},
        Mistake{"NoAddress", "asn: 1\npeers: [{asn: 2}]", "the field 'address' is missing"},
        Mistake{"RouterId", "asn: 1\nrouterId: 'fd10::1'", "is not written like an IPv4 address"},
        Mistake{"Family", "asn: 1\npeers: [{address: 'fd10::1', families: [ipv6]}]",
                "bgp.yaml:2: File/bgp.yaml: peers[0].families[0]: 'ipv6' is no family"},
        Mistake{"Convention", "asn: 1\npeers: [{address: 'fd10::1', convention: Cisco}]",
                "'Cisco' is not Standard or CalicoVPP or OldCalicoVPP"},
        Mistake{"HoldTime", "asn: 1\npeers: [{address: 'fd10::1', holdSeconds: 2}]",
                "hold time of 2 s"},
        Mistake{"LinkLocal", "asn: 1\npeers: [{address: 'fe80::1'}]",
                "a link-local address without a device"},
        Mistake{"Password", "asn: 1\npeers: [{address: 'fd10::1', passwordFile: /nonexistent}]",
                "no password can be read from '/nonexistent'"},
        Mistake{"Community",
                "asn: 1\npeers: [{address: 'fd10::1', export: {rules: [{action: Reject, "
                "communities: [x]}]}}]",
                "'x' is not a community"},
        Mistake{"RuleWithoutAction",
                "asn: 1\npeers: [{address: 'fd10::1', import: {rules: [{name: x}]}}]",
                "the field 'action' is missing"}),
    [](const auto& mistake) { return mistake.param.name; });

TEST(BgpSettings, WarnOfWhatIsNotUnderstood) {
  const auto reading = read_settings("asn: 1\npeer: []\n", "bgp.yaml");
  EXPECT_TRUE(reading.settings);
  EXPECT_THAT(texts(reading), ElementsAre(HasSubstr("peer: unknown field, ignored"),
                                          HasSubstr("there is nobody to talk to")));
}

TEST(BgpSettings, LeaveWhatTheySayNothingOfToCalicosObjects) {
  auto settings = good("calico: {}\n");
  EXPECT_EQ(settings.speaker.asn, 0U);
  EXPECT_TRUE(settings.listens_by_default);
  ASSERT_TRUE(settings.calico);
  EXPECT_EQ(settings.calico->families, good("asn: 1\nmesh: {}\n").mesh->families) << "the usual";
  settings = good("asn: 65001\nlisten: []\ncalico: {convention: CalicoVPP, holdSeconds: 9}\n");
  EXPECT_EQ(settings.speaker.asn, 65001U);
  EXPECT_FALSE(settings.listens_by_default);
  EXPECT_EQ(settings.calico->dialect, bgp::SrPolicyDialect::kCalicoVpp);
  EXPECT_EQ(settings.calico->hold_time.count(), 9);
  EXPECT_THAT(texts(read_settings("calico: {}\npeers: [{address: 'fd10::1'}]\n", "bgp.yaml")),
              ElementsAre(HasSubstr("the field 'asn' is missing")))
      << "a peer of the file is internal or external by it";
  EXPECT_THAT(texts(read_settings("calico: {asn: 7}\n", "bgp.yaml")),
              ElementsAre(HasSubstr("calico.asn: unknown field, ignored")));
}

TEST(BgpSettings, OfAFileThatIsNotThereNameIt) {
  const auto settings = load_settings("/nonexistent/bgp.yaml");
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().object, "/nonexistent/bgp.yaml");
  EXPECT_THAT(settings.error().cause, HasSubstr("No such file"));
}

TEST(BgpSettings, OfAFolderAreAnErrorOfItsOwn) {
  const sources::TemporaryDirectory folder;
  const auto settings = load_settings(folder.path());
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().object, folder.path());
  EXPECT_THAT(settings.error().cause, HasSubstr("EISDIR"));
}

/// `pasword:` must not go by in silence: the session would be up without one.
TEST(BgpSettings, OfAFileKeepTheWarningsForWhoeverLoadsThem) {
  const sources::TemporaryDirectory folder;
  const auto file = folder.path() + "/bgp.yaml";
  std::ofstream(file) << "asn: 1\npeers:\n- {address: 'fd10::1', pasword: x}\n";
  const auto settings = load_settings(file);
  ASSERT_TRUE(settings);
  ASSERT_THAT(settings->warnings, SizeIs(1));
  EXPECT_THAT(settings->warnings.front().text(),
              ::testing::AllOf(HasSubstr("bgp.yaml:3"),
                               HasSubstr("peers[0].pasword: unknown field, ignored")));
}

}  // namespace
}  // namespace sextant::bgp_source
