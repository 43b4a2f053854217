// A trace's report for people.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <vector>

#include "cli/table.h"
#include "cli/trace_run.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;

const json::value* find(const json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  const auto* found = object == nullptr ? nullptr : object->if_contains(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

/// Empty where there is none.
std::string text(const json::value& value, std::string_view key) {
  const auto* found = find(value, key);
  if (found == nullptr) return {};
  return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
}

std::string or_dash(std::string text) { return text.empty() ? "-" : std::move(text); }

const json::array& list(const json::value& value, std::string_view key) {
  static const json::array kNone;
  const auto* found = find(value, key);
  return found != nullptr && found->is_array() ? found->get_array() : kNone;
}

bool flag(const json::value& value, std::string_view key) {
  const auto* found = find(value, key);
  return found != nullptr && found->is_bool() && found->get_bool();
}

double number(const json::value& value, std::string_view key) {
  const auto* found = find(value, key);
  return found != nullptr && found->is_number() ? found->to_number<double>() : 0;
}

std::string time_of(const json::value& answer) {
  return find(answer, "milliseconds") == nullptr
             ? "-"
             : fmt::format("{:.2f} ms", number(answer, "milliseconds"));
}

/// "fcff:6::1 (r6 End)"
std::string segment(const json::value& entry) {
  const auto owner = text(entry, "owner"), behavior = text(entry, "behavior");
  auto name = owner + (owner.empty() || behavior.empty() ? "" : " ") + behavior;
  return text(entry, "sid") + (name.empty() ? "" : " (" + name + ")");
}

std::string segments(const json::array& entries) {
  std::string all;
  for (const auto& entry : entries) all += (all.empty() ? "" : ", ") + segment(entry);
  return all;
}

std::string party(const json::value& report, std::string_view key) {
  const auto* end = find(report, key);
  if (end == nullptr) return "?";
  const auto name = text(*end, "name");
  return text(*end, "address") + " (" +
         (flag(*end, "pod") ? (name.empty() ? "pod" : "pod " + name) + " on " : "node ") +
         text(*end, "node") + ")";
}

std::string flow_text(const json::value& report) {
  const auto protocol = text(report, "protocol");
  if (find(report, "sourcePort") == nullptr) return protocol;
  return protocol + " port " + text(report, "sourcePort") + " to " +
         text(report, "destinationPort");
}

std::string fact(std::string_view label, const std::string& value) {
  return fmt::format("  {:<16} {}\n", label, value);
}

std::string policy_facts(const json::value& direction) {
  const auto* policy = find(direction, "policy");
  const auto reason = text(direction, "reason");
  const auto outcome = text(direction, "outcome");
  if (outcome != "Path")
    return fact("Outcome:", (outcome == "NoRoute" ? "no overlay route" : outcome) + ": " + reason);
  if (policy == nullptr) return fact("Policy:", "none, the plain path: " + reason);
  const auto binding = text(*policy, "bindingSID");
  auto facts = fact(
      "Policy:", "color " + text(*policy, "color") + ", endpoint " + text(direction, "endpoint") +
                     (binding.empty() ? "" : ", binding SID " + binding) + ": " + reason);
  if (const auto* path = find(*policy, "candidatePath")) {
    const auto object = text(*path, "object"), name = text(*path, "name");
    const bool repeats = name.empty() || object.ends_with("/" + name);
    facts += fact("Candidate path:", object + (repeats ? "" : " " + name) + ", preference " +
                                         text(*path, "preference") + ": " + text(*path, "reason"));
  }
  return facts;
}

std::string use_text(const json::value& entry, const json::value& direction) {
  const auto use = text(entry, "use");
  const bool back = text(direction, "method") == "ProbedThroughEndSID";
  const auto encapsulation = text(entry, "encapsulation");
  std::string how = ", flow label " +
                    fmt::format("0x{:05x}", static_cast<std::uint32_t>(number(entry, "flowLabel")));
  if (!back) how = ", " + (encapsulation == "NoSRH" ? "no SRH" : encapsulation) + how;
  if (use == "Seen") return (back ? "the answer of this flow" : "this flow") + how;
  if (use == "OtherFlow")
    return "the flow from port " + text(entry, "sourcePort") + " to " +
           text(entry, "destinationPort") + how;
  if (use == "Crafted") return "packets made after its SIDs" + how;
  return {};
}

std::string method_text(const json::value& direction) {
  const auto method = text(direction, "method"), headend = text(direction, "headend");
  if (method == "ProbedThroughEndSID")
    return "from the other end, through " + headend +
           "'s End SID; where the underlay has equal ways, its own packets may take another";
  if (method == "Computed")
    return "computed, not probed: no probe can start at " + headend + " from here";
  return {};
}

void add_hops(const json::value& entry, const json::value& direction, Table& table) {
  std::size_t shown = 0;
  for (const auto& hop : list(entry, "hops")) {
    ++shown;
    if (find(hop, "address") == nullptr) {
      table.add({"  " + text(hop, "hop"), "*"});
      continue;
    }
    const auto error = text(hop, "error");
    table.add({"  " + text(hop, "hop"), or_dash(text(hop, "node")), text(hop, "address"),
               time_of(hop), or_dash(segments(list(hop, "segmentsDone"))),
               error.empty() ? text(hop, "towards") : error,
               error.empty() ? text(hop, "segmentsLeft") : "-"});
  }
  const auto* end = find(entry, "decapsulated");
  if (end == nullptr) return;
  const auto& visits = list(entry, "segments");
  table.add({"  " + std::to_string(shown + 1), or_dash(text(*end, "node")),
             or_dash(text(*end, "address")), time_of(*end),
             visits.empty() ? "-" : segment(visits.back()), text(direction, "to"), "-"});
  if (const auto* delivered = find(entry, "delivered"))
    table.add({"  " + std::to_string(shown + 2), "destination", text(*delivered, "address"),
               time_of(*delivered), "-", "-", "-"});
}

std::string list_text(const json::value& entry, const json::value& direction,
                      const std::string& label) {
  const bool several = list(direction, "segmentLists").size() > 1;
  const auto weight = several && find(entry, "share") != nullptr
                          ? fmt::format("  weight {}, {:.0f} %", text(entry, "weight"),
                                        100 * number(entry, "share"))
                          : std::string();
  auto out = fact(label, segments(list(entry, "segments")) + weight);
  if (const auto use = use_text(entry, direction); !use.empty())
    out += fact(text(entry, "use") == "Crafted" ? "Probed by:" : "Taken by:", use);
  if (find(entry, "hops") == nullptr) {
    if (text(direction, "method").starts_with("Probed"))
      out += fact("", several ? "not traced: this flow does not take it; --all traces every list"
                              : "not traced");
    return out;
  }
  Table hops({"  HOP", "NODE", "ADDRESS", "TIME", "SEGMENTS DONE", "TOWARDS", "LEFT"});
  add_hops(entry, direction, hops);
  if (!hops.empty()) out += hops.to_string();
  if (const auto lost = text(entry, "lost"); !lost.empty()) out += fact("LOST:", lost);
  return out;
}

std::string direction_text(const json::value& direction) {
  auto out = "\n" + text(direction, "headend") + ": " + text(direction, "from") + " to " +
             text(direction, "to") + "\n" + policy_facts(direction);
  if (const auto method = method_text(direction); !method.empty()) out += fact("Probed:", method);
  if (const auto note = text(direction, "note"); !note.empty()) out += fact("Note:", note);
  const auto& entries = list(direction, "segmentLists");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    out += list_text(entries[i], direction,
                     entries.size() == 1 ? "Segment list:"
                                         : fmt::format("List {} of {}:", i + 1, entries.size()));
  }
  return out;
}

}  // namespace

std::string trace_table(const json::value& report) {
  std::string out = party(report, "source") + " to " + party(report, "destination") + ", " +
                    flow_text(report) + "\n";
  for (const auto& direction : list(report, "directions")) out += direction_text(direction);
  return out;
}

}  // namespace sextant::cli
