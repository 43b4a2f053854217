// Facts in, findings out.
#include "doctor/checks.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sextant::doctor {
namespace {

IpPrefix prefix(const char* text) { return IpPrefix::parse(text).value(); }

AgentFacts good_agent() {
  AgentFacts agent{.healthy = true, .node = "worker1", .max_segments = 6};
  agent.pod_prefixes = {prefix("172.16.1.0/26"), prefix("fd20:0:0:1::/64")};
  agent.peers = {{.name = "worker2", .pod_prefixes = {prefix("172.16.2.0/26")}}};
  return agent;
}

SysctlFacts good_sysctls() {
  return {.uplinks = {"eth0"},
          .host = {{"net/ipv4/ip_forward", "1"},
                   {"net/ipv6/conf/all/forwarding", "1"},
                   {"net/ipv6/conf/all/seg6_enabled", "0"},
                   {"net/ipv4/conf/all/rp_filter", "0"},
                   {"net/ipv4/conf/sextant0/rp_filter", "2"},
                   {"net/ipv6/conf/eth0/accept_ra", "0"},
                   {"net/ipv6/conf/eth0/accept_dad", "1"},
                   {"net/netfilter/nf_conntrack_count", "100"},
                   {"net/netfilter/nf_conntrack_max", "65536"},
                   {"net/ipv6/route/max_size", "2147483647"},
                   {"net/ipv4/neigh/default/gc_thresh3", "1024"},
                   {"net/ipv6/neigh/default/gc_thresh3", "1024"}},
          .gateway = {{"net/ipv6/conf/outer/seg6_require_hmac", "0"}}};
}

/// The one finding that is not ok.
Finding only_problem(const Findings& findings) {
  Finding problem;
  int problems = 0;
  for (const auto& finding : findings) {
    if (finding.verdict == Verdict::kOk) continue;
    ++problems;
    problem = finding;
  }
  EXPECT_EQ(problems, 1);
  EXPECT_FALSE(problem.why.empty()) << problem.found;
  EXPECT_FALSE(problem.mend.empty()) << problem.found;
  return problem;
}

bool all_ok(const Findings& findings) {
  return !findings.empty() &&
         std::all_of(findings.begin(), findings.end(),
                     [](const Finding& each) { return each.verdict == Verdict::kOk; });
}

TEST(CheckAgent, SaysWhatIsWrongAndWhatToDo) {
  EXPECT_TRUE(all_ok(check_agent(good_agent())));
  const AgentFacts down{.unreachable = "/run/x.sock: it is not running", .hint = "start it"};
  const auto finding = only_problem(check_agent(down));
  EXPECT_EQ(finding.verdict, Verdict::kFail);
  EXPECT_EQ(finding.mend, "start it");

  auto sick = good_agent();
  sick.healthy = false;
  sick.reasons = {"route 10.0.0.0/24: taken"};
  EXPECT_NE(only_problem(check_agent(sick)).found.find("10.0.0.0/24"), std::string::npos);

  auto conflict = good_agent();
  for (int i = 0; i < 30; ++i) conflict.apply_problems.push_back({"route", "taken", "remove it"});
  EXPECT_LE(check_agent(conflict).size(), 12U) << "a storm is cut short";

  auto taken = good_agent();
  taken.bgp_problems = {{"listen", ":: port 179: Address already in use (EADDRINUSE)", ""}};
  const auto listen = only_problem(check_agent(taken));
  EXPECT_EQ(listen.check, "BGP");
  EXPECT_EQ(listen.verdict, Verdict::kFail);
  EXPECT_NE(listen.mend.find("another port"), std::string::npos);
}

TEST(CheckSystem, FailsForWhatIsNeededOnly) {
  const SystemFacts good{.features = {{.name = "seg6local"},
                                      {.name = "VRF", .error = "EOPNOTSUPP", .required = false}}};
  EXPECT_TRUE(all_ok(check_system(good)));
  const SystemFacts old{
      .features = {
          {.name = "seg6local", .error = "EOPNOTSUPP", .option = "CONFIG_IPV6_SEG6_LWTUNNEL"}}};
  const auto finding = only_problem(check_system(old));
  EXPECT_EQ(finding.object, "seg6local");
  EXPECT_NE(finding.mend.find("CONFIG_IPV6_SEG6_LWTUNNEL"), std::string::npos);
  EXPECT_EQ(only_problem(check_system({.missing_privilege = "no CAP_NET_ADMIN"})).check,
            "privileges");
}

TEST(CheckGateway, FindsEachMissingPart) {
  const GatewayFacts good{
      .name = "sextant",
      .present = true,
      .host = {{.name = "sextant0", .up = true}, {.name = "sextant1", .up = true}},
      .gateway = {{.name = "inner", .up = true}, {.name = "outer", .up = true}}};
  EXPECT_TRUE(all_ok(check_gateway(good, good_agent())));
  auto down = good;
  down.gateway[0].up = false;
  EXPECT_EQ(only_problem(check_gateway(down, good_agent())).mend,
            "ip netns exec sextant ip link set inner up");
  auto missing = good;
  missing.host.pop_back();
  EXPECT_EQ(only_problem(check_gateway(missing, good_agent())).object, "sextant1");
  EXPECT_EQ(only_problem(check_gateway({.name = "sextant"}, good_agent())).verdict, Verdict::kFail);
  EXPECT_NE(only_problem(check_gateway({.name = "sextant", .stale_name = true}, good_agent()))
                .found.find("namespace is gone"),
            std::string::npos);
}

TEST(CheckSysctls, FindsEachWrongValue) {
  EXPECT_TRUE(all_ok(check_sysctls(good_sysctls(), good_agent())));
  struct Row {
    const char* name;
    const char* value;
    Verdict verdict;
    const char* mend;
  };
  for (const auto& row : {
           Row{"net/ipv4/ip_forward", "0", Verdict::kFail, "sysctl -w net.ipv4.ip_forward=1"},
           Row{"net/ipv6/conf/all/forwarding", "0", Verdict::kFail,
               "sysctl -w net.ipv6.conf.all.forwarding=1"},
           Row{"net/ipv6/conf/eth0/disable_ipv6", "1", Verdict::kFail,
               "sysctl -w net.ipv6.conf.eth0.disable_ipv6=0"},
           Row{"net/ipv4/conf/sextant0/rp_filter", "1", Verdict::kFail,
               "sysctl -w net.ipv4.conf.sextant0.rp_filter=2"},
           Row{"net/ipv6/conf/eth0/accept_dad", "2", Verdict::kWarn,
               "sysctl -w net.ipv6.conf.eth0.accept_dad=1"},
           Row{"net/ipv6/conf/eth0/seg6_require_hmac", "1", Verdict::kWarn,
               "sysctl -w net.ipv6.conf.eth0.seg6_require_hmac=0"},
           Row{"net/netfilter/nf_conntrack_count", "65536", Verdict::kFail,
               "sysctl -w net.netfilter.nf_conntrack_max=131072"},
           Row{"net/netfilter/nf_conntrack_count", "60000", Verdict::kWarn,
               "sysctl -w net.netfilter.nf_conntrack_max=131072"},
           Row{"net/netfilter/nf_hooks_lwtunnel", "1", Verdict::kWarn,
               "reboot without it: the kernel cannot switch it off"},
       }) {
    SCOPED_TRACE(std::string(row.name) + "=" + row.value);
    auto facts = good_sysctls();
    facts.host[row.name] = row.value;
    const auto finding = only_problem(check_sysctls(facts, good_agent()));
    EXPECT_EQ(finding.verdict, row.verdict);
    EXPECT_EQ(finding.mend, row.mend);
  }
}

TEST(CheckSysctls, LooksAtValuesTogether) {
  auto facts = good_sysctls();
  facts.host["net/ipv6/conf/eth0/seg6_enabled"] = "1";
  EXPECT_TRUE(all_ok(check_sysctls(facts, good_agent()))) << "the smaller of all and device counts";
  facts.host["net/ipv6/conf/all/seg6_enabled"] = "1";
  EXPECT_EQ(only_problem(check_sysctls(facts, good_agent())).verdict, Verdict::kWarn);

  facts = good_sysctls();
  facts.host["net/ipv6/conf/eth0/accept_ra"] = "1";
  EXPECT_TRUE(all_ok(check_sysctls(facts, good_agent()))) << "no default route came by one";
  facts.router_advertised_default = true;
  EXPECT_EQ(only_problem(check_sysctls(facts, good_agent())).object,
            "net.ipv6.conf.eth0.accept_ra");

  facts = good_sysctls();
  facts.host["net/ipv4/conf/all/rp_filter"] = "1";
  EXPECT_TRUE(all_ok(check_sysctls(facts, good_agent())))
      << "loose on the device is the larger of both";

  facts = good_sysctls();
  facts.gateway["net/ipv6/conf/outer/seg6_require_hmac"] = "1";
  EXPECT_EQ(only_problem(check_sysctls(facts, good_agent())).verdict, Verdict::kFail);

  facts = good_sysctls();
  facts.ipv6_routes = 4000;
  facts.host["net/ipv6/route/max_size"] = "4096";
  EXPECT_EQ(only_problem(check_sysctls(facts, good_agent())).object, "net.ipv6.route.max_size");

  facts = good_sysctls();
  facts.neighbors[1] = 1000;
  EXPECT_EQ(only_problem(check_sysctls(facts, good_agent())).object,
            "net.ipv6.neigh.default.gc_thresh3");

  facts = good_sysctls();
  facts.uplinks = {"eth0.100"};
  facts.host["net/ipv6/conf/eth0.100/disable_ipv6"] = "1";
  EXPECT_EQ(only_problem(check_sysctls(facts, good_agent())).mend,
            "sysctl -w net/ipv6/conf/eth0.100/disable_ipv6=0")
      << "a device with a dot needs slashes";

  facts = good_sysctls();
  facts.uplinks.clear();
  EXPECT_EQ(only_problem(check_sysctls(facts, good_agent())).check, "uplinks");
  facts = good_sysctls();
  facts.duplicate_addresses = {"fd12::1000/64 on eth0"};
  EXPECT_EQ(only_problem(check_sysctls(facts, good_agent())).verdict, Verdict::kFail);

  auto ipv6_only = good_agent();
  ipv6_only.pod_prefixes = {prefix("fd20:0:0:1::/64")};
  facts = good_sysctls();
  facts.host["net/ipv4/ip_forward"] = "0";
  EXPECT_EQ(only_problem(check_sysctls(facts, ipv6_only)).verdict, Verdict::kWarn)
      << "there are no IPv4 pods";
}

TEST(CheckRouteOwners, FindsRoutesThatTakePodsAway) {
  OwnerFacts owners;
  owners.routes = {{prefix("10.0.0.0/8"), 4, "10.0.0.0/8 dev eth0 proto 4"},
                   {prefix("172.16.0.0/16"), 4, "172.16.0.0/16 dev eth0 proto 4"}};
  EXPECT_TRUE(all_ok(check_route_owners(owners, good_agent()))) << "a shorter prefix loses";
  owners.routes.push_back({prefix("172.16.2.5/32"), 16, "172.16.2.5 dev cali1 proto 16"});
  const auto finding = only_problem(check_route_owners(owners, good_agent()));
  EXPECT_EQ(finding.verdict, Verdict::kFail);
  EXPECT_NE(finding.mend.find("ip route del 172.16.2.5"), std::string::npos);
  auto with_a_lent_address = good_agent();
  with_a_lent_address.pod_prefixes.push_back(prefix("172.16.2.5/32"));
  EXPECT_TRUE(all_ok(check_route_owners(owners, with_a_lent_address))) << "its pod is here";
  owners.routes.resize(2);
  owners.other_devices = {"cni0"};
  EXPECT_EQ(only_problem(check_route_owners(owners, good_agent())).check, "other CNI");
  auto under_calico = good_agent();
  under_calico.server = ApiServer{.calico_ipam = true};
  owners.other_devices = {"cali6e51b18b491"};
  EXPECT_EQ(only_problem(check_route_owners(owners, good_agent())).check, "other CNI");
  EXPECT_TRUE(all_ok(check_route_owners(owners, under_calico))) << "a pod's";
  owners.other_devices.emplace_back("vxlan.calico");
  EXPECT_EQ(only_problem(check_route_owners(owners, under_calico)).object, "vxlan.calico");
  owners.other_devices.back() = "flannel.1";
  EXPECT_EQ(only_problem(check_route_owners(owners, under_calico)).object, "flannel.1");
}

TEST(CheckRouteOwners, ReadsWhatNetworkdMayDelete) {
  OwnerFacts owners;
  owners.processes = {{.name = "systemd-networkd", .pid = 7}};
  EXPECT_NE(only_problem(check_route_owners(owners, good_agent()))
                .found.find("ManageForeignRoutes=yes, ManageForeignRoutingPolicyRules=yes"),
            std::string::npos)
      << "the default";
  owners.networkd = {"[Network]\n#ManageForeignRoutes=no\n",
                     "[Network]\nManageForeignRoutes = no\nManageForeignRoutingPolicyRules=No\n"};
  EXPECT_TRUE(all_ok(check_route_owners(owners, good_agent())));
  owners.networkd.emplace_back("[Network]\nManageForeignRoutes=yes\n");
  EXPECT_EQ(only_problem(check_route_owners(owners, good_agent())).verdict, Verdict::kWarn)
      << "the last one counts";
  owners.networkd.back() = "[DHCPv4]\nManageForeignRoutes=yes\n";
  EXPECT_TRUE(all_ok(check_route_owners(owners, good_agent()))) << "another section";

  owners.processes = {{.name = "NetworkManager", .pid = 8}};
  EXPECT_EQ(only_problem(check_route_owners(owners, good_agent())).object, "NetworkManager");
  owners.network_manager_ignores = true;
  EXPECT_TRUE(all_ok(check_route_owners(owners, good_agent())));
  owners.processes = {{.name = "zebra", .pid = 9}};
  EXPECT_TRUE(all_ok(check_route_owners(owners, good_agent())));
}

TEST(CheckCni, FindsWhoComesFirstAndWhatDoesNotFit) {
  using footprint::read_cni_config;
  const auto own = read_cni_config("/etc/cni/net.d/10-sextant.conflist",
                                   R"({"name": "p", "plugins": [{"type": "sextant-cni"}]})");
  const auto other =
      read_cni_config("/etc/cni/net.d/05-calico.conflist", R"({"type": "calico", "name": "c"})");
  const CniFacts good{.config_folder = "/etc/cni/net.d",
                      .configs = {own},
                      .program = "/opt/cni/bin/sextant-cni",
                      .program_runs = true,
                      .pod_devices = {{"sxp1", 1364}},
                      .pod_mtu = 1364};
  EXPECT_TRUE(all_ok(check_cni(good, good_agent())));

  auto facts = good;
  facts.configs = {other, own};
  EXPECT_EQ(only_problem(check_cni(facts, good_agent())).object, other.path.string());
  facts.configs = {other};
  auto under_calico = good_agent();
  under_calico.server = ApiServer{.calico_ipam = true};
  EXPECT_TRUE(all_ok(check_cni(facts, under_calico))) << "Calico wires the pods";
  EXPECT_EQ(only_problem(check_cni(facts, good_agent())).verdict, Verdict::kWarn);
  facts.configs = {read_cni_config("/x/10-sextant.conflist", "{")};
  EXPECT_EQ(only_problem(check_cni(facts, good_agent())).verdict, Verdict::kFail);

  auto deep = good_agent();
  deep.max_segments = 10;
  EXPECT_NE(only_problem(check_cni(good, deep)).found.find("maxSegments 6, the agent has 10"),
            std::string::npos);
  facts = good;
  facts.program.clear();
  EXPECT_EQ(only_problem(check_cni(facts, good_agent())).verdict, Verdict::kFail);
  facts = good;
  facts.program_runs = false;
  EXPECT_EQ(only_problem(check_cni(facts, good_agent())).mend,
            "chmod 755 /opt/cni/bin/sextant-cni");
  facts = good;
  facts.pod_mtu = 1280;
  EXPECT_EQ(only_problem(check_cni(facts, good_agent())).check, "pod MTU");
  EXPECT_TRUE(all_ok(check_cni(facts, under_calico))) << "left from before Calico";
  facts.pod_devices = {{"cali6e51b18b491", 1500}};
  EXPECT_NE(only_problem(check_cni(facts, under_calico)).mend.find("veth_mtu"), std::string::npos);
  EXPECT_TRUE(all_ok(check_cni(facts, good_agent()))) << "another's pods";
}

TEST(CheckLeftovers, NamesWhatNobodyLooksAfter) {
  footprint::Inventory found;
  EXPECT_TRUE(all_ok(check_leftovers(found)));
  found.items = {{footprint::Kind::kDevice, "sextant0"}, {footprint::Kind::kManifests, "/etc/x"}};
  const auto finding = only_problem(check_leftovers(found));
  EXPECT_NE(finding.found.find("1 objects"), std::string::npos) << finding.found;
  EXPECT_NE(finding.found.find("device sextant0"), std::string::npos) << finding.found;
  found.agent = 7;
  EXPECT_TRUE(all_ok(check_leftovers(found)));
}

}  // namespace
}  // namespace sextant::doctor
