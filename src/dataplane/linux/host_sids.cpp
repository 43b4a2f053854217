#include "dataplane/linux/host_sids.h"

#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6_local.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/linux/gateway_side.h"
#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/attributes.h"
#include "dataplane/linux/netlink/rule.h"
#include "dataplane/linux/seg6.h"
#include "dataplane/linux/writes.h"

namespace sextant::dataplane {
namespace {

using netlink::Message;

rtmsg header_of(std::uint8_t prefix_length) {
  return {.rtm_family = AF_INET6,
          .rtm_dst_len = prefix_length,
          .rtm_protocol = netlink::number(netlink::RouteProtocol::kSextant),
          .rtm_scope = RT_SCOPE_UNIVERSE,
          .rtm_type = RTN_UNICAST};
}

Message sid_message(std::uint16_t type, std::uint16_t flags, const srv6::Sid& sid) {
  Message message(type, flags, header_of(128));
  message.address(RTA_DST, sid.address())
      .u32(RTA_TABLE, netlink::number(kHostSidsTable))
      .u32(RTA_PRIORITY, kHostMetric)
      .about("SID " + sid.to_string());
  return message;
}

}  // namespace

Result<void> sync_host_sids(netlink::Socket& socket, netlink::IfIndex device,
                            const std::map<srv6::Sid, overlay::LocalSid>& sids,
                            ApplyReport& report) {
  std::map<srv6::Sid, Seg6Local> present;
  Message dump(RTM_GETROUTE, 0, rtmsg{.rtm_family = AF_INET6});
  dump.u32(RTA_TABLE, netlink::number(kHostSidsTable));
  const auto read = socket.dump(dump, [&](const nlmsghdr& message) {
    const auto attributes = netlink::Attributes::of<rtmsg>(message);
    const auto destination = attributes.address(RTA_DST);
    if (!destination || !destination->is_v6()) return;
    present.emplace(srv6::Sid(destination->v6()),
                    parse_seg6_local(attributes.nest(RTA_ENCAP)).value_or(Seg6Local{}));
  });
  // ENOENT: nothing was ever put into the table
  if (!read && read.error().errno_value != ENOENT) return read;

  bool any = false;
  Writes writes(socket, report);
  for (const auto& [sid, local] : sids) {
    if (!is_host_behavior(local.behavior)) continue;
    any = true;
    const Seg6Local action{.action = SEG6_LOCAL_ACTION_END_X, .next_hop6 = local.next_hop};
    const auto found = present.find(sid);
    const bool same = found != present.end() && found->second == action;
    if (found != present.end()) present.erase(found);
    if (same) continue;
    auto message = sid_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sid);
    message.u32(RTA_OIF, netlink::number(device));
    put_encap(message, RTA_ENCAP_TYPE, RTA_ENCAP, action);
    writes.add(message);
  }
  for (const auto& [sid, action] : present) writes.add(sid_message(RTM_DELROUTE, 0, sid), {ESRCH});
  writes.flush();

  const netlink::RoutingRule rule{.family = Family::kIpv6,
                                  .priority = kHostSidsRulePriority,
                                  .table = kHostSidsTable,
                                  .protocol = netlink::RouteProtocol::kSextant};
  const auto rules = netlink::list_rules(socket, Family::kIpv6);
  if (!rules) return tl::unexpected(rules.error());
  const bool there = std::ranges::find(*rules, rule) != rules->end();
  if (any && !there) book(report, "rule " + rule.to_string(), netlink::add_rule(socket, rule));
  if (!any && there) book(report, "rule " + rule.to_string(), netlink::delete_rule(socket, rule));
  return {};
}

}  // namespace sextant::dataplane
