// GC, STATUS and the versions that an IPAM plugin is spoken to in (CNI 1.1.0).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cni/plugin_testing.h"

namespace sextant::cni {
namespace {

using namespace cni::testing;  // the fixture and what its tests are written in
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NetworkTest : public PluginTest {
 protected:
  [[nodiscard]] static std::map<std::string, std::string> network_environment(
      const std::string& command, const std::string& path = kPluginPath) {
    return {{"CNI_COMMAND", command}, {"CNI_PATH", path}, {"PATH", "/usr/bin:/bin"}};
  }
  [[nodiscard]] Ended collect(json::object input, const std::vector<Owner>& valid) const {
    json::array list;
    for (const Owner& each : valid) {
      list.push_back(json::object{{"containerID", each.container_id}, {"ifname", each.ifname}});
    }
    input["cni.dev/valid-attachments"] = std::move(list);
    return run(network_environment("GC", plugin_path_), json::serialize(input));
  }
  void add(const std::string& container, const ScratchNetns& pod, const json::object& input) const {
    const auto added = run(environment("ADD", container, pod), json::serialize(input));
    ASSERT_EQ(added.exit_status, 0) << added.output;
  }
  // An IPAM plugin that writes down how it is called, and answers from `answers` by command.
  void write_ipam(const std::string& name, const std::map<std::string, std::string>& answers) {
    std::ofstream script(folder_ / name);
    script << "#!/bin/sh\necho \"$CNI_COMMAND $CNI_CONTAINERID $(sed "
           << R"x('s/.*"cniVersion":"\([^"]*\)".*/\1/')x"
           << ")\" >> " << folder_.string() << "/calls\ncase $CNI_COMMAND in\n";
    for (const auto& [command, body] : answers) script << command << ") " << body << ";;\n";
    script << "esac\n";
    script.close();
    fs::permissions(folder_ / name, fs::perms::owner_all);
    fs::remove(folder_ / "calls");
    plugin_path_ = folder_.string();
  }
  [[nodiscard]] std::vector<std::string> calls() const {
    std::vector<std::string> lines;
    std::ifstream file(folder_ / "calls");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
};

constexpr const char* kAddress = R"(echo '{"ips": [{"address": "172.16.0.9/26"}]}')";

TEST_F(NetworkTest, GcRemovesWhatTheRuntimeDoesNotKnow) {
  const ScratchNetns second("pod2"), third("pod3");
  const auto input = config("1.1.0");
  add("c1", *pod_, input);
  add("c2", second, input);
  add("c3", third, input);
  const auto collected = collect(input, {{"c2", "eth0"}, {"c3", "eth9"}});
  EXPECT_EQ(collected.exit_status, 0) << collected.output;
  EXPECT_EQ(collected.output, "");
  EXPECT_THAT(host_ends(), ElementsAre(link_names({"c2", "eth0"}).host));
  EXPECT_THAT(leases(), ::testing::UnorderedElementsAre("172.16.0.3", "fdfb:af47:32af::3"));
  EXPECT_THAT(pod_devices(*pod_), IsEmpty());
  EXPECT_THAT(pod_devices(second), ElementsAre("eth0"));
  EXPECT_EQ(collect(input, {{"c2", "eth0"}}).exit_status, 0) << "once more, with nothing to do";
  EXPECT_THAT(host_ends(), SizeIs(1));
  EXPECT_EQ(collect(input, {}).exit_status, 0);
  expect_nothing_left();
}

TEST_F(NetworkTest, GcHealsLeasesThatARebootLeft) {
  for (int i = 2; i < 60; ++i) {
    leave_lease("172.16.0." + std::to_string(i), "before" + std::to_string(i) + "\r\neth0");
  }
  leave_lease("172.16.0.60", "");
  add("c1", *pod_, config("1.1.0"));
  EXPECT_THAT(leases(), SizeIs(61));
  EXPECT_EQ(collect(config("1.1.0"), {{"c1", "eth0"}}).exit_status, 0);
  EXPECT_THAT(leases(), ::testing::UnorderedElementsAre("172.16.0.61", "fdfb:af47:32af::2"));
}

TEST_F(NetworkTest, GcLeavesOtherNetworksAndDevicesAlone) {
  auto other = config("1.1.0", {"10.9.0.0/24"});
  other["name"] = "other";
  const ScratchNetns second("pod2");
  add("c1", *pod_, config("1.1.0"));
  add("c2", second, other);
  // A device that only looks like ours, and one that says so of itself.
  expect(netlink::create_veth(*host_, {.name = "sxp00000000000"}, {.name = "foreign"}));
  EXPECT_EQ(collect(config("1.1.0"), {}).exit_status, 0);
  EXPECT_THAT(host_ends(),
              ::testing::UnorderedElementsAre("sxp00000000000", link_names({"c2", "eth0"}).host));
  EXPECT_TRUE(fs::exists(folder_ / "leases/other/10.9.0.2"));
}

TEST_F(NetworkTest, GcNeedsTheListAndAVersionThatHasIt) {
  add("c1", *pod_, config());
  const auto without = run(network_environment("GC"), json::serialize(config("1.1.0")));
  EXPECT_EQ(without.result().at("code"), 7);
  EXPECT_THAT(without.output, HasSubstr("cni.dev/valid-attachments: missing"));
  EXPECT_EQ(collect(config("1.0.0"), {}).result().at("code"), 1);
  EXPECT_THAT(host_ends(), SizeIs(1));
}

TEST_F(NetworkTest, GcTellsAnIpamPluginThatDoesNotSpeakItOfEachAttachment) {
  auto input = config("1.1.0");
  input["ipam"] = json::object{{"type", "old-ipam"}};
  write_ipam("old-ipam", {{"VERSION", R"(echo '{"supportedVersions": ["0.4.0", "1.0.0"]}')"},
                          {"ADD", kAddress}});
  add("c1", *pod_, input);
  EXPECT_EQ(collect(input, {}).exit_status, 0);
  EXPECT_THAT(calls(),
              ElementsAre("VERSION c1 1.1.0", "ADD c1 1.0.0", "VERSION  1.1.0", "DEL c1 1.0.0"));
  expect_nothing_left();
}

TEST_F(NetworkTest, GcAndStatusAreForwardedToAnIpamPluginThatSpeaksThem) {
  auto input = config("1.1.0");
  input["ipam"] = json::object{{"type", "new-ipam"}};
  write_ipam("new-ipam", {{"VERSION", R"(echo '{"supportedVersions": ["1.0.0", "1.1.0"]}')"},
                          {"ADD", kAddress},
                          {"STATUS", R"(echo '{"code": 50, "msg": "no server"}'; exit 1)"}});
  add("c1", *pod_, input);
  EXPECT_EQ(collect(input, {}).exit_status, 0);
  EXPECT_THAT(calls(),
              ElementsAre("VERSION c1 1.1.0", "ADD c1 1.1.0", "VERSION  1.1.0", "GC  1.1.0"));
  const auto status = run(network_environment("STATUS", plugin_path_), json::serialize(input));
  EXPECT_EQ(status.result().at("code"), 50);
  EXPECT_EQ(status.result().at("msg"), "no server");
}

TEST_F(NetworkTest, AnIpamPluginThatRefusesTheVersionIsAskedForItsOwn) {
  auto input = config("1.0.0");
  input["ipam"] = json::object{{"type", "older-ipam"}};
  write_ipam("older-ipam",
             {{"VERSION", R"(echo '{"supportedVersions": ["0.1.0", "0.3.1", "0.4.0"]}')"},
              {"ADD", "case $(tail -1 " + folder_.string() +
                          R"(/calls) in *0.4.0) echo '{"ips": [{"version": "4",
                 "address": "172.16.0.9/26"}]}';; *) echo '{"code": 1, "msg": "no"}'; exit 1;; esac)"}});
  add("c1", *pod_, input);
  EXPECT_THAT(calls(), ElementsAre("ADD c1 1.0.0", "VERSION c1 1.0.0", "ADD c1 0.4.0"));

  write_ipam("older-ipam", {{"VERSION", R"(echo '{"supportedVersions": ["0.1.0"]}')"}});
  input["cniVersion"] = "1.1.0";
  const ScratchNetns second("pod2");
  const auto refused = run(environment("ADD", "c2", second), json::serialize(input));
  EXPECT_EQ(refused.result().at("code"), 1);
  EXPECT_THAT(refused.output, HasSubstr("the IPAM plugin speaks none that fits 1.1.0"));
  EXPECT_THAT(host_ends(), SizeIs(1));
}

TEST_F(NetworkTest, StatusSaysWhetherPodsCanBeAddedAndReachOthers) {
  const auto status = [&](const json::object& input) {
    return run(network_environment("STATUS", plugin_path_), json::serialize(input));
  };
  const auto input = config("1.1.0");
  auto answer = status(input);
  EXPECT_EQ(answer.result().at("code"), 51) << answer.output;
  EXPECT_THAT(answer.output, HasSubstr("device sextant0 is missing: is sextantd running?"));

  expect(
      netlink::create_veth(*host_, {.name = "sextant0", .up = true}, {.name = "s0", .up = true}));
  expect(node_->netns().run(
      [] { return netlink::await_link_up("sextant0", std::chrono::seconds(5)); }));
  answer = status(input);
  EXPECT_EQ(answer.exit_status, 0) << answer.output;
  EXPECT_EQ(answer.output, "");

  for (const char* sysctl : {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"}) {
    const auto write = [&](const char* value) {
      expect(node_->netns().run(
          [&] { expect(Result<void>(netlink::write_sysctl(sysctl, value).map([](bool) {}))); }));
    };
    write("0");
    answer = status(input);
    EXPECT_EQ(answer.result().at("code"), 51);
    EXPECT_THAT(answer.output, HasSubstr(std::string(sysctl) + " is 0"));
    write("1");
  }

  auto without_ipam = input;
  without_ipam["ipam"].as_object()["type"] = "no-such-ipam";
  answer = status(without_ipam);
  EXPECT_EQ(answer.result().at("code"), 50);
  EXPECT_THAT(answer.output, HasSubstr("no plugin 'no-such-ipam'"));

  expect(netlink::delete_link(*host_, "uplink"));
  answer = status(input);
  EXPECT_EQ(answer.result().at("code"), 50);
  EXPECT_THAT(answer.output, HasSubstr("no device with a global IPv6 address is up"));
  EXPECT_EQ(status(config("1.0.0")).result().at("code"), 1);
}

}  // namespace
}  // namespace sextant::cni
