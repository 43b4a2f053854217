// The SR domain is closed (RFC 8754 section 5): what a pod with CAP_NET_RAW crafts gets nowhere,
// and SIDs take packets from the underlay only. Each row says which counter must have seen it.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>

#include "crafted.h"
#include "dataplane/linux/linux_dataplane.h"
#include "scenario.h"
#include "snapshot.h"

namespace sextant::conformance {

namespace {

constexpr std::uint16_t kAttackPort = 6666;
constexpr std::uint16_t kAllowedPort = 7000;

struct Row {
  std::string name;
  std::string packet;   // scapy; in braces what words() knows
  std::string counter;  // that counts the drop; empty: it arrives where it is sent
};

// The lab's addresses (lab.cpp) under short names: `a1` is the pod that sends.
std::string expression(const std::string& packet) {
  static const std::map<std::string, std::string> kWords = {
      {"{a1}", "'fdfb:af47:32af::2'"},
      {"{a2}", "'fdfb:af47:32af::3'"},
      {"{b1}", "'fdfb:af47:32af::42'"},
      {"{unused}", "'fdfb:af47:32af::3c'"},
      {"{overlay}", "'fdfb:af47:32af::1'"},
      {"{a}", "'fd10::a'"},
      {"{c}", "'fd12::c'"},
      {"{own_sid}", "'fcdd:0:0:a:12::'"},
      {"{sid}", "'fcdd:0:0:b:12::'"},
      {"{sid4}", "'fcdd:0:0:b:13::'"},
      {"{router}", "'fcff:2::1'"},
      {"{binding}", "'cafe::185'"},
      {"{r1}", "'fcf0:0:0:1::1'"},
      {"{world}", "'2001:db8::1'"},
      {"{a1_4}", "'172.16.0.2'"},
      {"{a2_4}", "'172.16.0.3'"},
      {"{b1_4}", "'172.16.0.66'"},
      {"{a_4}", "'192.168.10.2'"},
      {"{overlay_4}", "'172.16.0.1'"},
      {"{udp}", "UDP(sport=1,dport=6666)/b'attack'"},
      {"{allowed}", "UDP(sport=1,dport=7000)/b'allowed'"},
  };
  std::string text = packet;
  for (const auto& [word, value] : kWords) {
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word)) {
      text.replace(at, word.size(), value);
    }
  }
  return text;
}

std::map<std::string, std::vector<Frame>> craft_rows(const std::vector<Row>& rows) {
  std::map<std::string, std::string> expressions;
  for (const Row& row : rows) expressions.emplace(row.name, expression(row.packet));
  return craft(expressions);
}

/// With BPF or without.
bool is_linux(const Case& value) { return value.dataplane.name.starts_with("linux"); }

std::map<std::string, std::uint64_t> drops_of(Node& node) {
  const auto counters = must(must(
      node.run([&] { return Result<Result<dataplane::Counters>>(node.dataplane().counters()); })));
  std::map<std::string, std::uint64_t> drops;
  for (const auto& [reason, count] : counters.dropped) drops[reason] = count.packets;
  return drops;
}

/// Sends each row; its counter, and no other, must count it.
void expect_dropped(Node& node, const FrameSender& sender, const std::vector<Row>& rows) {
  const auto packets = craft_rows(rows);
  auto before = drops_of(node);
  for (const Row& row : rows) {
    for (const Frame& packet : packets.at(row.name)) sender.send(packet);
    // A packet is through before send() returns unless the machine is busy.
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    auto after = drops_of(node);
    while (after[row.counter] == before[row.counter] &&
           std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
      after = drops_of(node);
    }
    EXPECT_GT(after[row.counter], before[row.counter]) << row.name;
    after[row.counter] = before[row.counter];
    EXPECT_EQ(after, before) << row.name << ": another counter moved";
    before = drops_of(node);
  }
}

bool has_port(const testbed::CapturedPacket& packet, std::uint16_t port) {
  return packet.inner.destination_port == port;
}

/// Anything of an attack: by its port, or by a pod's address in an outermost header.
bool is_leak(const testbed::CapturedPacket& packet) {
  static const IpPrefix kPods4 = must(IpPrefix::parse("172.16.0.0/16"));
  static const IpPrefix kPods6 = must(IpPrefix::parse("fdfb:af47:32af::/48"));
  const IpAddress source = packet.outer ? IpAddress(packet.outer->source) : packet.inner.source;
  return has_port(packet, kAttackPort) || kPods4.contains(source) || kPods6.contains(source);
}

std::string text_of(const testbed::Sniffer& sniffer) {
  std::string text;
  for (const auto& packet : sniffer.packets()) text += testbed::to_string(packet) + "\n";
  return text;
}

FrameSender from_pod(const Lab& lab, const std::string& pod) {
  return {lab.pod(pod).netns, "eth0",
          fmt::format("02:00:00:00:01:{:02x}", lab.pod(pod).ipv4.bytes()[3])};
}

/// The hardware address of a device.
std::string mac_of(const LabNetns& netns, const std::string& device) {
  return word_after(netns.run({"ip", "link", "show", "dev", device}).text, "link/ether");
}

FrameSender from_underlay(Lab& lab) {
  return {lab.router("r1"), "to-a", mac_of(lab.node("a").netns(), "to-r1")};
}

void name_sids(overlay::Intent& intent) {
  set_policy(intent, "through-r2",
             {.lists = {{.segments = {sid("fcff:2::1")}}}, .binding_sid = sid("cafe::185")});
}

const std::vector<Row> kAttacks4 = {
    {"the other pod's address", "IP(src={a2_4},dst={b1_4})/{udp}", "pod_spoofed"},
    {"a remote pod's address", "IP(src={b1_4},dst={b1_4})/{udp}", "pod_spoofed"},
    {"the node's address", "IP(src={a_4},dst={b1_4})/{udp}", "pod_spoofed"},
    {"the node's overlay address", "IP(src={overlay_4},dst={b1_4})/{udp}", "pod_spoofed"},
    {"an arbitrary address", "IP(src='8.8.8.8',dst={b1_4})/{udp}", "pod_spoofed"},
    {"loopback", "IP(src='127.0.0.1',dst={b1_4})/{udp}", "pod_spoofed"},
    {"a spoofed ping of the node", "IP(src={a2_4},dst={a_4})/ICMP()", "pod_spoofed"},
    {"a spoofed fragment", "fragment(IP(src={a2_4},dst={b1_4})/UDP(dport=6666)/(b'x'*64),48)",
     "pod_spoofed"},
};

const std::vector<Row> kAttacks6 = {
    // To a SID.
    {"own SID", "IPv6(src={a1},dst={own_sid})/{udp}", "pod_to_sid"},
    {"a node's SID", "IPv6(src={a1},dst={sid})/{udp}", "pod_to_sid"},
    {"IPv6 in IPv6", "IPv6(src={a1},dst={sid})/IPv6(src={a2},dst={b1})/{udp}", "pod_to_sid"},
    {"IPv4 in IPv6", "IPv6(src={a1},dst={sid4})/IP(src={a2_4},dst={b1_4})/{udp}", "pod_to_sid"},
    {"IPv6 in IPv6 to the own node", "IPv6(src={a1},dst={own_sid})/IPv6(src={b1},dst={a2})/{udp}",
     "pod_to_sid"},
    {"ping of a router's SID", "IPv6(src={a1},dst={router})/ICMPv6EchoRequest()", "pod_to_sid"},
    {"binding SID", "IPv6(src={a1},dst={binding})/{udp}", "pod_to_sid"},
    {"unused SID", "IPv6(src={a1},dst='fcdd:0:0:b:dead::')/{udp}", "pod_to_sid"},
    {"no next header", "IPv6(src={a1},dst={sid},nh=59)/b'x'", "pod_to_sid"},
    {"SRH to a SID", "IPv6(src={a1},dst={sid})/IPv6ExtHdrSegmentRouting(addresses=[{b1}])/{udp}",
     "pod_routing_header"},
    {"fragments to a SID",
     "fragment6(IPv6(src={a1},dst={sid})/IPv6ExtHdrFragment()/UDP(dport=6666)/(b'x'*2000),1280)",
     "pod_to_sid"},
    {"behind options to a SID", "IPv6(src={a1},dst={sid})/IPv6ExtHdrDestOpt()/{udp}", "pod_to_sid"},
    // A routing header.
    {"SRH through a SID",
     "IPv6(src={a1},dst={b1})/IPv6ExtHdrSegmentRouting(addresses=[{sid},{b1}],segleft=1)/{udp}",
     "pod_routing_header"},
    {"SRH to the own node",
     "IPv6(src={a1},dst={a})/IPv6ExtHdrSegmentRouting(addresses=[{sid},{a}],segleft=1)/{udp}",
     "pod_routing_header"},
    {"SRH to the gateway address",
     "IPv6(src={a1},dst='fe80::1')/IPv6ExtHdrSegmentRouting(addresses=[{sid}],segleft=1)/{udp}",
     "pod_routing_header"},
    {"SRH that is used up",
     "IPv6(src={a1},dst={b1})/IPv6ExtHdrSegmentRouting(addresses=[{b1}],segleft=0)/{udp}",
     "pod_routing_header"},
    {"type 0", "IPv6(src={a1},dst={b1})/IPv6ExtHdrRouting(type=0,addresses=[{sid}])/{udp}",
     "pod_routing_header"},
    {"type 2", "IPv6(src={a1},dst={b1})/IPv6ExtHdrRouting(type=2,addresses=[{sid}])/{udp}",
     "pod_routing_header"},
    {"type 3", "IPv6(src={a1},dst={b1})/IPv6ExtHdrRouting(type=3,addresses=[{sid}])/{udp}",
     "pod_routing_header"},
    {"type 253", "IPv6(src={a1},dst={b1})/IPv6ExtHdrRouting(type=253,addresses=[{sid}])/{udp}",
     "pod_routing_header"},
    {"behind hop-by-hop options",
     "IPv6(src={a1},dst={b1})/IPv6ExtHdrHopByHop()/IPv6ExtHdrRouting(addresses=[{sid}])/{udp}",
     "pod_routing_header"},
    {"behind destination options",
     "IPv6(src={a1},dst={a})/IPv6ExtHdrDestOpt()/IPv6ExtHdrRouting(addresses=[{sid}])/{udp}",
     "pod_routing_header"},
    {"in the first fragment",
     "IPv6(src={a1},dst={a})/IPv6ExtHdrFragment(m=1,id=1)/IPv6ExtHdrRouting(addresses=[{sid}])",
     "pod_routing_header"},
    {"in the second fragment",
     "[IPv6(src={a1},dst={a})/IPv6ExtHdrFragment(m=1,id=2,nh=60)/bytes.fromhex('2b00010400000000'),"
     "IPv6(src={a1},dst={a})/IPv6ExtHdrFragment(offset=1,id=2,nh=60)/"
     "IPv6ExtHdrRouting(addresses=[{sid}])/{udp}]",
     "pod_routing_header"},
    {"behind two fragment headers",
     "IPv6(src={a1},dst={a})/IPv6ExtHdrFragment(id=3)/IPv6ExtHdrFragment(id=4)/"
     "IPv6ExtHdrRouting(addresses=[{sid}])/{udp}",
     "pod_routing_header"},
    // From an address that is not its own.
    {"the other pod's address", "IPv6(src={a2},dst={b1})/{udp}", "pod_spoofed"},
    {"a remote pod's address", "IPv6(src={b1},dst={a2})/{udp}", "pod_spoofed"},
    {"an unused address of the pod prefix", "IPv6(src={unused},dst={b1})/{udp}", "pod_spoofed"},
    {"the node's address", "IPv6(src={a},dst={b1})/{udp}", "pod_spoofed"},
    {"the node's overlay address", "IPv6(src={overlay},dst={b1})/{udp}", "pod_spoofed"},
    {"another node's address to a SID", "IPv6(src={c},dst={sid})/IPv6(src={a2},dst={b1})/{udp}",
     "pod_spoofed"},
    {"a SID", "IPv6(src={sid},dst={b1})/{udp}", "pod_spoofed"},
    {"an arbitrary address", "IPv6(src={world},dst={b1})/{udp}", "pod_spoofed"},
    {"no address", "IPv6(src='::',dst={b1})/{udp}", "pod_spoofed"},
    {"the gateway's link-local address", "IPv6(src='fe80::1',dst={a})/{udp}", "pod_spoofed"},
    {"a spoofed neighbour advertisement",
     "IPv6(src={a2},dst='fe80::1',hlim=255)/ICMPv6ND_NA(tgt={a2},O=1)/"
     "ICMPv6NDOptDstLLAddr(lladdr='02:00:00:00:00:09')",
     "pod_spoofed"},
};

const std::vector<Row> kAllowed4 = {
    {"plain", "IP(src={a1_4},dst={b1_4})/{allowed}", ""},
    {"fragments", "fragment(IP(src={a1_4},dst={b1_4})/UDP(sport=1,dport=7000)/(b'x'*64),48)", ""},
};

const std::vector<Row> kAllowed6 = {
    {"plain", "IPv6(src={a1},dst={b1})/{allowed}", ""},
    {"with destination options", "IPv6(src={a1},dst={b1})/IPv6ExtHdrDestOpt()/{allowed}", ""},
    {"with hop-by-hop options", "IPv6(src={a1},dst={b1})/IPv6ExtHdrHopByHop()/{allowed}", ""},
    {"fragments",
     "fragment6(IPv6(src={a1},dst={b1})/IPv6ExtHdrFragment()/UDP(sport=1,dport=7000)/(b'x'*1300),"
     "1280)",
     ""},
    {"a tunnel of its own", "IPv6(src={a1},dst={b1})/IPv6(src={a2},dst={b1})/{allowed}", ""},
};

/// For a packet between SIDs that comes by the underlay, with `inner` towards pod a1.
std::string outer_packet(const std::string& source, const std::string& inner) {
  return "IPv6(src=" + source + ",dst={own_sid})/" + inner;
}

}  // namespace

SEXTANT_SCENARIOS(ClosedDomain);

TEST_P(ClosedDomain, WhatAPodMustNotSendGetsNowhere) {
  if (const auto why = missing_scapy(); !why.empty()) GTEST_SKIP() << why;
  if (!encapsulates()) GTEST_SKIP() << "there is no domain without an overlay";
  Lab lab(GetParam());
  lab.edit(name_sids);
  Node& a = lab.node("a");
  // As careless as a host can be.
  a.netns().sysctl({"net.ipv6.conf.all.seg6_enabled=1",
                    fmt::format("net.ipv6.conf.{}.seg6_enabled=1", lab.pod("a1").host_device)});
  const testbed::Sniffer r1 = sniff(lab.router("r1"), is_leak);
  const testbed::Sniffer r2 = sniff(lab.router("r2"), is_leak);
  const testbed::Sniffer b1 = sniff(lab.pod("b1").netns, is_leak);
  const testbed::Sniffer a2 = sniff(lab.pod("a2").netns, is_leak);
  const testbed::Sniffer gateway =
      must(testbed::Sniffer::start({.netns = a.netns().name() + "-gw", .filter = is_leak}));
  const testbed::Sniffer* const sniffers[] = {&r1, &r2, &b1, &a2, &gateway};

  expect_dropped(a, from_pod(lab, "a1"), v4() ? kAttacks4 : kAttacks6);

  (void)r1.wait_for(nothing(), kSilence);
  for (const auto* sniffer : sniffers) EXPECT_EQ(sniffer->count(), 0U) << text_of(*sniffer);
  EXPECT_TRUE(ping(lab.pod("a1").netns, lab.pod("a2").address(family())))
      << "neighbours are as before";
}

TEST_P(ClosedDomain, WhatAPodMaySendArrives) {
  if (const auto why = missing_scapy(); !why.empty()) GTEST_SKIP() << why;
  Lab lab(GetParam());
  lab.edit(name_sids);
  const auto& rows = v4() ? kAllowed4 : kAllowed6;
  const auto packets = craft_rows(rows);
  const FrameSender sender = from_pod(lab, "a1");
  testbed::Sniffer b1 = sniff(lab.pod("b1").netns, [](const testbed::CapturedPacket& packet) {
    return has_port(packet, kAllowedPort);
  });
  for (const Row& row : rows) {
    b1.clear();
    for (const Frame& packet : packets.at(row.name)) sender.send(packet);
    EXPECT_TRUE(b1.wait_for({}, kPatience)) << row.name;
  }
  const Exchange to_node = udp_exchange(lab.pod("a1").netns, lab.node("a").netns(),
                                        {lab.address("a", family()), kAllowedPort});
  EXPECT_TRUE(to_node.complete()) << to_node.to_string();
  const auto drops = drops_of(lab.node("a"));
  EXPECT_TRUE(!drops.empty() || !is_linux(GetParam())) << "it counts what it drops";
  for (const auto& [reason, count] : drops) EXPECT_EQ(count, 0U) << reason;
}

TEST_P(ClosedDomain, DnatToASidIsStoppedToo) {
  if (!encapsulates() || v4()) GTEST_SKIP() << "SIDs are IPv6 addresses";
  Lab lab(GetParam());
  lab.edit(name_sids);
  Node& a = lab.node("a");
  a.netns().nft(R"(
table ip6 services {
  chain prerouting {
    type nat hook prerouting priority -100;
    ip6 daddr fd99::1 dnat to fcdd:0:0:b:12::
    ip6 daddr fd99::2 dnat to fcff:2::1
  }
  chain postrouting { type nat hook postrouting priority 100; oifname "to-*" masquerade; }
}
)");
  const testbed::Sniffer r1 = sniff(lab.router("r1"), testbed::udp_to(kAttackPort));
  const testbed::Sniffer r2 = sniff(lab.router("r2"), testbed::udp_to(kAttackPort));
  UdpSocket pod(lab.pod("a1").netns, family());
  ASSERT_TRUE(pod.send({ip("fd99::1"), kAttackPort}, "attack"));
  ASSERT_TRUE(pod.send({ip("fd99::2"), kAttackPort}, "attack"));
  (void)r1.wait_for(nothing(), kSilence);
  EXPECT_EQ(r1.count(), 0U) << text_of(r1);
  EXPECT_EQ(r2.count(), 0U) << text_of(r2);
  EXPECT_EQ(drops_of(a)["pod_to_sid"], 2U);
}

TEST_P(ClosedDomain, SidsTakePacketsFromTheUnderlayOnly) {
  if (const auto why = missing_scapy(); !why.empty()) GTEST_SKIP() << why;
  if (!encapsulates() || v4()) GTEST_SKIP() << "outer packets are IPv6";
  Lab lab(GetParam());
  lab.edit(name_sids);
  Node& a = lab.node("a");
  // A bridge of containers, as Docker makes it.
  const LabNetns container("container");
  a.netns().ip(fmt::format(R"(link add docker0 type bridge
link add vethc index 300 type veth peer name eth0 index 20 netns {}
link set vethc master docker0
link set vethc up
address add fd77::1/64 dev docker0 nodad
link set docker0 up
)",
                           container.name()));
  container.ip(R"(address add fd77::2/64 dev eth0 nodad
link set eth0 up
route add default via fd77::1
)");
  a.reconcile();
  const FrameSender bridge(container, "eth0", mac_of(a.netns(), "docker0"));
  const FrameSender underlay = from_underlay(lab);
  testbed::Sniffer a1 = sniff(lab.pod("a1").netns, [](const testbed::CapturedPacket& packet) {
    return has_port(packet, kAttackPort) || has_port(packet, kAllowedPort);
  });

  // The same packet from there and from here.
  expect_dropped(
      a, bridge,
      {{"own SID from a bridge", outer_packet("'fd77::2'", "IPv6(src={b1},dst={a1})/{udp}"),
        "sid_not_from_underlay"},
       {"a node's SID from a bridge", "IPv6(src='fd77::2',dst={sid})/{udp}",
        "sid_not_from_underlay"},
       {"from a bridge in a node's name", outer_packet("{c}", "IPv6(src={b1},dst={a1})/{udp}"),
        "sid_not_from_underlay"}});
  expect_dropped(
      a, underlay,
      {{"outer source is a remote pod", outer_packet("{b1}", "IPv6(src={b1},dst={a1})/{udp}"),
        "sid_source"},
       {"outer source is an own pod", outer_packet("{a2}", "IPv6(src={b1},dst={a1})/{udp}"),
        "sid_source"},
       {"outer source is an unused pod address",
        outer_packet("{unused}", "IPv6(src={b1},dst={a1})/{udp}"), "sid_source"},
       {"a pod's packet inside goes on to a SID",
        outer_packet("{c}", "IPv6(src={b1},dst={own_sid})/IPv6(src={b1},dst={a1})/{udp}"),
        "sid_not_from_underlay"}});
  (void)a1.wait_for(nothing(), kSilence);
  EXPECT_EQ(a1.count(), 0U) << text_of(a1);

  const std::vector<Row> taken = {
      {"from a router", outer_packet("{r1}", "IPv6(src={b1},dst={a1})/{allowed}"), ""},
      {"from a node", outer_packet("{c}", "IPv6(src={b1},dst={a1})/{allowed}"), ""},
      {"a node's packet inside goes on to a SID",
       outer_packet("{c}", "IPv6(src={c},dst={own_sid})/IPv6(src={b1},dst={a1})/{allowed}"), ""},
  };
  const auto before = drops_of(a);
  const auto packets = craft_rows(taken);
  for (const Row& row : taken) {
    a1.clear();
    for (const Frame& packet : packets.at(row.name)) underlay.send(packet);
    EXPECT_TRUE(a1.wait_for({}, kPatience)) << row.name;
  }
  EXPECT_EQ(drops_of(a), before);
  // The node's own packets to SIDs of others pass, as a trace sends them.
  const testbed::Sniffer r2 = sniff(lab.router("r2"), testbed::udp_to(kAllowedPort));
  UdpSocket own(a.netns(), Family::kIpv6);
  ASSERT_TRUE(own.send({ip("fcff:2::1"), kAllowedPort}, "probe"));
  EXPECT_TRUE(r2.wait_for({}, kPatience));
}

TEST_P(ClosedDomain, WhereSourcesAreNamedOthersAreDropped) {
  if (const auto why = missing_scapy(); !why.empty()) GTEST_SKIP() << why;
  Case strict = GetParam();
  if (!is_linux(strict) || v4()) GTEST_SKIP() << "an option of one data plane";
  strict.dataplane.make = [fast = strict.dataplane.counts_paths] {
    return dataplane::make_linux_dataplane(
        {.max_segments = kMaxSegments,
         .fast_path = fast,
         .sid_sources = {must(IpPrefix::parse("2001:db8::/64"))}});
  };
  Lab lab(strict);
  Node& a = lab.node("a");
  const FrameSender underlay = from_underlay(lab);
  expect_dropped(
      a, underlay,
      {{"a router's address that nobody named",
        outer_packet("{r1}", "IPv6(src={b1},dst={a1})/{udp}"), "sid_source"},
       {"a pod's address", outer_packet("{b1}", "IPv6(src={b1},dst={a1})/{udp}"), "sid_source"}});
  const std::vector<Row> taken = {
      {"a node", outer_packet("{c}", "IPv6(src={b1},dst={a1})/{allowed}"), ""},
      {"a SID", outer_packet("{sid}", "IPv6(src={b1},dst={a1})/{allowed}"), ""},
      {"a named source", outer_packet("{world}", "IPv6(src={b1},dst={a1})/{allowed}"), ""},
  };
  const auto packets = craft_rows(taken);
  for (const Row& row : taken) {
    const testbed::Sniffer a1 = sniff(lab.pod("a1").netns, testbed::udp_to(kAllowedPort));
    for (const Frame& packet : packets.at(row.name)) underlay.send(packet);
    EXPECT_TRUE(a1.wait_for({}, kPatience)) << row.name;
  }
}

}  // namespace sextant::conformance
