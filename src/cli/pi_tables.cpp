#include "cli/pi_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "cli/pi_selection.h"
#include "cli/table.h"

namespace sextant::cli {
namespace {

using injector::Delivery;
using injector::HeadendReport;
using injector::InjectedPolicy;
using injector::PolicyEvent;
using injector::PolicyReport;

template <typename T>
std::string number(const std::optional<T>& value) {
  return value ? std::to_string(*value) : "-";
}

std::string segment_text(const bgp::Segment& segment) {
  if (segment.type == bgp::SegmentType::kB) return segment.sid.to_string();
  return "type " + std::to_string(static_cast<unsigned>(segment.type));
}

/// "fcff:6::1, fcff:8::1 (3); fcff:7::1 (1)": lists with their weights.
std::string lists_cell(const bgp::SrPolicyTunnel& tunnel) {
  std::string text;
  for (const auto& list : tunnel.lists) {
    if (!text.empty()) text += "; ";
    for (std::size_t i = 0; i < list.segments.size(); ++i)
      text += (i > 0 ? ", " : "") + segment_text(list.segments[i]);
    if (tunnel.lists.size() > 1) text += " (" + std::to_string(list.weight.value_or(1)) + ")";
  }
  return text.empty() ? "-" : text;
}

std::string binding_sid(const bgp::SrPolicyTunnel& tunnel) {
  const auto sid = tunnel.srv6_bsid();
  return sid ? sid->to_string() : "-";
}

std::string behavior_text(const bgp::Segment& segment) {
  if (!segment.behavior) return {};
  const auto code = static_cast<std::uint16_t>(segment.behavior->behavior);
  if (!srv6::behavior_of(code)) return " behavior " + std::to_string(code);
  return " " + std::string(to_string(segment.behavior->behavior));
}

std::string_view verdict(const HeadendReport& headend) {
  return headend.accepted ? "accepted" : headend.pending ? "pending" : "rejected";
}

std::string audience(const InjectedPolicy& policy) {
  if (policy.headends.empty()) return "every neighbor that takes it";
  std::string text;
  for (const auto& headend : policy.headends)
    text += (text.empty() ? "" : ", ") + headend.to_string();
  return text;
}

}  // namespace

std::string sent_cell(const PolicyReport& report) {
  if (!report.peers_known) return "-";
  if (report.peers.empty()) return "nobody: there is no peer";
  const auto sent = std::ranges::count_if(report.peers, &Delivery::sent);
  if (sent == 0) {
    const auto& first = report.peers.front();
    return "nobody: " + first.peer + ": " + first.reason;
  }
  return fmt::format("{}/{} peers", sent, report.peers.size());
}

std::string headends_cell(const PolicyReport& report) {
  if (!report.headends_known) return "-";
  if (report.headends.empty()) return "no headend reports it";
  const auto accepted = std::ranges::count_if(report.headends, &HeadendReport::accepted);
  // Headends that the policy names and that say nothing have not accepted it.
  const auto all = std::max(report.headends.size(), report.policy.headends.size());
  auto text = fmt::format("{}/{} accepted", accepted, all);
  for (const auto& headend : report.headends) {
    if (!headend.accepted)
      text += fmt::format("; {}: {}{}", verdict(headend), headend.headend,
                          headend.reason.empty() ? "" : ": " + headend.reason);
  }
  return text;
}

std::string pi_table(const std::vector<PolicyReport>& reports) {
  if (reports.empty()) return "No policies.\n";
  Table table(
      {"NAME", "COLOR", "ENDPOINT", "DIST", "PREF", "BSID", "SEGMENT LISTS", "SENT", "HEADENDS"});
  for (const auto& report : reports) {
    const auto& policy = report.policy;
    table.add({policy.name.empty() ? "-" : policy.name, std::to_string(policy.key.color.value),
               policy.key.endpoint.to_string(), std::to_string(policy.key.distinguisher),
               number(policy.tunnel.preference), binding_sid(policy.tunnel),
               lists_cell(policy.tunnel), sent_cell(report), headends_cell(report)});
  }
  return table.to_string();
}

std::string pi_details(const PolicyReport& report) {
  const auto& policy = report.policy;
  const auto& tunnel = policy.tunnel;
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    if (!value.empty() && value != "-") text += fmt::format("{:<16}{}\n", name, value);
  };
  line("policy", policy.name);
  line("color", std::to_string(policy.key.color.value));
  line("endpoint", policy.key.endpoint.to_string());
  line("distinguisher", std::to_string(policy.key.distinguisher));
  line("headends", audience(policy));
  line("preference", number(tunnel.preference));
  line("priority", tunnel.priority ? std::to_string(unsigned{*tunnel.priority}) : "");
  line("binding SID", binding_sid(tunnel));
  line("next hop", policy.next_hop ? policy.next_hop->to_string() : "");
  line("candidate path", tunnel.candidate_path_name);
  for (const auto& list : tunnel.lists) {
    line("segment list", "weight " + std::to_string(list.weight.value_or(1)));
    for (const auto& segment : list.segments)
      text += fmt::format("{:<16}  {}{}\n", "", segment_text(segment), behavior_text(segment));
  }
  if (report.peers_known && report.peers.empty()) line("sent", sent_cell(report));
  for (const auto& peer : report.peers)
    line(peer.sent ? "sent to" : "not sent to",
         peer.peer + (peer.reason.empty() ? "" : ": " + peer.reason));
  if (report.headends_known && report.headends.empty()) line("state", headends_cell(report));
  for (const auto& headend : report.headends) {
    line(headend.active ? "active" : verdict(headend),
         headend.headend + (headend.reason.empty() ? "" : ": " + headend.reason));
  }
  return text;
}

std::string pi_event_line(const PolicyEvent& event) {
  const auto* word = event.kind == PolicyEvent::Kind::kPresent     ? "present"
                     : event.kind == PolicyEvent::Kind::kAnnounced ? "announced"
                     : event.kind == PolicyEvent::Kind::kChanged   ? "changed"
                                                                   : "withdrawn";
  auto line = fmt::format("{:<10} {}", word, full_title(event.report.policy));
  if (event.kind == PolicyEvent::Kind::kWithdrawn) return line + "\n";
  line += "  " + lists_cell(event.report.policy.tunnel);
  if (event.report.peers_known) line += "  sent: " + sent_cell(event.report);
  if (event.report.headends_known) line += "  headends: " + headends_cell(event.report);
  return line + "\n";
}

std::string pi_difference(const injector::Difference& difference) {
  std::string text;
  const auto add = [&text](char sign, const std::vector<InjectedPolicy>& policies) {
    for (const auto& policy : policies) text += fmt::format("{} {}\n", sign, full_title(policy));
  };
  add('+', difference.added);
  add('~', difference.changed);
  add('-', difference.removed);
  return text + fmt::format("{} added, {} changed, {} removed, {} unchanged\n",
                            difference.added.size(), difference.changed.size(),
                            difference.removed.size(), difference.unchanged);
}

}  // namespace sextant::cli
