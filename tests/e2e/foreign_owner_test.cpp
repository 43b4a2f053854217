// Somebody else deletes what Sextant owns: it is back at once, and the log says what it was. One
// who goes on doing so is met with patience, not with a storm.
#include <gmock/gmock.h>

#include "e2e/shared_lab.h"

namespace sextant::e2e {
namespace {

using testing::HasSubstr;

class ForeignOwner : public NodeFault {
 protected:
  /// What must come back, without what a repair numbers anew.
  static std::string owned(const std::string& node) {
    const std::string gateway = lab().netns(node) + "-gw";
    return output(
        node,
        "for f in -4 -6; do ip $f route show table all proto 200; ip $f rule; done\n"
        "nft list ruleset | grep -v expires | sed 's/packets [0-9]* bytes [0-9]*//'\n"
        "for d in to-switch sextant0; do for h in ingress egress; do\n"
        "tc filter show dev $d $h | sed -E 's/:.[0-9]+. / /; s/ id [0-9]+//'; done; done\n"
        "for f in -4 -6; do ip -n " +
            gateway + " $f route show proto 200; done | grep -c .\nls /run/netns/" + gateway);
  }
  static std::size_t count(const std::string& text, std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }
};

TEST_F(ForeignOwner, WhateverIsDeletedIsBackWithinASecondAndNamed) {
  struct Damage {
    std::string commands;
    std::string named;
  };
  constexpr std::string_view kRepaired = "(somebody changed what Sextant owns)";
  for (const std::string node : {"master", "worker2"}) {
    const std::string gateway = lab().netns(node) + "-gw";
    auto streams = Streams::start(lab(), 1000);
    ASSERT_TRUE(streams) << streams.error().message();
    ASSERT_TRUE(streams->go_on(50));
    for (const Damage& damage : std::initializer_list<Damage>{
             // systemd-networkd with ManageForeignRoutes; there are no rules here (the conformance
             // suite deletes those of a node without BPF)
             {"ip route flush table all proto 200; ip -6 route flush table all proto 200",
              "route "},
             {"nft flush ruleset", "nftables table sextant"},
             {"tc qdisc del dev to-switch clsact", "BPF program"},
             {"tc filter del dev sextant0 egress", "BPF program"},
             {"ip link del sextant0", "sextant0"},
             {"ip netns del " + gateway, gateway}}) {
      SCOPED_TRACE(node + ": " + damage.commands);
      ASSERT_NO_FATAL_FAILURE(restart(node));  // so that the damages count as one each, as no storm
      const auto before = owned(node);
      const auto logged = lab().log(node).size();
      ASSERT_NO_FATAL_FAILURE(shell(node, damage.commands));
      const auto log = lab().await_log(node, logged, kRepaired);
      EXPECT_THAT(log, HasSubstr(damage.named)) << "the log does not name it";
      EXPECT_TRUE(await([&] { return owned(node) == before; })) << "before:\n"
                                                                << before << "after:\n"
                                                                << owned(node);
      EXPECT_TRUE(streams->go_on(50));
    }
    streams->expect_back_within(std::chrono::seconds(1));
  }
}

TEST_F(ForeignOwner, OneWhoFightsIsNamedAndFillsNoLog) {
  ASSERT_NO_FATAL_FAILURE(restart("master"));
  const auto before = owned("master");
  const auto logged = lab().log("master").size();
  // One process that deletes for two seconds, as a daemon would.
  ASSERT_NO_FATAL_FAILURE(
      shell("master",
            "for i in $(seq 100); do echo route flush proto 200; sleep 0.02; done | ip -batch -"));
  EXPECT_TRUE(await([&] { return owned("master") == before; })) << owned("master");
  const auto log = lab().log("master", logged);
  EXPECT_EQ(count(log, "repairs are slowed down"), 1U) << log;
  EXPECT_LE(count(log, "\n"), 20U) << log;
  EXPECT_THAT(log, HasSubstr("deleted by ip (process ")) << "the other owner is not named";
  EXPECT_THAT(lab().await_status("master", "\"healthy\":true"), HasSubstr("\"healthy\":true"));
}

TEST_F(ForeignOwner, AnotherOwnersRouteIsNamedByItsProtocolAndGivesWayWhenItGoes) {
  constexpr auto kPrefix = "172.16.0.128/26";  // worker2's pods
  ASSERT_NO_FATAL_FAILURE(
      shell("master", std::string("ip route add blackhole ") + kPrefix + " proto bird metric 5"));
  EXPECT_THAT(lab().await_status("master", "protocol bird"), HasSubstr(kPrefix));
  ASSERT_NO_FATAL_FAILURE(
      shell("master", std::string("ip route del blackhole ") + kPrefix + " proto bird metric 5"));
  EXPECT_THAT(lab().await_status("master", "protocol bird", false),
              testing::Not(HasSubstr("protocol bird")));
  EXPECT_TRUE(warm_up());
}

}  // namespace
}  // namespace sextant::e2e
