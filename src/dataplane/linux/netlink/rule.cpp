#include "dataplane/linux/netlink/rule.h"

#include <linux/fib_rules.h>

#include "dataplane/linux/netlink/attributes.h"

namespace sextant::netlink {
namespace {

Message rule_message(std::uint16_t type, std::uint16_t flags, const RoutingRule& rule) {
  Message message(type, flags,
                  fib_rule_hdr{.family = address_family(rule.family),
                               .dst_len = rule.to ? rule.to->length() : std::uint8_t{0},
                               .src_len = rule.from ? rule.from->length() : std::uint8_t{0},
                               .table = RT_TABLE_UNSPEC,
                               .action = FR_ACT_TO_TBL});
  message.u32(FRA_TABLE, number(rule.table)).u32(FRA_PRIORITY, rule.priority);
  if (rule.from) message.address(FRA_SRC, rule.from->address());
  if (rule.to) message.address(FRA_DST, rule.to->address());
  if (!rule.input_link.empty()) message.text(FRA_IIFNAME, rule.input_link);
  if (rule.mark != 0 || rule.mark_mask != 0) {
    message.u32(FRA_FWMARK, rule.mark)
        .u32(FRA_FWMASK, rule.mark_mask == 0 ? UINT32_MAX : rule.mark_mask);
  }
  if (rule.protocol != RouteProtocol::kUnspecified) {
    message.u8(FRA_PROTOCOL, number(rule.protocol));
  }
  message.about(rule.to_string());
  return message;
}

std::optional<RoutingRule> parse_rule(const nlmsghdr& message) {
  const auto* header = fixed_header<fib_rule_hdr>(message);
  if (header == nullptr || message.nlmsg_type != RTM_NEWRULE || header->action != FR_ACT_TO_TBL) {
    return std::nullopt;
  }
  const auto attributes = Attributes::of<fib_rule_hdr>(message);
  RoutingRule rule;
  rule.family = header->family == AF_INET ? Family::kIpv4 : Family::kIpv6;
  rule.priority = attributes.u32(FRA_PRIORITY).value_or(0);
  if (const auto from = attributes.address(FRA_SRC)) rule.from = IpPrefix(*from, header->src_len);
  if (const auto to = attributes.address(FRA_DST)) rule.to = IpPrefix(*to, header->dst_len);
  rule.input_link = attributes.text(FRA_IIFNAME).value_or("");
  rule.mark = attributes.u32(FRA_FWMARK).value_or(0);
  rule.mark_mask = attributes.u32(FRA_FWMASK).value_or(0);
  rule.table = TableId(attributes.u32(FRA_TABLE).value_or(header->table));
  rule.protocol = RouteProtocol(attributes.u8(FRA_PROTOCOL).value_or(0));
  return rule;
}

}  // namespace

std::string RoutingRule::to_string() const {
  std::string text = std::string(sextant::to_string(family)) + " " + std::to_string(priority);
  if (from) text += " from " + from->to_string();
  if (to) text += " to " + to->to_string();
  if (!input_link.empty()) text += " iif " + input_link;
  if (mark != 0 || mark_mask != 0) text += " mark " + std::to_string(mark);
  return text + " table " + std::to_string(number(table));
}

Result<void> add_rule(Socket& socket, const RoutingRule& rule) {
  return socket.request(rule_message(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule));
}

Result<void> delete_rule(Socket& socket, const RoutingRule& rule) {
  return socket.request(rule_message(RTM_DELRULE, 0, rule));
}

Result<std::vector<RoutingRule>> list_rules(Socket& socket, std::optional<Family> family) {
  std::vector<RoutingRule> rules;
  for (const Family each : {Family::kIpv4, Family::kIpv6}) {
    if (family && *family != each) continue;
    auto done = socket.dump({RTM_GETRULE, 0, fib_rule_hdr{.family = address_family(each)}},
                            [&](const nlmsghdr& message) {
                              if (auto rule = parse_rule(message)) rules.push_back(*rule);
                            });
    if (!done) return tl::unexpected(done.error());
  }
  return rules;
}

}  // namespace sextant::netlink
