// The list of plugins that the reference page shows, with Debian's portmap and bandwidth behind
// ours, called as a runtime does; and our place in such a list.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cni/plugin_testing.h"
#include "cni/traffic_testing.h"

namespace sextant::cni {
namespace {

using namespace cni::testing;  // the fixture and what its tests are written in
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The first JSON block of a page.
json::object documented_list() {
  std::ifstream file(SEXTANT_SOURCE_DIR "/docs/reference-cni.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  const std::size_t start = page.find("```json\n") + 8;
  return json::parse(page.substr(start, page.find("```", start) - start)).as_object();
}

class ChainTest : public PluginTest {
 protected:
  void SetUp() override {
    PluginTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (!fs::exists("/usr/sbin/iptables")) GTEST_SKIP() << "portmap needs iptables";
    list_ = documented_list();
    list_["plugins"].as_array()[0].as_object()["ipam"].as_object()["dataDir"] =
        (folder_ / "leases").string();
    // A client on the node's network, in a namespace of its own.
    client_.emplace("client");
    expect(netlink::create_veth(*host_, {.name = "lan", .up = true},
                                {.name = "eth0", .netns = &client_->netns(), .up = true}));
    Socket inside = client_->socket();
    const auto near = expect(netlink::get_link(*host_, "lan")).index;
    const auto far = expect(netlink::get_link(inside, "eth0")).index;
    for (const auto& [node, client, length] :
         {std::tuple("192.0.2.1", "192.0.2.2", 24), {"2001:db8::1", "2001:db8::2", 64}}) {
      const auto bits = static_cast<std::uint8_t>(length);
      expect(netlink::add_address(*host_, {near, ip(node), bits}));
      expect(netlink::add_address(inside, {far, ip(client), bits}));
      expect(node_->netns().run([&] { return netlink::await_address(ip(node)); }));
      expect(client_->netns().run([&] { return netlink::await_address(ip(client)); }));
    }
  }

  // As libcni does it: what the list says, `name` and `cniVersion`, the result so far, and those of
  // the runtime's arguments that the plugin asks for.
  [[nodiscard]] json::object plugin_config(const json::object& plugin,
                                           const json::value& previous) const {
    json::object config = plugin;
    config["name"] = list_.at("name");
    config["cniVersion"] = list_.at("cniVersion");
    if (!previous.is_null()) config["prevResult"] = previous;
    if (const auto* capabilities = plugin.if_contains("capabilities")) {
      json::object arguments;
      for (const auto& [name, wanted] : capabilities->get_object()) {
        if (wanted.get_bool() && runtime_.contains(name)) arguments[name] = runtime_.at(name);
      }
      config["runtimeConfig"] = std::move(arguments);
    }
    return config;
  }
  [[nodiscard]] Ended call(const std::string& command, const json::object& plugin,
                           const json::value& previous) const {
    const std::string type(plugin.at("type").as_string());
    const fs::path program = type == "sextant-cni" ? program_ : fs::path(kPluginPath) / type;
    return finish(
        start(program, environment(command), json::serialize(plugin_config(plugin, previous))));
  }
  void add() {
    for (const auto& plugin : list_.at("plugins").as_array()) {
      const auto added = call("ADD", plugin.as_object(), result_);
      ASSERT_EQ(added.exit_status, 0) << plugin.at("type") << ": " << added.output;
      result_ = added.result();
    }
  }
  void check() const {
    for (const auto& plugin : list_.at("plugins").as_array()) {
      // portmap 1.1.1 looks for the IPv4 address's rules in ip6tables too and so finds none of any
      // dual-stack pod, whatever plugin made it.
      if (plugin.at("type") == "portmap") continue;
      const auto checked = call("CHECK", plugin.as_object(), result_);
      EXPECT_EQ(checked.exit_status, 0) << plugin.at("type") << ": " << checked.output;
    }
  }
  void del() const {
    const auto& plugins = list_.at("plugins").as_array();
    for (auto plugin = plugins.rbegin(); plugin != plugins.rend(); ++plugin) {
      const auto deleted = call("DEL", plugin->as_object(), result_);
      EXPECT_EQ(deleted.exit_status, 0) << plugin->at("type") << ": " << deleted.output;
    }
  }
  [[nodiscard]] IpAddress pod_address(std::size_t index) const {
    const std::string text(result_.at("ips").at(index).at("address").as_string());
    return IpAddress::parse(text.substr(0, text.find('/'))).value();
  }

  json::object list_;
  json::object runtime_{
      {"portMappings",
       json::array{json::object{{"hostPort", 8080}, {"containerPort", 80}, {"protocol", "tcp"}}}},
      {"bandwidth", json::object{{"ingressRate", 80'000'000},
                                 {"ingressBurst", 8'000'000},
                                 {"egressRate", 80'000'000},
                                 {"egressBurst", 8'000'000}}}};
  json::value result_;
  std::optional<ScratchNetns> client_;
};

TEST_F(ChainTest, HostPortsLeadToThePodInBothFamilies) {
  add();
  check();
  for (const auto& [node, index] : {std::pair("192.0.2.1", 0), {"2001:db8::1", 1}}) {
    const TcpServer server(pod_->netns(), pod_address(static_cast<std::size_t>(index)), 80);
    // Larger than any packet: the pod's MTU and the client's differ.
    EXPECT_TRUE(server.reached_from(client_->netns(), ip(node), 8080, 200'000)) << node;
    EXPECT_TRUE(server.reached_from(node_->netns(), ip(node), 8080)) << node << " from the node";
    EXPECT_TRUE(server.reached_from(pod_->netns(), ip(node), 8080))
        << node << " from the pod itself, which needs portmap's masquerade";
  }
  del();
  for (const char* node : {"192.0.2.1", "2001:db8::1"}) {
    const TcpServer server(node_->netns(), ip(node), 8080);
    EXPECT_TRUE(server.reached_from(client_->netns(), ip(node), 8080)) << "the port is free again";
  }
  expect_nothing_left();
}

TEST_F(ChainTest, AnotherPodOfTheNodeReachesAHostPortToo) {
  add();
  const ScratchNetns second("pod2");
  const auto added =
      run(environment("ADD", "c2", second),
          json::serialize(plugin_config(list_.at("plugins").at(0).as_object(), nullptr)));
  ASSERT_EQ(added.exit_status, 0) << added.output;
  for (const auto& [node, index] : {std::pair("192.0.2.1", 0), {"2001:db8::1", 1}}) {
    const TcpServer server(pod_->netns(), pod_address(static_cast<std::size_t>(index)), 80);
    EXPECT_TRUE(server.reached_from(second.netns(), ip(node), 8080)) << node;
  }
  del();
}

TEST_F(ChainTest, DelOfTheWholeListIsIdempotentAndNeedsNoNamespace) {
  add();
  del();
  del();
  result_ = nullptr;
  add();
  pod_.emplace("gone");
  del();
  expect_nothing_left();
}

TEST_F(ChainTest, BehindAnotherPluginItKeepsThatPluginsResult) {
  auto input = config();
  input["prevResult"] = json::parse(
      R"({"cniVersion": "1.0.0", "interfaces": [{"name": "other0"}],
          "ips": [{"address": "10.9.0.2/24", "interface": 0}]})");
  const auto added = run("ADD", input);
  ASSERT_EQ(added.exit_status, 0) << added.output;
  EXPECT_THAT(added.result().at("interfaces").as_array(), ::testing::SizeIs(3));
  EXPECT_EQ(added.result().at("ips").at(0).at("address"), "10.9.0.2/24");
  EXPECT_EQ(added.result().at("ips").at(1).at("interface"), 2);
  input["prevResult"] = added.result();
  const auto checked = run("CHECK", input);
  EXPECT_EQ(checked.exit_status, 0) << checked.output;
}

TEST_F(ChainTest, BehindAPluginThatMadeThePodsInterfaceItRefuses) {
  auto input = config();
  input["prevResult"] = json::object{
      {"cniVersion", "1.0.0"},
      {"interfaces", json::array{json::object{{"name", "eth0"}, {"sandbox", pod_->path()}}}}};
  const auto refused = run("ADD", input);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(refused.result().at("code"), 7);
  EXPECT_THAT(refused.output, HasSubstr("an earlier plugin has made eth0 already"));
  expect_nothing_left();
  EXPECT_THAT(pod_devices(*pod_), IsEmpty());
}

}  // namespace
}  // namespace sextant::cni
