#include "cli/tables.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <vector>

#include "cli/table.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;

const json::value* find(const json::value& value, std::string_view key) {
  const auto* object = value.if_object();
  return object == nullptr ? nullptr : object->if_contains(key);
}

/// The member as text; "-" where there is none.
std::string text(const json::value& value, std::string_view key) {
  const auto* member = find(value, key);
  if (member == nullptr || member->is_null()) return "-";
  if (const auto* string = member->if_string()) return string->empty() ? "-" : std::string(*string);
  return json::serialize(*member);
}

bool flag(const json::value& value, std::string_view key) {
  const auto* member = find(value, key);
  return member != nullptr && member->is_bool() && member->get_bool();
}

const json::array& list(const json::value& value, std::string_view key) {
  static const json::array kNone;
  const auto* member = find(value, key);
  return member != nullptr && member->is_array() ? member->get_array() : kNone;
}

template <typename Render>
std::string joined(const json::array& elements, const Render& render) {
  std::string all;
  for (const auto& element : elements) all += (all.empty() ? "" : ", ") + render(element);
  return all.empty() ? "-" : all;
}

std::string string_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

/// One line a segment list; the weight is shown where there are several.
std::vector<std::string> segment_lists(const json::array& lists) {
  std::vector<std::string> lines;
  for (const auto& segment_list : lists) {
    auto line = joined(list(segment_list, "segments"), string_of);
    if (lists.size() > 1) line += "  weight " + text(segment_list, "weight");
    lines.push_back(std::move(line));
  }
  if (lines.empty()) lines.emplace_back("-");
  return lines;
}

/// `row` with the first line of `lines` as its last cell; the other lines follow in rows of their
/// own.
void add_with_lines(Table& table, std::vector<std::string> row,
                    const std::vector<std::string>& lines) {
  const auto columns = row.size();
  row.push_back(lines.empty() ? "" : lines.front());
  table.add(std::move(row));
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::vector<std::string> more(columns);
    more.push_back(lines[i]);
    table.add(std::move(more));
  }
}

std::string or_none(const Table& table, std::string_view what) {
  return table.empty() ? "No " + std::string(what) + ".\n" : table.to_string();
}

std::string target_of(const json::value& route) {
  const auto* target = find(route, "target");
  if (target == nullptr) return "-";
  const auto type = text(*target, "type");
  if (type == "Path") {
    const auto color = text(*target, "color");
    return text(*target, "endpoint") + (color == "-" ? " plain" : " color " + color);
  }
  if (type == "Underlay") return "underlay via " + text(*target, "nextHop");
  return type == "Drop" ? "drop" : type == "Unreachable" ? "unreachable" : type;
}

/// "20 us", "1.5 ms", "2300.0 ms"
std::string duration_text(const json::value& answer, std::string_view key) {
  const auto* member = find(answer, key);
  if (member == nullptr || !member->is_int64()) return "-";
  const auto microseconds = member->get_int64();
  if (microseconds < 1000) return std::to_string(microseconds) + " us";
  return std::to_string(microseconds / 1000) + "." + std::to_string(microseconds / 100 % 10) +
         " ms";
}

std::string last_apply(const json::value& answer) {
  const auto* last = find(answer, "lastApply");
  if (last == nullptr || last->is_null()) return "never";
  return text(*last, "time") + ", " + text(*last, "kind") + ", " + text(*last, "writes") +
         " writes in " + duration_text(*last, "durationMicroseconds");
}

/// "SRv6Policy/gold north"; a path's name that only repeats its object's is left out.
std::string candidate_of(const json::value& path) {
  const auto object = text(path, "object");
  const auto name = text(path, "name");
  return name == "-" || object.ends_with("/" + name) ? object : object + " " + name;
}

std::string state_of(const json::value& path) {
  if (flag(path, "active")) return "active";
  const auto reason = text(path, "invalidReason");
  return reason == "-" ? "valid" : "invalid: " + reason;
}

/// "reachable since ...", "NOT REACHABLE since ...: why"
std::string reachability(const json::value& server) {
  const auto since = text(server, "since");
  const bool reachable = flag(server, "reachable");
  if (since == "-") return "not asked yet";
  return (reachable ? "reachable since " : "NOT REACHABLE since ") + since +
         (reachable ? "" : ": " + text(server, "error")) + "; pod prefixes by " +
         (text(server, "ipam") == "calico" ? "Calico" : "the nodes") + "; " +
         text(server, "requests") + " requests so far";
}

/// What is followed at the API server; a watch that is none right now has its reason.
std::string kinds_table(const json::value& server) {
  Table table({"KIND", "OBJECTS", "STATE", "LISTS", "WATCHES"});
  for (const auto& kind : list(server, "kinds")) {
    const auto error = text(kind, "error");
    table.add({text(kind, "kind"), text(kind, "objects"),
               !flag(kind, "installed") ? "not installed"
               : error != "-"           ? error
               : flag(kind, "synced")   ? "followed"
                                        : "being read",
               text(kind, "lists"), text(kind, "watches")});
  }
  return table.to_string();
}

}  // namespace

std::string status_table(const json::value& answer) {
  // A "table" of names and values without a header of its own.
  Table facts({"Node:", text(answer, "node")});
  facts.add({"Agent:", "sextantd " + text(answer, "version")});
  facts.add({"Health:", flag(answer, "healthy")
                            ? "healthy"
                            : "NOT HEALTHY: " + joined(list(answer, "reasons"), string_of)});
  const auto* source = find(answer, "source");
  const auto* server = source == nullptr ? nullptr : find(*source, "server");
  if (server != nullptr && server->is_null()) server = nullptr;
  if (source != nullptr)
    facts.add({"Source:", text(*source, "kind") + " " + text(*source, "path") +
                              (flag(*source, "loaded") ? "" : ", not read yet")});
  if (server != nullptr) facts.add({"API server:", reachability(*server)});
  facts.add({"Encapsulation source:", text(answer, "encapsulationSource")});
  facts.add({"Overlay addresses:", joined(list(answer, "overlayAddresses"), string_of)});
  facts.add({"Locator:", text(answer, "locator")});
  facts.add({"Pod prefixes:", joined(list(answer, "podPrefixes"), string_of)});
  if (const auto* counts = find(answer, "counts"))
    facts.add({"Counts:", "nodes " + text(*counts, "nodes") + ", policies " +
                              text(*counts, "policies") + ", local SIDs " +
                              text(*counts, "localSids") + ", paths " + text(*counts, "paths") +
                              ", routes " + text(*counts, "routes")});
  facts.add({"Last apply:", last_apply(answer)});
  std::string out = facts.to_string();

  if (const auto* dataplane = find(answer, "dataplane")) {
    out += "\nData plane: " + text(*dataplane, "name") + "\n";
    Table capabilities({"CAPABILITY", "CHOICE", "REASON"});
    for (const auto& capability : list(*dataplane, "capabilities"))
      capabilities.add(
          {text(capability, "name"), text(capability, "choice"), text(capability, "reason")});
    if (!capabilities.empty()) out += capabilities.to_string();
  }
  if (server != nullptr) out += "\nObjects of the API server:\n" + kinds_table(*server);
  Table problems({"OBJECT", "LOCATION", "SEVERITY", "PROBLEM"});
  for (const auto& problem : list(answer, "problems"))
    problems.add({text(problem, "object"), text(problem, "location"), text(problem, "severity"),
                  text(problem, "reason")});
  if (!problems.empty()) out += "\nProblems of objects:\n" + problems.to_string();
  Table unapplied({"OBJECT", "PROBLEM", "HINT"});
  for (const auto& problem : list(answer, "applyProblems"))
    unapplied.add({text(problem, "object"), text(problem, "message"), text(problem, "hint")});
  if (!unapplied.empty()) out += "\nNot applied by the data plane:\n" + unapplied.to_string();
  return out;
}

std::string sids_table(const json::value& answer) {
  Table table({"SID", "BEHAVIOR", "CODE POINT", "PACKETS", "BYTES", "NEXT HOP OR SEGMENT LISTS"});
  for (const auto& sid : list(answer, "items")) {
    auto targets = segment_lists(list(sid, "segmentLists"));
    if (const auto next_hop = text(sid, "nextHop"); next_hop != "-") targets = {next_hop};
    add_with_lines(table,
                   {text(sid, "sid"), text(sid, "behavior"), text(sid, "codePoint"),
                    text(sid, "packets"), text(sid, "bytes")},
                   targets);
  }
  return or_none(table, "local SIDs");
}

std::string policies_table(const json::value& answer) {
  Table table({"COLOR", "ENDPOINT", "NODE", "FAMILY", "BSID", "STEERED", "PREF", "CANDIDATE PATH",
               "STATE", "SEGMENT LISTS"});
  for (const auto& policy : list(answer, "items")) {
    std::vector<std::string> row{
        text(policy, "color"),      text(policy, "endpoint"),
        text(policy, "node"),       text(policy, "family"),
        text(policy, "bindingSID"), std::to_string(list(policy, "steeredPrefixes").size())};
    for (const auto& path : list(policy, "candidatePaths")) {
      row.resize(6);
      row.insert(row.end(), {text(path, "preference"), candidate_of(path), state_of(path)});
      add_with_lines(table, row, segment_lists(list(path, "segmentLists")));
      std::fill(row.begin(), row.end(), "");  // a policy is named once, its further paths follow
    }
    if (list(policy, "candidatePaths").empty()) table.add(std::move(row));
  }
  return or_none(table, "policies");
}

std::string routes_table(const json::value& answer) {
  Table table({"PREFIX", "SCOPE", "TARGET", "SEGMENT LISTS"});
  for (const auto& route : list(answer, "items"))
    add_with_lines(table, {text(route, "prefix"), text(route, "scope"), target_of(route)},
                   segment_lists(list(route, "segmentLists")));
  return or_none(table, "routes");
}

std::string nodes_table(const json::value& answer) {
  Table table({"NAME", "ROLE", "LOCATOR", "REACH", "END SID", "ADDRESSES", "POD PREFIXES"});
  for (const auto& node : list(answer, "items")) {
    const auto* sids = find(node, "sids");
    const auto prefix = [](const json::value& pod_prefix) {
      const auto color = text(pod_prefix, "color");
      return text(pod_prefix, "prefix") + (color == "-" ? "" : " color " + color);
    };
    table.add({text(node, "name") + (flag(node, "self") ? " (this node)" : ""), text(node, "role"),
               text(node, "locator"), text(node, "locatorReach"),
               sids == nullptr ? "-" : text(*sids, "end"),
               joined(list(node, "addresses"), string_of),
               joined(list(node, "podPrefixes"), prefix)});
  }
  return or_none(table, "nodes");
}

}  // namespace sextant::cli
