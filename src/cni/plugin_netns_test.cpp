// ADD, DEL and VERSION of the plugin's program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cni/plugin_testing.h"
#include "cni/traffic_testing.h"
#include "dataplane/linux/netlink/neighbor.h"

namespace sextant::cni {
namespace {

using namespace cni::testing;  // the fixture and what its tests are written in
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(PluginTest, FirstPacketsPassRightAfterAddInBothFamilies) {
  const auto added = run("ADD", config());
  ASSERT_EQ(added.exit_status, 0) << added.output;
  expect_first_packets_pass(pod_->netns(), ip("172.16.0.2"), node_->netns(), ip("192.168.10.254"));
  expect_first_packets_pass(pod_->netns(), ip("fdfb:af47:32af::2"), node_->netns(),
                            ip("fd10::1000"));
}

TEST_F(PluginTest, FirstPacketsPassBetweenTwoPodsOfTheNode) {
  const ScratchNetns second("pod2");
  ASSERT_EQ(run("ADD", config()).exit_status, 0);
  auto variables = environment("ADD");
  variables["CNI_CONTAINERID"] = "c2";
  variables["CNI_NETNS"] = second.path();
  const auto added = run(variables, json::serialize(config()));
  ASSERT_EQ(added.exit_status, 0) << added.output;
  expect_first_packets_pass(pod_->netns(), ip("172.16.0.2"), second.netns(), ip("172.16.0.3"));
  expect_first_packets_pass(second.netns(), ip("fdfb:af47:32af::3"), pod_->netns(),
                            ip("fdfb:af47:32af::2"));
}

// Whether an address that is nobody's but that link's answers: with a reset, as nothing listens
// there.
bool refuses(const Netns& netns, const IpAddress& address, netlink::IfIndex link) {
  const UniqueFd client(expect(
      netns.run([] { return ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); })));
  auto remote = socket_address(address, 9);
  reinterpret_cast<sockaddr_in6&>(remote).sin6_scope_id = netlink::number(link);
  (void)::connect(client.get(), reinterpret_cast<const sockaddr*>(&remote), sizeof remote);
  pollfd waiting{.fd = client.get(), .events = POLLOUT};
  int error = 0;
  socklen_t size = sizeof error;
  return ::poll(&waiting, 1, 2000) == 1 &&
         ::getsockopt(client.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
         error == ECONNREFUSED;
}

TEST_F(PluginTest, TheGatewayAnswersThePodAndIsFoundAgainWhenItsNeighborEntryIsLost) {
  ASSERT_EQ(run("ADD", config()).exit_status, 0);
  Socket inside = pod_->socket();
  const auto eth0 = expect(netlink::get_link(inside, "eth0")).index;
  EXPECT_TRUE(refuses(pod_->netns(), ip("fe80::1"), eth0));
  expect(netlink::delete_neighbor(inside, eth0, ip("fe80::1")));
  EXPECT_TRUE(refuses(pod_->netns(), ip("fe80::1"), eth0));
  expect_first_packets_pass(pod_->netns(), ip("fdfb:af47:32af::2"), node_->netns(),
                            ip("fd10::1000"));
}

// An anycast address (a router's, of each prefix shorter than /127) would make each DEL wait for
// another RCU barrier.
TEST_F(PluginTest, TheHostEndHasNoAnycastAddress) {
  ASSERT_EQ(run("ADD", config()).exit_status, 0);
  const auto anycast = [&](const std::string& device) {
    const auto link = expect(netlink::get_link(*host_, device)).index;
    auto routes = expect(netlink::list_routes(
        *host_, {.family = Family::kIpv6, .table = netlink::TableId::kLocal, .link = link}));
    std::erase_if(routes,
                  [](const auto& each) { return each.type != netlink::RouteType::kAnycast; });
    return routes;
  };
  EXPECT_THAT(anycast("uplink"), ::testing::Not(IsEmpty())) << "this node is a router";
  EXPECT_THAT(anycast(host_ends().at(0)), IsEmpty());
}

TEST_F(PluginTest, AddReportsWhatItMadeInEachVersion) {
  for (const std::string version : {"0.3.1", "0.4.0", "1.0.0", "1.1.0"}) {
    auto input = config(version);
    input["dns"] = json::object{{"nameservers", json::array{"10.96.0.10"}}};
    const auto added = run("ADD", input);
    ASSERT_EQ(added.exit_status, 0) << added.output;
    const auto result = added.result();
    const auto names = link_names({"c1", "eth0"});
    EXPECT_EQ(result.at("cniVersion"), json::value(version));
    json::object on_node{{"name", names.host}, {"mac", names.host_mac.to_string()}};
    json::object in_pod{
        {"name", "eth0"}, {"mac", names.pod_mac.to_string()}, {"sandbox", pod_->path()}};
    if (version == "1.1.0") on_node["mtu"] = in_pod["mtu"] = 9000 - 144;
    EXPECT_EQ(result.at("interfaces"), (json::array{on_node, in_pod}));
    ASSERT_THAT(result.at("ips").as_array(), SizeIs(2));
    EXPECT_EQ(result.at("ips").at(0).at("address"), "172.16.0.2/32");
    EXPECT_EQ(result.at("ips").at(0).at("interface"), 1);
    EXPECT_EQ(result.at("ips").at(1).at("address"), "fdfb:af47:32af::2/128");
    EXPECT_EQ(result.at("ips").at(0).as_object().contains("version"), version.starts_with("0."));
    EXPECT_EQ(result.at("routes"),
              (json::array{json::object{{"dst", "0.0.0.0/0"}, {"gw", "169.254.1.1"}},
                           json::object{{"dst", "::/0"}, {"gw", "fe80::1"}}}));
    EXPECT_EQ(result.at("dns").at("nameservers").at(0), "10.96.0.10");
    input["prevResult"] = result;
    ASSERT_EQ(run("DEL", input).exit_status, 0);
    fs::remove_all(folder_ / "leases");
  }
}

TEST_F(PluginTest, MtuComesFromConfigurationOrTheUnderlay) {
  const auto mtu_with = [&](const char* field, int value) {
    auto input = config();
    if (field != nullptr) input[field] = value;
    const auto added = run("ADD", input);
    EXPECT_EQ(added.exit_status, 0) << added.output;
    Socket inside = pod_->socket();
    const auto in_pod = expect(netlink::get_link(inside, "eth0")).mtu;
    EXPECT_EQ(expect(netlink::get_link(*host_, host_ends().at(0))).mtu, in_pod);
    EXPECT_EQ(run("DEL", input).exit_status, 0);
    return in_pod;
  };
  EXPECT_EQ(mtu_with(nullptr, 0), 9000U - 144) << "6 segments, each in the SRH";
  EXPECT_EQ(mtu_with("maxSegments", 1), 9000U - 40);
  EXPECT_EQ(mtu_with("mtu", 1400), 1400U);
  expect(netlink::change_link(*host_, expect(netlink::get_link(*host_, "uplink")).index,
                              {.up = false}));
  const auto without = run("ADD", config());
  EXPECT_EQ(without.exit_status, 1);
  EXPECT_EQ(without.result().at("code"), 11) << "try again later";
  expect_nothing_left();
}

TEST_F(PluginTest, SingleStackPodsGetOneFamily) {
  for (const auto& [subnet, family] : {std::pair("172.16.0.0/26", Family::kIpv4),
                                       std::pair("fdfb:af47:32af::/122", Family::kIpv6)}) {
    auto input = config("1.0.0", {subnet});
    // One configuration for all nodes may name both.
    input["ipam"].as_object()["routes"] = json::parse(R"([{"dst": "0.0.0.0/0"}, {"dst": "::/0"}])");
    const auto added = run("ADD", input);
    ASSERT_EQ(added.exit_status, 0) << added.output;
    EXPECT_THAT(added.result().at("ips").as_array(), SizeIs(1));
    EXPECT_THAT(added.result().at("routes").as_array(), SizeIs(1));
    const auto routes =
        expect(netlink::list_routes(*host_, {.protocol = netlink::RouteProtocol::kSextantCni}));
    ASSERT_THAT(routes, SizeIs(1));
    EXPECT_EQ(routes[0].destination.family(), family);
    EXPECT_EQ(run("DEL", input).exit_status, 0);
    expect_nothing_left();
    fs::remove_all(folder_ / "leases");
  }
}

TEST_F(PluginTest, TheRuntimeMayChooseThePodsMacAddress) {
  auto input = config();
  input["runtimeConfig"] = json::object{{"mac", "02:11:22:33:44:55"}};
  const auto added = run("ADD", input);
  ASSERT_EQ(added.exit_status, 0) << added.output;
  EXPECT_EQ(added.result().at("interfaces").at(1).at("mac"), "02:11:22:33:44:55");
  expect_first_packets_pass(pod_->netns(), ip("172.16.0.2"), node_->netns(), ip("192.168.10.254"));
  input["prevResult"] = added.result();
  const auto checked = run("CHECK", input);
  EXPECT_EQ(checked.exit_status, 0) << checked.output;
}

TEST_F(PluginTest, SeveralRangesOfOneFamilyGiveSeveralAddresses) {
  const auto input = config("1.0.0", {"172.16.0.0/26", "172.17.0.0/26", "fd00:1::/122"});
  const auto added = run("ADD", input);
  ASSERT_EQ(added.exit_status, 0) << added.output;
  EXPECT_THAT(added.result().at("ips").as_array(), SizeIs(3));
  EXPECT_THAT(added.result().at("routes").as_array(), SizeIs(2)) << "one default route a family";
  for (const char* address : {"172.16.0.2", "172.17.0.2"}) {
    expect_first_packets_pass(pod_->netns(), ip(address), node_->netns(), ip("192.168.10.254"));
  }
  expect_first_packets_pass(pod_->netns(), ip("fd00:1::2"), node_->netns(), ip("fd10::1000"));
  EXPECT_EQ(run("DEL", input).exit_status, 0);
  expect_nothing_left();
}

TEST_F(PluginTest, SeveralSubnetsOfOnePoolAreUsedOneAfterTheOther) {
  auto input = config("1.0.0", {});
  const json::array pool{json::object{{"subnet", "172.16.0.0/30"}},
                         json::object{{"subnet", "172.17.0.0/30"}}};
  input["ipam"].as_object()["ranges"] = json::array{pool};
  const ScratchNetns second("pod2"), third("pod3");
  std::vector<std::string> addresses;
  for (const auto& [container, pod] :
       {std::pair("c1", &std::as_const(*pod_)), {"c2", &second}, {"c3", &third}}) {
    const auto added = run(environment("ADD", container, *pod), json::serialize(input));
    if (added.exit_status != 0) break;
    addresses.emplace_back(added.result().at("ips").at(0).at("address").as_string());
  }
  EXPECT_THAT(addresses, ::testing::UnorderedElementsAre("172.16.0.2/32", "172.17.0.2/32"))
      << "and the third finds none";
  expect_first_packets_pass(pod_->netns(), ip("172.16.0.2"), second.netns(), ip("172.17.0.2"));
}

TEST_F(PluginTest, RoutesOfTheIpamPluginLeadThroughOurGatewayWithTheirOptions) {
  std::ofstream(folder_ / "routes") << R"(#!/bin/sh
case $CNI_COMMAND in
VERSION) echo '{"supportedVersions": ["1.0.0", "1.1.0"]}';;
ADD) echo '{"ips": [{"address": "172.16.0.9/26", "gateway": "172.16.0.1"}],
  "routes": [{"dst": "10.0.0.0/8", "gw": "172.16.0.1", "mtu": 1300, "advmss": 1200,
              "priority": 50, "table": 77}, {"dst": "0.0.0.0/0", "mtu": 1400}]}';;
esac
)";
  fs::permissions(folder_ / "routes", fs::perms::owner_all);
  plugin_path_ = folder_.string();
  auto input = config("1.1.0");
  input["ipam"] = json::object{{"type", "routes"}};
  const auto added = run("ADD", input);
  ASSERT_EQ(added.exit_status, 0) << added.output;
  EXPECT_EQ(added.result().at("routes"), json::parse(R"([
      {"dst": "10.0.0.0/8", "gw": "169.254.1.1", "mtu": 1300, "advmss": 1200, "priority": 50,
       "table": 77}, {"dst": "0.0.0.0/0", "gw": "169.254.1.1", "mtu": 1400}])"));
  Socket inside = pod_->socket();
  const auto there = expect(netlink::list_routes(inside, {.table = netlink::TableId{77}}));
  ASSERT_THAT(there, SizeIs(1));
  EXPECT_EQ(there[0].destination.to_string(), "10.0.0.0/8");
  EXPECT_EQ(there[0].metric, 50U);
  EXPECT_EQ(there[0].mtu, 1300U);
  EXPECT_EQ(there[0].advmss, 1200U);
  EXPECT_EQ(there[0].next_hops.at(0).gateway, ip("169.254.1.1"));
  input["prevResult"] = added.result();
  auto checked = run("CHECK", input);
  EXPECT_EQ(checked.exit_status, 0) << checked.output;
  expect(netlink::delete_route(inside, there[0]));
  checked = run("CHECK", input);
  EXPECT_THAT(checked.output, HasSubstr("route 10.0.0.0/8 via 169.254.1.1 dev eth0: missing"));
}

TEST_F(PluginTest, Ipv6WorksInPodsWhereItIsOffByDefault) {
  expect(pod_->netns().run([] {
    expect(Result<void>(
        netlink::write_sysctl("net.ipv6.conf.default.disable_ipv6", "1").map([](bool) {})));
  }));
  ASSERT_EQ(run("ADD", config()).exit_status, 0);
  expect_first_packets_pass(pod_->netns(), ip("fdfb:af47:32af::2"), node_->netns(),
                            ip("fd10::1000"));
}

TEST_F(PluginTest, DelIsIdempotentAndWorksWithoutTheNamespace) {
  auto input = config();
  const auto added = run("ADD", input);
  ASSERT_EQ(added.exit_status, 0);
  EXPECT_THAT(leases(), SizeIs(2));
  input["prevResult"] = added.result();
  for (int i = 0; i < 2; ++i) {
    const auto deleted = run("DEL", input);
    EXPECT_EQ(deleted.exit_status, 0) << deleted.output;
    EXPECT_EQ(deleted.output, "");
    expect_nothing_left();
    EXPECT_THAT(pod_devices(*pod_), IsEmpty());
  }
  ASSERT_EQ(run("ADD", config()).exit_status, 0);
  pod_.emplace("gone");  // the first pod's namespace goes with its name
  for (const std::string netns : {"/run/netns/no-such", ""}) {
    auto variables = environment("DEL");
    variables["CNI_NETNS"] = netns;
    const auto deleted = run(variables, json::serialize(config()));
    EXPECT_EQ(deleted.exit_status, 0) << deleted.output;
    expect_nothing_left();
  }
}

TEST_F(PluginTest, DelTakesTheDeviceAwayEvenWhereTheIpamPluginIsGone) {
  ASSERT_EQ(run("ADD", config()).exit_status, 0);
  auto variables = environment("DEL");
  variables["CNI_PATH"] = folder_.string();
  const auto failed = run(variables, json::serialize(config()));
  EXPECT_EQ(failed.result().at("code"), 7);
  EXPECT_THAT(failed.output, HasSubstr("no plugin 'host-local' in CNI_PATH"));
  EXPECT_THAT(host_ends(), IsEmpty());
  EXPECT_THAT(leases(), SizeIs(2)) << "the runtime tries again";
  EXPECT_EQ(run("DEL", config()).exit_status, 0);
  expect_nothing_left();
}

TEST_F(PluginTest, FailedAddGivesTheLeaseBackAndLeavesNoDevice) {
  // The pod has an eth0 already.
  Socket inside = pod_->socket();
  expect(netlink::create_veth(inside, {.name = "eth0"}, {.name = "other"}));
  auto failed = run("ADD", config());
  EXPECT_EQ(failed.exit_status, 1);
  EXPECT_THAT(failed.output, HasSubstr("EEXIST"));
  expect_nothing_left();
  EXPECT_THAT(pod_devices(*pod_), ::testing::UnorderedElementsAre("eth0", "other"));
  expect(netlink::delete_link(inside, "eth0"));

  // Somebody else routes the address, which shows in the last step.
  netlink::Route foreign{.destination = IpPrefix::parse("fdfb:af47:32af::2/128").value(),
                         .type = netlink::RouteType::kUnreachable,
                         .metric = 1024};
  expect(netlink::add_route(*host_, foreign));
  fs::remove_all(folder_ / "leases");
  failed = run("ADD", config());
  EXPECT_EQ(failed.exit_status, 1);
  EXPECT_EQ(failed.result().at("code"), 100);
  EXPECT_THAT(failed.output, HasSubstr("add route fdfb:af47:32af::2/128"));
  expect_nothing_left();
  EXPECT_THAT(pod_devices(*pod_), IsEmpty());
  EXPECT_THAT(expect(netlink::list_routes(*host_, {.protocol = foreign.protocol})), SizeIs(1));
}

TEST_F(PluginTest, ErrorsOfTheIpamPluginArePassedOn) {
  auto input = config();
  input["ipam"].as_object()["ranges"] =
      json::array{json::array{json::object{{"subnet", "172.16.0.0/33"}}}};
  auto failed = run("ADD", input);
  EXPECT_EQ(failed.exit_status, 1);
  EXPECT_THAT(failed.output, HasSubstr("172.16.0.0/33"));
  expect_nothing_left();

  input["ipam"].as_object()["type"] = "no-such-ipam";
  failed = run("ADD", input);
  EXPECT_EQ(failed.result().at("code"), 7);
  EXPECT_THAT(failed.output, HasSubstr("ipam.type: no plugin 'no-such-ipam' in CNI_PATH"));

  // A file that the kernel cannot run.
  std::ofstream(folder_ / "text") << "no program";
  fs::permissions(folder_ / "text", fs::perms::owner_all);
  plugin_path_ = folder_.string();
  input["ipam"].as_object()["type"] = "text";
  failed = run("ADD", input);
  EXPECT_EQ(failed.result().at("code"), 5);
  EXPECT_THAT(failed.output, HasSubstr("ENOEXEC"));
  EXPECT_THAT(host_ends(), IsEmpty());

  // Plugins that break the protocol: each gets a DEL after its ADD.
  const auto script = [&](const std::string& body) {
    std::ofstream(folder_ / "bad")
        << "#!/bin/sh\necho $CNI_COMMAND >> " << folder_.string() << "/calls\n"
        << body << "\n";
    fs::permissions(folder_ / "bad", fs::perms::owner_all);
    fs::remove(folder_ / "calls");
  };
  plugin_path_ = folder_.string();
  input["ipam"].as_object()["type"] = "bad";
  for (const auto& [body, message] : {std::pair("echo no json", "is not JSON"),
                                      {"echo '{}'", "gave no address"},
                                      {"echo '{\"ips\": [{\"address\": 3}]}'", "ips[0].address"},
                                      {"exit 3", "status 3"},
                                      {"kill -9 $$", "signal 9"}}) {
    script(body);
    failed = run("ADD", input);
    EXPECT_EQ(failed.exit_status, 1) << body;
    EXPECT_EQ(failed.result().at("code"), 101) << body;
    EXPECT_THAT(failed.output, HasSubstr(message));
    std::ifstream calls(folder_ / "calls");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(calls), {}), "ADD\nDEL\n") << body;
  }
}

TEST_F(PluginTest, VersionListsWhatItSpeaks) {
  const auto answer = run({{"CNI_COMMAND", "VERSION"}}, R"({"cniVersion": "0.4.0"})");
  EXPECT_EQ(answer.exit_status, 0);
  EXPECT_EQ(answer.result(),
            (json::value{{"cniVersion", "0.4.0"},
                         {"supportedVersions", {"0.3.1", "0.4.0", "1.0.0", "1.1.0"}}}));
}

TEST_F(PluginTest, BadInputIsAnErrorObjectWithTheSpecifiedCode) {
  const auto code_of = [&](const std::map<std::string, std::string>& variables,
                           const std::string& input) {
    const auto answer = run(variables, input);
    EXPECT_EQ(answer.exit_status, 1);
    EXPECT_TRUE(answer.result().as_object().contains("msg"));
    return answer.result().at("code").as_int64();
  };
  const std::string good = json::serialize(config());
  EXPECT_EQ(code_of({}, good), 4);
  EXPECT_EQ(code_of({{"CNI_COMMAND", "ADD"}}, good), 4);
  EXPECT_EQ(code_of(environment("ADD"), "{broken"), 6);
  EXPECT_EQ(code_of(environment("ADD"), ""), 6);
  EXPECT_EQ(code_of(environment("ADD"), R"({"cniVersion": "9.0.0"})"), 1);
  EXPECT_EQ(code_of(environment("ADD"), R"({"cniVersion": "1.0.0"})"), 7);
  auto gone = environment("ADD");
  gone["CNI_NETNS"] = "/run/netns/no-such";
  EXPECT_EQ(code_of(gone, good), 3);
  gone["CNI_NETNS"] = node_->path();
  EXPECT_EQ(code_of(gone, good), 4) << "the node's own namespace";
  expect_nothing_left();
}

}  // namespace
}  // namespace sextant::cni
