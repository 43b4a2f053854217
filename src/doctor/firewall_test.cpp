#include "doctor/firewall.h"

#include <gtest/gtest.h>

#include "doctor/checks.h"

namespace sextant::doctor {
namespace {

AgentFacts dual_stack() {
  AgentFacts agent{.healthy = true};
  agent.pod_prefixes = {IpPrefix::parse("172.16.1.0/26").value(),
                        IpPrefix::parse("fd20:0:0:1::/64").value()};
  return agent;
}

/// What is not ok, as "VERDICT CHAIN: FOUND".
std::vector<std::string> problems(std::vector<FirewallChain> chains) {
  std::vector<std::string> found;
  for (const auto& each : check_firewall({.unread = "", .chains = std::move(chains)}, dual_stack()))
    if (each.verdict != Verdict::kOk)
      found.push_back(std::string(to_string(each.verdict)) + " " + each.object + ": " + each.found);
  return found;
}

std::vector<std::string> problems_of_nft(const std::string& objects) {
  auto chains = parse_nft(R"({"nftables": [{"metainfo": {"version": "1.0.6"}}, )" + objects + "]}");
  EXPECT_TRUE(chains) << chains.error().message();
  return chains ? problems(std::move(*chains)) : std::vector<std::string>{};
}

std::string chain(const std::string& family, const std::string& hook, const std::string& policy) {
  return R"({"chain": {"family": ")" + family + R"(", "table": "t", "name": "c", "handle": 1,
    "type": "filter", "hook": ")" +
         hook + R"(", "prio": 0, "policy": ")" + policy + "\"}}";
}

std::string rule(const std::string& family, const std::string& expressions,
                 const std::string& name = "c") {
  return R"({"rule": {"family": ")" + family + R"(", "table": "t", "chain": ")" + name +
         R"(", "handle": 2, "expr": [)" + expressions + "]}}";
}

const std::vector<std::string> kNone;
const std::vector<std::string> kClosed{"fail inet t c: policy drop, and no rule lets pods through"};

TEST(Firewall, ForwardWithPolicyDropNeedsAWayForPods) {
  const auto drop = chain("inet", "forward", "drop");
  EXPECT_EQ(problems_of_nft(chain("inet", "forward", "accept")), kNone);
  EXPECT_EQ(problems_of_nft(chain("inet", "input", "drop")), kNone) << "pods are forwarded";
  EXPECT_EQ(problems_of_nft(drop), kClosed);
  const std::string established = R"({"match": {"op": "in", "left": {"ct": {"key": "state"}},
    "right": ["established", "related"]}}, {"accept": null})";
  EXPECT_EQ(problems_of_nft(drop + "," + rule("inet", established)), kClosed)
      << "that is for answers only";
  const auto device = [](const std::string& right) {
    return R"({"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": )" + right +
           R"(}}, {"counter": {"packets": 0, "bytes": 0}}, {"accept": null})";
  };
  EXPECT_EQ(problems_of_nft(drop + "," + rule("inet", device(R"("sextant0")"))), kNone);
  EXPECT_EQ(problems_of_nft(drop + "," + rule("inet", device(R"({"set": ["eth9", "sxp*"]})"))),
            kNone);
  EXPECT_EQ(problems_of_nft(drop + "," + rule("inet", device(R"("eth9")"))), kClosed);
  EXPECT_EQ(problems_of_nft(drop + "," + rule("inet", R"({"accept": null})")), kNone);
  const std::string prefix = R"({"match": {"op": "==", "left": {"payload": {"protocol": "ip",
    "field": "saddr"}}, "right": {"prefix": {"addr": "172.16.0.0", "len": 16}}}}, {"accept": null})";
  EXPECT_EQ(problems_of_nft(drop + "," + rule("inet", prefix)), kNone);
}

TEST(Firewall, MendsWithTheToolThatMadeTheChain) {
  const auto mend = [](const char* family, const char* table, const char* name) {
    const FirewallChain closed{
        .family = family, .table = table, .name = name, .hook = "forward", .drops_by_policy = true};
    return check_firewall({.unread = "", .chains = {closed}}, dual_stack()).front().mend;
  };
  EXPECT_TRUE(mend("ip6", "filter", "FORWARD").starts_with("ip6tables -I FORWARD -i sextant0"));
  EXPECT_TRUE(mend("ip", "filter", "FORWARD").starts_with("iptables -I FORWARD -i sextant0"));
  EXPECT_TRUE(mend("ip", "shut", "c").starts_with("nft 'insert rule ip shut c iifname"));
  EXPECT_TRUE(
      mend("inet", "filter", "FORWARD").starts_with("nft 'insert rule inet filter FORWARD"));
}

TEST(Firewall, FollowsJumps) {
  const std::string other =
      R"({"chain": {"family": "inet", "table": "t", "name": "pods", "handle": 3}})";
  const auto jump = rule("inet", R"({"jump": {"target": "pods"}})");
  const auto drop = chain("inet", "forward", "drop");
  EXPECT_EQ(problems_of_nft(drop + "," + other + "," + jump), kClosed);
  EXPECT_EQ(problems_of_nft(drop + "," + other + "," + jump + "," +
                            rule("inet", R"({"accept": null})", "pods")),
            kNone);
  const auto loop = rule("inet", R"({"jump": {"target": "pods"}})", "pods");
  EXPECT_EQ(problems_of_nft(drop + "," + other + "," + jump + "," + loop), kClosed)
      << "the kernel has no loops, but a reader must end";
}

TEST(Firewall, FindsRulesAgainstWhatCarriesPods) {
  const std::string routing =
      R"({"match": {"op": "==", "left": {"exthdr": {"name": "rt"}}, "right": true}}, {"drop": null})";
  const std::string tunnels = R"({"match": {"op": "==", "left": {"meta": {"key": "l4proto"}},
    "right": {"set": ["ipv6", "ipencap"]}}}, {"reject": null})";
  const std::string reverse = R"({"match": {"op": "==", "left": {"fib": {"result": "oif",
    "flags": ["saddr", "iif"]}}, "right": false}}, {"drop": null})";
  EXPECT_EQ(problems_of_nft(chain("ip6", "output", "accept") + "," + rule("ip6", routing)),
            std::vector<std::string>{"fail ip6 t c: a rule drops packets with a routing header"});
  EXPECT_EQ(
      problems_of_nft(chain("ip6", "forward", "accept") + "," + rule("ip6", tunnels)),
      std::vector<std::string>{"warn ip6 t c: a rule drops IP in IPv6 (protocol 4, 41 or 43)"});
  EXPECT_EQ(problems_of_nft(chain("ip", "output", "accept") + "," + rule("ip", tunnels)), kNone)
      << "outer packets are IPv6";
  EXPECT_EQ(problems_of_nft(chain("inet", "prerouting", "accept") + "," + rule("inet", reverse)),
            std::vector<std::string>{"warn inet t c: a rule drops IPv6 whose route back leads "
                                     "elsewhere (strict reverse path)"});
}

TEST(Firewall, APartThatCannotBeReadHidesNoOtherFinding) {
  const auto chains = parse_iptables_save("*filter\n:FORWARD DROP [0:0]\nCOMMIT\n", "ip");
  const auto findings = check_firewall(
      {.unread = "iptables-legacy-save tells nothing", .chains = chains}, dual_stack());
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].found, "not looked at: iptables-legacy-save tells nothing");
  EXPECT_EQ(findings[1].found, "policy drop, and no rule lets pods through");
}

TEST(Firewall, LeavesSextantsOwnTablesOut) {
  const auto chains = parse_nft(R"({"nftables": [{"chain": {"family": "ip6", "table": "sextant",
    "name": "c", "hook": "forward", "policy": "drop"}}, {"rule": {"family": "ip6",
    "table": "sextant", "chain": "c", "expr": [{"drop": null}]}}]})");
  ASSERT_TRUE(chains);
  EXPECT_TRUE(chains->empty());
}

TEST(Firewall, BadJsonIsAnError) {
  EXPECT_FALSE(parse_nft(""));
  EXPECT_FALSE(parse_nft("[]"));
  EXPECT_TRUE(parse_nft(R"({"nftables": [7, {"rule": 7}, {"rule": {"expr": [{"match": 7}]}}]})"));
}

TEST(Firewall, ReadsIptablesToo) {
  const std::string kubernetes = R"(# Generated by iptables-save
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:KUBE-FORWARD - [0:0]
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
)";
  EXPECT_EQ(problems(parse_iptables_save(kubernetes + "COMMIT\n", "ip")),
            std::vector<std::string>{
                "fail ip filter FORWARD: policy drop, and no rule lets pods through"});
  for (const auto* allowance :
       {"-A FORWARD -i sextant0 -j ACCEPT\n", "-A KUBE-FORWARD -o sxp+ -j ACCEPT\n",
        "-A KUBE-FORWARD -s 172.16.0.0/12 -m comment --comment \"pods of all nodes\" -j ACCEPT\n",
        "-A FORWARD -j ACCEPT\n"})
    EXPECT_EQ(problems(parse_iptables_save(kubernetes + allowance, "ip")), kNone) << allowance;
  EXPECT_EQ(
      problems(parse_iptables_save(kubernetes + "-A FORWARD ! -i eth0 -j ACCEPT\n", "ip")).size(),
      1U)
      << "a negated match may leave pods out";
  EXPECT_EQ(problems(parse_iptables_save(":OUTPUT ACCEPT [0:0]\n-A OUTPUT -m rt --rt-type 4 -j "
                                         "DROP\n",
                                         "ip6")),
            std::vector<std::string>{
                "fail ip6 filter OUTPUT: a rule drops packets with a routing header"});
}

}  // namespace
}  // namespace sextant::doctor
