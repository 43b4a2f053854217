// Nodes whose uplinks, addresses and locators change while agents run: traffic comes back by
// itself.
#include <gmock/gmock.h>

#include "e2e/shared_lab.h"
#include "testbed/files.h"

namespace sextant::e2e {
namespace {

// The agents take milliseconds. A neighbor solicitation that a link just made loses is sent again
// after a second (RFC 4861 section 10, RETRANS_TIMER), and no agent can hurry that.
constexpr std::chrono::milliseconds kBack{1500};

class NodeChanges : public NodeFault {
 protected:
  enum class Loss : std::uint8_t { kShort, kNone };
  /// Something is done under traffic; both families are back by themselves, and stay.
  template <typename Change>
  static void under_traffic(const std::string& what, const Change& change,
                            Loss loss = Loss::kShort) {
    SCOPED_TRACE(what);
    auto streams = Streams::start(lab(), 1000);
    ASSERT_TRUE(streams) << streams.error().message();
    ASSERT_TRUE(streams->go_on(50));
    ASSERT_NO_FATAL_FAILURE(change());
    ASSERT_TRUE(streams->go_on(200)) << lab().ask("master", "/v1/status").value_or("")
                                     << lab().ask("worker2", "/v1/status").value_or("");
    if (loss == Loss::kNone) {
      streams->expect_lossless();
    } else {
      streams->expect_back_within(kBack);
    }
  }
  static void replace_in_nodes(const std::vector<std::pair<std::string, std::string>>& words) {
    auto text = testbed::read_file(lab().manifest("nodes.yaml"));
    ASSERT_TRUE(text) << text.error().message();
    for (const auto& [from, to] : words) {
      const auto at = text->find(from);
      ASSERT_NE(at, std::string::npos) << from;
      text->replace(at, from.size(), to);
    }
    const auto written = testbed::write_file(lab().manifest("nodes.yaml"), *text);
    ASSERT_TRUE(written) << written.error().message();
  }
  /// The node's agent has read it.
  static bool knows(const std::string& node, const std::string& text) {
    return await(
        [&] { return lab().ask(node, "/v1/nodes").value_or("").find(text) != std::string::npos; });
  }
  static std::string address(const std::string& node) { return node == "master" ? "0" : "2"; }
};

TEST_F(NodeChanges, AnUplinkIsRenamed) {
  for (const std::string node : {"master", "worker2"}) {
    under_traffic(node, [&] {
      shell(node,
            "ip link set to-switch down; ip link set to-switch name wan0; ip link set wan0 up;"
            "ip address add fd10::100" +
                address(node) + "/64 dev wan0 nodad");
      EXPECT_THAT(lab().await_status(node, "wan0"), testing::HasSubstr("wan0"));
    });
    under_traffic(node + ", up all the time", [&] {
      shell(node, "ip link set wan0 name to-switch");
      EXPECT_THAT(lab().await_status(node, "to-switch"), testing::HasSubstr("to-switch"));
    });
  }
}

TEST_F(NodeChanges, AnUplinkGoesAndIsMadeAgain) {
  for (const std::string node : {"master", "worker2"}) {
    under_traffic(node, [&] {
      shell(node,
            "mac=$(ip -o link show to-switch | sed 's/.*ether //; s/ .*//');"  // the same card
            "ip link del to-switch; ip link add to-switch address $mac type veth peer name to-" +
                node + " netns " + lab().netns("switch") + "; ip -n " + lab().netns("switch") +
                " link set to-" + node +
                " up master bridge; ip link set to-switch up;"
                "ip address add fd10::100" +
                address(node) +
                "/64 dev to-switch nodad;"
                "ip address add 192.168.10." +
                (node == "master" ? "1" : "3") + "/24 dev to-switch");
    });
  }
}

TEST_F(NodeChanges, AnUplinksAddressMovesToAnotherDevice) {
  for (const std::string node : {"master", "worker2"}) {
    const auto wan = [&](const std::string& commands) { shell(node, commands); };
    wan("ip link add wan0 type veth peer name wan-" + node + " netns " + lab().netns("switch") +
        "; ip -n " + lab().netns("switch") + " link set wan-" + node +
        " up master bridge; ip link set wan0 up");
    const std::string move = "/64 dev $from; ip address add fd10::100" + address(node) +
                             "/64 dev $to nodad; ping -6 -c 1 -W 1 fd10::1001 > /dev/null || true";
    under_traffic(node + ": to wan0", [&] {
      wan("from=to-switch; to=wan0; ip address del fd10::100" + address(node) + move);
    });
    under_traffic(node + ": back", [&] {
      wan("from=wan0; to=to-switch; ip address del fd10::100" + address(node) + move);
    });
    wan("ip link del wan0");
  }
}

TEST_F(NodeChanges, ANodeGetsAnotherAddress) {
  for (const std::string node : {"master", "worker2"}) {
    const std::string old_address = "fd10::100" + address(node);
    const std::string new_address = "fd10::200" + address(node);
    for (const auto& [from, to] :
         {std::pair{old_address, new_address}, {new_address, old_address}}) {
      under_traffic(node + " from " + from, [&, before = from, after = to] {
        shell(node, "ip address add " + after + "/64 dev to-switch nodad");
        replace_in_nodes({{"address: " + before, "address: " + after}});
        EXPECT_TRUE(knows("worker1", after));
        shell(node, "ip address del " + before + "/64 dev to-switch");
      });
    }
  }
}

TEST_F(NodeChanges, ANodeGetsAnotherLocator) {
  for (const auto& [node, from, to] :
       {std::tuple{"master", "fcdd:0:0:aa::/64", "fcdd:0:0:abcd::/64"},
        std::tuple{"worker2", "fcdd:0:0:12aa::/64", "fcdd:0:0:1bcd::/64"}}) {
    for (const auto& [before, after] : {std::pair{from, to}, {to, from}}) {
      under_traffic(
          std::string(node) + " from " + before,
          [&, was = before, is = after] {
            replace_in_nodes({{std::string("locator: ") + was, std::string("locator: ") + is}});
            for (const std::string each : {"master", "worker1", "worker2"}) {
              EXPECT_TRUE(knows(each, is)) << each;
            }
          },
          Loss::kNone);
    }
  }
}

}  // namespace
}  // namespace sextant::e2e
