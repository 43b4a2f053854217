// What a data plane owns: it repairs that, adopts it, removes it, and leaves everything else alone.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "scenario.h"
#include "snapshot.h"

namespace sextant::conformance {

SEXTANT_SCENARIOS(Ownership);

/// Somebody else's objects, as like Sextant's as they can be.
constexpr std::string_view kForeignObjects = R"(
link add foreign0 type veth peer name foreign1
link set foreign0 up
link set foreign1 up
address add 198.51.100.1/24 dev foreign0
address add 2001:db8:f::1/64 dev foreign0 nodad
neighbour add 198.51.100.9 dev foreign0 lladdr 02:00:00:00:0f:09 nud permanent
nexthop add id 77 via 2001:db8:f::2 dev foreign0
nexthop add id 78 encap seg6 mode encap.red segs 2001:db8:5::1 dev foreign0
nexthop add id 79 group 77/78
route add 203.0.113.0/24 via 198.51.100.2
route add 203.0.113.0/24 via 198.51.100.3 metric 77 proto 77
route add 172.16.0.0/12 via 198.51.100.2
route add unreachable 172.31.0.0/16
route add 2001:db8:1::/48 nhid 77
route add 2001:db8:2::/48 encap seg6 mode encap segs 2001:db8:5::2 dev foreign0
route add 2001:db8:3::d/128 encap seg6local action End dev foreign0
route add 2001:db8:4::/48 via 2001:db8:f::2 table 100
route add 203.0.113.0/24 via 198.51.100.2 table 200
)";
constexpr std::string_view kForeignRules = R"(
rule add pref 100 from 198.51.100.0/24 lookup 200
rule add pref 32000 fwmark 0x77 lookup 200
)";
constexpr std::string_view kForeignRulesV6 = R"(
rule add pref 100 from 2001:db8:f::/64 lookup 100
)";
constexpr std::string_view kForeignFilter = R"(
table inet foreign {
  set names { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 } }
  chain forward { type filter hook forward priority 0; policy accept; ip saddr @names drop; }
}
table ip6 raw {
  chain prerouting { type filter hook prerouting priority -300; }
}
)";

void add_foreign_objects(const LabNetns& netns) {
  netns.ip(kForeignObjects);
  netns.ip(kForeignRules);
  (void)netns.run({"ip", "-6", "-batch", "-"}, kForeignRulesV6);
  netns.nft(kForeignFilter);
}

TEST_P(Ownership, ForeignObjectsAreKept) {
  Lab lab(GetParam(), {.start = false});
  Node& node = lab.node("a");
  add_foreign_objects(node.netns());
  const Snapshot foreign = take_snapshot(node.netns());
  const auto all_is_there = [&](const std::string& when) {
    const Snapshot missing = added(take_snapshot(node.netns()), foreign);
    EXPECT_TRUE(missing.empty()) << when << " these vanished:\n" << to_string(missing);
  };

  lab.reconcile();
  all_is_there("after reconcile");
  EXPECT_TRUE(ping(lab.pod("a1").netns, lab.pod("b1").address(family())));
  lab.edit([](overlay::Intent& intent) {
    set_policy(intent, "path", {.lists = {{.segments = {sid("fcff:2::1")}}}});
  });
  all_is_there("after an edit");
  node.restart_dataplane();
  node.reconcile();
  all_is_there("after a restart");
  node.remove_all();
  all_is_there("after remove_all");
}

TEST_P(Ownership, RemoveAllLeavesNothing) {
  Lab lab(GetParam(), {.start = false});
  Node& node = lab.node("a");
  const Snapshot before = take_snapshot(node.netns());
  lab.reconcile();
  lab.edit([](overlay::Intent& intent) {
    set_policy(
        intent, "path",
        {.lists = {{.segments = {sid("fcff:1::1")}, .weight = 2}, {.segments = {sid("fcff:2::1")}}},
         .binding_sid = sid("cafe::1")});
  });
  ASSERT_TRUE(ping(lab.pod("a1").netns, lab.pod("b1").address(family())));
  ASSERT_FALSE(added(before, take_snapshot(node.netns())).empty());

  node.remove_all();

  const Snapshot after = take_snapshot(node.netns());
  EXPECT_TRUE(added(before, after).empty()) << "left behind:\n" << to_string(added(before, after));
  EXPECT_TRUE(added(after, before).empty()) << "vanished:\n" << to_string(added(after, before));
  const Endpoint to{lab.pod("b1").address(family()), 7000};
  EXPECT_FALSE(
      udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns, to, {.timeout = kSilence}).server_saw);
  // It can be had again, by the same instance.
  node.reconcile();
  EXPECT_TRUE(ping(lab.pod("a1").netns, lab.pod("b1").address(family())));
}

TEST_P(Ownership, RemoveAllByAnInstanceThatMadeNothingRemovesWhatAnEarlierOneMade) {
  Lab lab(GetParam(), {.start = false});
  Node& node = lab.node("a");
  const Snapshot before = take_snapshot(node.netns());
  lab.reconcile();
  ASSERT_FALSE(added(before, take_snapshot(node.netns())).empty());
  node.restart_dataplane();
  node.remove_all();
  const Snapshot left = added(before, take_snapshot(node.netns()));
  EXPECT_TRUE(left.empty()) << "left behind:\n" << to_string(left);
}

TEST_P(Ownership, RestartWritesNothingAndLosesNothing) {
  Lab lab(GetParam());
  Node& node = lab.node("a");
  lab.edit([](overlay::Intent& intent) {
    set_policy(
        intent, "path",
        {.lists = {{.segments = {sid("fcff:1::1")}, .weight = 3}, {.segments = {sid("fcff:2::1")}}},
         .binding_sid = sid("cafe::1")});
  });
  const Snapshot before = take_snapshot(node.netns());
  testbed::Stream stream = flowing_stream({.from_netns = lab.pod("a1").netns.name(),
                                           .to_netns = lab.pod("b1").netns.name(),
                                           .destination = lab.pod("b1").address(family()),
                                           .flows = 16});
  node.restart_dataplane();
  EXPECT_EQ(node.reconcile().writes, 0U);
  EXPECT_EQ(to_string(take_snapshot(node.netns())), to_string(before));
  EXPECT_EQ(node.reconcile().writes, 0U) << "by the same instance again";

  // The next edit is based on what was adopted.
  const testbed::Sniffer r2 = sniff(lab.router("r2"), testbed::udp_to(47000));
  lab.edit([](overlay::Intent& intent) {
    set_policy(intent, "path", {.lists = {{.segments = {sid("fcff:2::1")}}}});
  });
  EXPECT_TRUE(r2.wait_for(encapsulated_to(47000), kPatience));
  EXPECT_TRUE(stream.wait_received(stream.snapshot().received + 200, kPatience));
  const testbed::StreamReport report = stream.stop();
  EXPECT_TRUE(report.lossless()) << report.to_string();
}

TEST_P(Ownership, ReconcileRemovesWhatIsNoLongerWanted) {
  Lab lab(GetParam());
  Node& node = lab.node("a");
  const overlay::Forwarding plain = lab.resolve("a");
  const Snapshot before = take_snapshot(node.netns());
  lab.edit([](overlay::Intent& intent) {
    set_policy(intent, "path",
               {.lists = {{.segments = {sid("fcff:1::1")}}, {.segments = {sid("fcff:2::1")}}},
                .binding_sid = sid("cafe::1")});
  });
  // The agent is away while the policy is deleted.
  node.restart_dataplane();
  EXPECT_GT(node.reconcile(plain).writes, 0U);
  const Snapshot after = take_snapshot(node.netns());
  const auto count = [](const Snapshot& snapshot, const std::string& kind) {
    return std::count_if(snapshot.begin(), snapshot.end(),
                         [&](const KernelObject& object) { return object.kind == kind; });
  };
  // Handles may differ; their number may not.
  for (const std::string kind :
       {"link", "address", "-4 route", "-6 route", "-4 rule", "-6 rule", "nexthop", "nft"}) {
    EXPECT_EQ(count(before, kind), count(after, kind))
        << kind << ": more:\n"
        << to_string(added(before, after)) << "less:\n"
        << to_string(added(after, before));
  }
  EXPECT_TRUE(ping(lab.pod("a1").netns, lab.pod("b1").address(family())));
}

/// The command that damages an object of the data plane; empty where there is none for it.
std::string damage(const KernelObject& object) {
  const auto after = [&](std::string_view key) { return word_after(object.line, key); };
  const std::string first = object.line.substr(0, object.line.find(' '));
  if (object.kind == "link") return first == "lo" ? "" : "ip link del " + first;
  if (object.kind == "-4 rule" || object.kind == "-6 rule") {
    // Every new namespace has these.
    if (first == "0:" || first == "32766:" || first == "32767:") return {};
    return fmt::format("ip {} rule del pref {}", object.kind.substr(0, 2),
                       first.substr(0, first.find(':')));
  }
  if (object.kind == "-4 route" || object.kind == "-6 route") {
    if (after("proto") == "kernel") return {};
    const bool typed = first.find_first_of(".:") == std::string::npos && first != "default";
    // An End.DT6's own "table" stands before the device.
    const bool encap = object.line.find(" encap ") != std::string::npos;
    const std::string table =
        word_after(encap ? object.line.substr(object.line.find(" dev ")) : object.line, "table");
    return fmt::format("ip {} route del {} table {} proto {} metric {}", object.kind.substr(0, 2),
                       typed ? first + " " + after(first) : first, table.empty() ? "main" : table,
                       after("proto"), after("metric").empty() ? "0" : after("metric"));
  }
  if (object.kind == "nexthop") {
    if (object.line.find(" encap ") == std::string::npos) return "ip nexthop del id " + after("id");
    const std::string gateway = after("via") == "inet6" ? after("inet6") : after("via");
    return fmt::format(
        "ip nexthop replace id {} encap seg6 mode encap segs fcff:dead::1 {} {} dev {}",
        after("id"), gateway.empty() ? "" : "via", gateway, after("dev"));
  }
  if (object.kind == "address") {
    if (first == "lo" && object.line.find(" scope host") != std::string::npos) return {};
    return fmt::format("ip address del {} dev {}",
                       after("inet").empty() ? after("inet6") : after("inet"), first);
  }
  if (object.kind == "neighbour") {
    return fmt::format("ip neighbour del {} dev {}", first, after("dev"));
  }
  if (object.kind == "nft" && object.line.find(" chain ") != std::string::npos) {
    // "table inet name { chain x {"
    const std::string family = after("table");
    return "nft flush table " + family + " " + after(family);
  }
  return {};
}

TEST_P(Ownership, DamageOfEveryKindIsNoticedAndRepaired) {
  Lab lab(GetParam(), {.start = false});
  Node& node = lab.node("a");
  const Snapshot before = take_snapshot(node.netns());
  lab.reconcile();
  lab.edit([](overlay::Intent& intent) {
    set_policy(intent, "path",
               {.lists = {{.segments = {sid("fcff:1::1")}}, {.segments = {sid("fcff:2::1")}}}});
  });
  const Snapshot whole = take_snapshot(node.netns());
  const Snapshot intact = without_handles(whole);
  const Endpoint to{lab.pod("b1").address(family()), 7000};
  // Two of each kind and place show what there is to see.
  std::map<std::pair<std::string, std::string>, int> tried;
  for (const KernelObject& object : added(before, whole)) {
    const std::string command = damage(object);
    if (command.empty() || tried[{object.netns, object.kind}] == 2) continue;
    SCOPED_TRACE(object.netns + " " + object.kind + ": " + object.line + "\n" + command);
    const CommandOutput done =
        run_in(must(netlink::Netns::open(object.netns)), {"sh", "-c", command});
    // An earlier repair may have given the object another handle.
    if (!done.ok() && object.kind == "nexthop") continue;
    ASSERT_TRUE(done.ok()) << done.text;
    ++tried[{object.netns, object.kind}];
    EXPECT_TRUE(node.notices_damage(kPatience)) << "not noticed";
    node.reconcile();
    const Snapshot repaired = without_handles(take_snapshot(node.netns()));
    EXPECT_EQ(to_string(added(repaired, intact)), "  nothing\n") << "is missing";
    EXPECT_EQ(to_string(added(intact, repaired)), "  nothing\n") << "is too much";
    const Exchange exchange = udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns, to);
    EXPECT_TRUE(exchange.complete()) << exchange.to_string();
  }
  EXPECT_GT(tried.size(), 3U) << "too little to damage was found";
}

}  // namespace sextant::conformance
