// Inner packets meet netfilter like any routed packet, exactly once; outer packets do not meet the
// FORWARD chain that filters the pods' traffic.

#include <fmt/format.h>

#include <sstream>

#include "scenario.h"

namespace sextant::conformance {

SEXTANT_SCENARIOS(Netfilter);

constexpr std::uint16_t kPort = 7000;

/// Drops what is invalid to conntrack, accepts what is established, and lets pods open connections
/// to kPort.
std::string stateful_forward_chain(const std::string& family) {
  return fmt::format(R"(
table {} firewall {{
  counter invalid {{}}
  counter opened {{}}
  counter denied {{}}
  chain forward {{
    type filter hook forward priority 0; policy drop;
    ct state invalid counter name invalid drop
    ct state established,related accept
    tcp dport {} ct state new counter name opened accept
    counter name denied
  }}
}}
)",
                     family, kPort);
}

TEST_P(Netfilter, StatefulForwardChainPassesTcpBetweenPods) {
  Lab lab(GetParam());
  for (const std::string node : {"a", "b"}) {
    lab.node(node).netns().nft(stateful_forward_chain(nft_family()));
  }
  const TcpReport report = tcp_transfer(lab.pod("a1").netns, lab.pod("b1").netns,
                                        {lab.pod("b1").address(family()), kPort}, 1'000'000);
  EXPECT_TRUE(report.connected);
  EXPECT_EQ(report.to_server, 1'000'000U);
  EXPECT_EQ(report.to_client, 1'000'000U);
  for (const std::string node : {"a", "b"}) {
    const std::string table = nft_family() + " firewall";
    EXPECT_EQ(nft_packets(lab.node(node).netns(), table, "invalid"), 0U) << "on node " << node;
    EXPECT_EQ(nft_packets(lab.node(node).netns(), table, "denied"), 0U) << "on node " << node;
    EXPECT_EQ(nft_packets(lab.node(node).netns(), table, "opened"), 1U) << "on node " << node;
  }
}

TEST_P(Netfilter, StatefulForwardChainDeniesWhatItDoesNotName) {
  Lab lab(GetParam());
  lab.node("b").netns().nft(stateful_forward_chain(nft_family()));
  const TcpReport report =
      tcp_transfer(lab.pod("a1").netns, lab.pod("b1").netns,
                   {lab.pod("b1").address(family()), kPort + 1}, 1, {.timeout = kSilence});
  EXPECT_FALSE(report.connected);
  EXPECT_GE(nft_packets(lab.node("b").netns(), nft_family() + " firewall", "denied"), 1U);
}

TEST_P(Netfilter, InputAndOutputChainsOfANodeSeeItsOverlayTraffic) {
  Lab lab(GetParam());
  const std::string script =
      fmt::format(R"(
table inet host {{
  counter invalid {{}}
  counter entered {{}}
  counter left {{}}
  chain input {{
    type filter hook input priority 0; policy accept;
    {0} daddr {1} ct state invalid counter name invalid drop
    {0} daddr {1} udp dport {2} counter name entered
  }}
  chain output {{
    type filter hook output priority 0; policy accept;
    {0} saddr {1} udp sport {2} counter name left
  }}
}}
)",
                  nft_family(), lab.address("b", family()).to_string(), kPort);
  lab.node("b").netns().nft(script);
  const Exchange exchange =
      udp_exchange(lab.pod("a1").netns, lab.node("b").netns(), {lab.address("b", family()), kPort});
  EXPECT_TRUE(exchange.complete()) << exchange.to_string();
  EXPECT_EQ(nft_packets(lab.node("b").netns(), "inet host", "entered"), 1U);
  EXPECT_EQ(nft_packets(lab.node("b").netns(), "inet host", "left"), 1U);
  EXPECT_EQ(nft_packets(lab.node("b").netns(), "inet host", "invalid"), 0U);
}

/// Counts requests to kPort and their replies where a packet that is routed passes.
std::string counting_chains(const std::string& family) {
  std::string script = "table inet count {\n";
  for (const std::string hook : {"prerouting", "forward", "postrouting"}) {
    script += fmt::format(
        "  counter {0}_request {{}}\n  counter {0}_reply {{}}\n"
        "  chain {0} {{\n    type filter hook {0} priority -10; policy accept;\n"
        "    meta nfproto {1} udp dport {2} counter name {0}_request\n"
        "    meta nfproto {1} udp sport {2} counter name {0}_reply\n"
        "    ct state invalid counter\n  }}\n",
        hook, family == "ip" ? "ipv4" : "ipv6", kPort);
  }
  return script + "}\n";
}

TEST_P(Netfilter, InnerPacketsCrossForwardAndPostroutingExactlyOncePerNode) {
  Lab lab(GetParam());
  for (const std::string node : {"a", "b"}) {
    lab.node(node).netns().nft(counting_chains(nft_family()));
  }
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  constexpr std::uint64_t kExchanges = 10;
  for (std::uint64_t i = 0; i < kExchanges; ++i) {
    const Exchange exchange = udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns, to);
    ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  }
  for (const std::string node : {"a", "b"}) {
    for (const std::string counter :
         {"forward_request", "forward_reply", "postrouting_request", "postrouting_reply"}) {
      EXPECT_EQ(nft_packets(lab.node(node).netns(), "inet count", counter), kExchanges)
          << counter << " on node " << node;
    }
    for (const std::string counter : {"prerouting_request", "prerouting_reply"}) {
      EXPECT_GE(nft_packets(lab.node(node).netns(), "inet count", counter), kExchanges)
          << counter << " on node " << node;
    }
  }
}

TEST_P(Netfilter, FlowHasOneConfirmedConntrackEntryPerNode) {
  Lab lab(GetParam());
  // Conntrack works where a rule asks for it.
  for (const std::string node : {"a", "b"}) {
    lab.node(node).netns().nft(counting_chains(nft_family()));
  }
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  const Exchange exchange = udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns, to);
  ASSERT_TRUE(exchange.complete()) << exchange.to_string();
  for (const std::string node : {"a", "b"}) {
    const CommandOutput list =
        lab.node(node).netns().run({"conntrack", "-L", "-f", v4() ? "ipv4" : "ipv6", "-p", "udp"});
    std::istringstream lines(list.text);
    std::size_t entries = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.find(fmt::format("dport={}", kPort)) == std::string::npos) continue;
      ++entries;
      EXPECT_EQ(line.find("UNREPLIED"), std::string::npos) << "node " << node << ": " << line;
    }
    EXPECT_EQ(entries, 1U) << "node " << node << ":\n" << list.text;
  }
}

TEST_P(Netfilter, RuleAgainstOnePodsEgressSparesTheOther) {
  Lab lab(GetParam());
  lab.node("a").netns().nft(fmt::format(R"(
table inet guard {{
  counter denied {{}}
  chain forward {{
    type filter hook forward priority 0; policy accept;
    {} saddr {} counter name denied drop
  }}
}}
)",
                                        nft_family(), lab.pod("a2").address(family()).to_string()));
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  EXPECT_TRUE(udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns, to).complete());
  const Exchange denied =
      udp_exchange(lab.pod("a2").netns, lab.pod("b1").netns, to, {.timeout = kSilence});
  EXPECT_FALSE(denied.server_saw) << denied.to_string();
  EXPECT_EQ(nft_packets(lab.node("a").netns(), "inet guard", "denied"), 1U);
}

TEST_P(Netfilter, RuleAgainstOnePodsIngressSparesTheOther) {
  Lab lab(GetParam());
  lab.node("b").netns().nft(fmt::format(R"(
table inet guard {{
  counter denied {{}}
  chain forward {{
    type filter hook forward priority 0; policy accept;
    {0} daddr {1} {0} saddr {2} counter name denied drop
  }}
}}
)",
                                        nft_family(), lab.pod("b2").address(family()).to_string(),
                                        lab.pod("a1").address(family()).to_string()));
  EXPECT_TRUE(udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns,
                           {lab.pod("b1").address(family()), kPort})
                  .complete());
  const Exchange denied =
      udp_exchange(lab.pod("a1").netns, lab.pod("b2").netns,
                   {lab.pod("b2").address(family()), kPort}, {.timeout = kSilence});
  EXPECT_FALSE(denied.server_saw) << denied.to_string();
  EXPECT_EQ(nft_packets(lab.node("b").netns(), "inet guard", "denied"), 1U);
}

TEST_P(Netfilter, OuterPacketsNeedNoRuleInADroppingIp6ForwardChain) {
  Lab lab(GetParam());
  // IPv6 pods get a rule each way; outer packets go between the nodes' addresses and SIDs, which no
  // rule names.
  for (const std::string node : {"a", "b"}) {
    lab.node(node).netns().nft(R"(
table ip6 strict {
  counter dropped {}
  chain forward {
    type filter hook forward priority 0; policy drop;
    ip6 saddr fdfb:af47:32af::/48 ip6 daddr fdfb:af47:32af::/48 accept
    counter name dropped
  }
}
)");
  }
  // One segment has no SRH, several have one: both shapes of the outer packet pass.
  const Endpoint to{lab.pod("b1").address(family()), kPort};
  const Exchange plain = udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns, to);
  EXPECT_TRUE(plain.complete()) << plain.to_string();
  if (!encapsulates()) return;
  lab.edit([](overlay::Intent& intent) {
    set_policy(intent, "through-r2", {.lists = {{.segments = {sid("fcff:2::1")}}}});
  });
  const Exchange steered = udp_exchange(lab.pod("a1").netns, lab.pod("b1").netns, to);
  EXPECT_TRUE(steered.complete()) << steered.to_string();
  for (const std::string node : {"a", "b"}) {
    EXPECT_EQ(nft_packets(lab.node(node).netns(), "ip6 strict", "dropped"), 0U)
        << "on node " << node;
  }
}

}  // namespace sextant::conformance
