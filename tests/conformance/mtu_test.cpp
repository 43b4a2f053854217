// Packets too big for the underlay once they are encapsulated.

#include <fmt/format.h>

#include <stop_token>
#include <thread>

#include "scenario.h"

namespace sextant::conformance {

SEXTANT_SCENARIOS(Mtu);

constexpr std::uint16_t kPort = 7000;

/// Bytes of UDP payload that make an IP packet of `size` bytes.
std::string payload_for(Family family, std::uint32_t size) {
  return std::string(size - (family == Family::kIpv4 ? 20 : 40) - 8, 'x');
}

/// Pods that believe in the underlay's MTU.
LabOptions big_pods() { return {.pod_mtu = kUnderlayMtu}; }

TEST_P(Mtu, PacketsOfThePodMtuPassTheDeepestPath) {
  if (!encapsulates()) GTEST_SKIP() << "nothing is added to packets without an overlay";
  Lab lab(GetParam());
  lab.edit([](overlay::Intent& intent) {
    set_policy(intent, "deep",
               {.lists = {{.segments = std::vector<overlay::Segment>(kMaxSegments - 1,
                                                                     sid("fcff:2::1"))}}});
  });
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  UdpSocket sender(lab.pod("a1").netns, family());
  sender.forbid_fragments();
  UdpSocket server(lab.pod("b1").netns, to);
  ASSERT_TRUE(sender.send(to, payload_for(family(), kPodMtu)));
  EXPECT_TRUE(server.receive());
}

TEST_P(Mtu, PacketTooBigForTheUplinkIsAnsweredWithASizeThatPasses) {
  if (!encapsulates()) GTEST_SKIP() << "nothing is added to packets without an overlay";
  Lab lab(GetParam(), big_pods());
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  UdpSocket sender(lab.pod("a1").netns, family());
  sender.forbid_fragments();
  UdpSocket server(lab.pod("b1").netns, to);
  // Every kind of path: with one SID, and with two and their SRH.
  std::uint32_t overhead = netlink::encapsulation_bytes(1);
  for (const bool steered : {false, true}) {
    if (steered) {
      overhead = netlink::encapsulation_bytes(2);
      lab.edit([](overlay::Intent& intent) {
        set_policy(intent, "through-r2", {.lists = {{.segments = {sid("fcff:2::1")}}}});
      });
    }
    SCOPED_TRACE(steered ? "two SIDs" : "one SID");
    ASSERT_TRUE(sender.send(to, payload_for(family(), kUnderlayMtu)));
    const auto error = sender.icmp_error();
    ASSERT_TRUE(error) << "no ICMP error came back";
    EXPECT_TRUE(error->too_big()) << "type " << int{error->type} << " code " << int{error->code};
    // At most what fits; at least what fits any path, so that nothing is wasted.
    EXPECT_LE(error->mtu, kUnderlayMtu - overhead);
    EXPECT_GE(error->mtu, kPodMtu);
    ASSERT_TRUE(sender.send(to, payload_for(family(), error->mtu)));
    EXPECT_TRUE(server.receive()) << "a packet of the announced " << error->mtu << " bytes";
  }
}

TEST_P(Mtu, TcpOfPodsWithABiggerMtuAdapts) {
  Lab lab(GetParam(), big_pods());
  const TcpReport report = tcp_transfer(lab.pod("a1").netns, lab.pod("b1").netns,
                                        {lab.pod("b1").address(family()), kPort}, 1'000'000);
  EXPECT_EQ(report.to_server, 1'000'000U) << report.to_string();
  EXPECT_EQ(report.to_client, 1'000'000U) << report.to_string();
}

TEST_P(Mtu, TcpOfAPodWithABiggerMtuToARemoteNodeAdapts) {
  Lab lab(GetParam(), big_pods());
  const TcpReport report = tcp_transfer(lab.pod("a1").netns, lab.node("b").netns(),
                                        {lab.address("b", family()), kPort}, 1'000'000);
  EXPECT_EQ(report.to_server, 1'000'000U) << report.to_string();
  EXPECT_EQ(report.to_client, 1'000'000U) << report.to_string();
}

/// The way between the sites takes less than the nodes' uplinks.
void narrow_the_middle(const Lab& lab, std::uint32_t mtu) {
  lab.router("r1").ip(fmt::format("link set to-r3 mtu {}\n", mtu));
  lab.router("r3").ip(fmt::format("link set to-r1 mtu {}\n", mtu));
}
constexpr std::uint32_t kNarrow = 1340;

/// What the agent's loop does: gives the data planes their events, for as long as it lives.
class EventLoop {
 public:
  explicit EventLoop(Lab& lab)
      : thread_([&lab](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            for (const std::string name : {"a", "b"}) {
              (void)lab.node(name).notices_damage(milliseconds{10});
            }
          }
        }) {}

 private:
  std::jthread thread_;
};

TEST_P(Mtu, PacketTooBigForALinkFurtherOnIsAnsweredToThePod) {
  Lab lab(GetParam());
  const EventLoop loop(lab);
  narrow_the_middle(lab, kNarrow);
  const std::uint32_t fits = kNarrow - (encapsulates() ? netlink::encapsulation_bytes(1) : 0);
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  UdpSocket sender(lab.pod("a1").netns, family());
  sender.forbid_fragments();
  // The first packet teaches the node the path's MTU (the router's error goes to the outer source),
  // a later one is answered to the pod.
  std::optional<IcmpError> error;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!error && std::chrono::steady_clock::now() < deadline) {
    (void)sender.send(to, payload_for(family(), kPodMtu));
    error = sender.icmp_error(milliseconds{20});
  }
  ASSERT_TRUE(error) << "no ICMP error came back";
  EXPECT_TRUE(error->too_big());
  EXPECT_LE(error->mtu, fits);
  EXPECT_GE(error->mtu, fits - 100);
}

TEST_P(Mtu, TcpAdaptsToALinkFurtherOn) {
  Lab lab(GetParam());
  const EventLoop loop(lab);
  narrow_the_middle(lab, kNarrow);
  const TcpReport report = tcp_transfer(lab.pod("a1").netns, lab.pod("b1").netns,
                                        {lab.pod("b1").address(family()), kPort}, 100'000);
  EXPECT_EQ(report.to_server, 100'000U) << report.to_string();
  EXPECT_EQ(report.to_client, 100'000U) << report.to_string();
}

}  // namespace sextant::conformance
