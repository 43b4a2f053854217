// What the kernel can do, tried in a network namespace that nobody else sees and that goes with
// this thread.
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/lwtunnel.h>
#include <linux/nexthop.h>
#include <linux/pkt_sched.h>
#include <linux/seg6_local.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <thread>

#include "base/unique_fd.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/privileges.h"
#include "dataplane/linux/seg6.h"
#include "doctor/gather.h"
#include "footprint/nft_tables.h"

namespace sextant::doctor {
namespace {

using netlink::Message;
using netlink::Socket;

srv6::Sid example_sid() {
  return srv6::Sid(Ipv6Address({0xfc, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}));
}

Result<void> try_nexthop(Socket& socket, netlink::IfIndex link) {
  Message message(RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_EXCL, nhmsg{.nh_family = AF_INET6});
  message.u32(NHA_ID, 1).u32(NHA_OIF, netlink::number(link));
  dataplane::put_encap(message, NHA_ENCAP_TYPE, NHA_ENCAP,
                       dataplane::Seg6Encap{.segments = {example_sid()}});
  return socket.request(message);
}

Result<void> try_seg6local(Socket& socket, netlink::IfIndex link) {
  auto message = netlink::route_message(
      {.destination = IpPrefix::host(example_sid().address()), .next_hops = {{.link = link}}},
      netlink::RouteWrite::kAdd);
  dataplane::put_encap(
      message, RTA_ENCAP_TYPE, RTA_ENCAP,
      dataplane::Seg6Local{.action = SEG6_LOCAL_ACTION_END_DT6, .table = netlink::TableId::kMain});
  return socket.request(message);
}

Result<void> try_vrf(Socket& socket) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.text(IFLA_IFNAME, "v");
  {
    const auto info = message.nest(IFLA_LINKINFO);
    message.text(IFLA_INFO_KIND, "vrf");
    const auto data = message.nest(IFLA_INFO_DATA);
    message.u32(IFLA_VRF_TABLE, 100);
  }
  return socket.request(message);
}

Result<void> try_nft() {
  const auto done = footprint::run_nft(
      "add table netdev t; add chain netdev t c { type filter hook ingress device \"a\" priority "
      "0; }; add rule netdev t c fwd to \"b\"; add table ip6 t; add chain ip6 t c { type filter "
      "hook prerouting priority 0; }; add rule ip6 t c dup to ip6 daddr");
  if (!done) return tl::unexpected(done.error());
  return {};
}

Result<void> try_clsact(Socket& socket, netlink::IfIndex link) {
  tcmsg header{};
  header.tcm_family = AF_UNSPEC;
  header.tcm_ifindex = static_cast<int>(netlink::number(link));
  header.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
  header.tcm_parent = TC_H_CLSACT;
  Message message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, header);
  message.text(TCA_KIND, "clsact");
  return socket.request(message);
}

Result<void> try_bpf() {
  const std::array<bpf_insn, 2> program{
      bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
      bpf_insn{.code = BPF_JMP | BPF_EXIT}};
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_SCHED_CLS;
  attributes.insns = reinterpret_cast<std::uint64_t>(program.data());
  attributes.insn_cnt = program.size();
  attributes.license = reinterpret_cast<std::uint64_t>("Apache-2.0");
  const UniqueFd loaded(
      static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes)));
  if (!loaded) return system_error("load BPF program", "", errno);
  return {};
}

void try_all(SystemFacts& facts) {
  const auto note = [&facts](std::string name, const Result<void>& done, std::string option,
                             bool required = true) {
    facts.features.push_back({.name = std::move(name),
                              .error = done ? "" : done.error().cause,
                              .required = required,
                              .option = std::move(option)});
  };
  if (::unshare(CLONE_NEWNET) != 0) {
    note("a network namespace", system_error("make", "", errno), "CONFIG_NET_NS, run as root");
    return;
  }
  auto socket = Socket::make();
  if (!socket) return note("rtnetlink", tl::unexpected(socket.error()), "CONFIG_NET");
  const auto pair =
      netlink::create_veth(*socket, {.name = "a", .up = true}, {.name = "b", .up = true});
  note("veth", pair, "CONFIG_VETH");
  const auto link = netlink::get_link(*socket, "a");
  if (!link) return;
  note("seg6 encapsulation in nexthop objects", try_nexthop(*socket, link->index),
       "CONFIG_IPV6_SEG6_LWTUNNEL");
  note("seg6local", try_seg6local(*socket, link->index), "CONFIG_IPV6_SEG6_LWTUNNEL");
  note("nftables dup and fwd", try_nft(),
       "CONFIG_NF_TABLES, CONFIG_NFT_DUP_IPV6, CONFIG_NFT_FWD_NETDEV");
  note("tc clsact", try_clsact(*socket, link->index), "CONFIG_NET_SCH_INGRESS", false);
  note("BPF for tc", try_bpf(), "CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_BPF", false);
  note("VRF", try_vrf(*socket), "CONFIG_NET_VRF", false);
}

}  // namespace

SystemFacts gather_system() {
  SystemFacts facts;
  if (const auto allowed = dataplane::check_privileges(); !allowed)
    facts.missing_privilege = allowed.error().cause;
  if (facts.missing_privilege.empty()) {
    // A thread of its own: the namespace goes with it.
    std::thread([&facts] { try_all(facts); }).join();
  }
  return facts;
}

}  // namespace sextant::doctor
