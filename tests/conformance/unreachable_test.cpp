// Addresses of pods that are not there: an answer, and no packet that goes round.

#include "scenario.h"

namespace sextant::conformance {

SEXTANT_SCENARIOS(Unreachable);

constexpr std::uint16_t kPort = 7000;

/// The router must see the packet `times`, all of them on its way there.
void expect_seen(const testbed::Sniffer& wire, std::size_t times) {
  // What bounces comes back within microseconds, over and over until its hop limit is used up.
  (void)wire.wait_for(nothing(), kSilence);
  EXPECT_EQ(wire.count(), times) << "packets that go round, or none at all";
}

TEST_P(Unreachable, UnusedAddressOfTheOwnPodPrefixIsAnswered) {
  Lab lab(GetParam());
  const testbed::Sniffer wire = sniff(lab.router("r1"), testbed::udp_to(kPort));
  UdpSocket pod(lab.pod("a1").netns, family());
  ASSERT_TRUE(pod.send({lab.unused_address("a", family()), kPort}, "anybody?"));
  const auto error = pod.icmp_error();
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->unreachable()) << "type " << int{error->type} << " code " << int{error->code};
  EXPECT_EQ(wire.count(), 0U) << "the underlay must not see it";
}

TEST_P(Unreachable, DeadPodsAddressIsAnsweredByItsNodeWithoutALoop) {
  Lab lab(GetParam());
  const testbed::Sniffer wire = sniff(lab.router("r3"), testbed::udp_to(kPort));
  UdpSocket pod(lab.pod("a1").netns, family());
  ASSERT_TRUE(pod.send({lab.unused_address("b", family()), kPort}, "anybody?"));
  const auto error = pod.icmp_error();
  ASSERT_TRUE(error) << "no ICMP error came back";
  EXPECT_TRUE(error->unreachable()) << "type " << int{error->type} << " code " << int{error->code};
  EXPECT_EQ(error->offender, lab.overlay_address("b", family()))
      << "the error's source must be an address that the pod can reach";
  expect_seen(wire, 1);
}

TEST_P(Unreachable, RemovedPodIsAnsweredLikeOneThatNeverWas) {
  Lab lab(GetParam());
  const Pod& gone = lab.pod("b2");
  ASSERT_TRUE(ping(lab.pod("a1").netns, gone.address(family())));
  lab.node("b").netns().ip("link del " + gone.host_device + "\n");
  UdpSocket pod(lab.pod("a1").netns, family());
  ASSERT_TRUE(pod.send({gone.address(family()), kPort}, "anybody?"));
  const auto error = pod.icmp_error();
  ASSERT_TRUE(error) << "no ICMP error came back";
  EXPECT_TRUE(error->unreachable());
}

TEST_P(Unreachable, UnknownSidOfTheOwnLocatorIsAnsweredWithoutALoop) {
  if (!encapsulates()) GTEST_SKIP() << "there are no locators without an overlay";
  Lab lab(GetParam());
  const testbed::Sniffer wire = sniff(lab.router("r3"), testbed::udp_to(kPort));
  UdpSocket router(lab.router("r1"), Family::kIpv6);
  ASSERT_TRUE(router.send({v6("fcdd:0:0:b:dead::"), kPort}, "anybody?"));
  const auto error = router.icmp_error();
  ASSERT_TRUE(error) << "no ICMP error came back";
  EXPECT_TRUE(error->unreachable());
  expect_seen(wire, 1);
}

}  // namespace sextant::conformance
