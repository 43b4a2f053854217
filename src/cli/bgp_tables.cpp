#include "cli/bgp_tables.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <vector>

#include "cli/json_reading.h"
#include "cli/table.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;

constexpr auto kNoSpeaker =
    "This agent does not speak BGP: it was started without --bgp, or does not know its node yet "
    "(sextant status).\n";

/// The member as text; "-" where there is none.
std::string cell(const json::value& value, std::string_view key) {
  const auto* found = member(value, key);
  if (found == nullptr || found->is_null()) return "-";
  auto text = found->is_string() ? text_of(found) : json::serialize(*found);
  return text.empty() ? "-" : text;
}

bool flag(const json::value& value, std::string_view key) {
  const auto* found = member(value, key);
  return found != nullptr && found->is_bool() && found->get_bool();
}

/// "ipv6-unicast 5, ipv6-srpolicy 2 stale"
std::string families(const json::value& peer) {
  std::string all;
  for (const auto& family : elements(member(peer, "families"))) {
    if (!flag(family, "negotiated") && !flag(family, "stale")) continue;
    all += (all.empty() ? "" : ", ") + cell(family, "family") + " " + cell(family, "received") +
           (flag(family, "stale") ? " stale" : "");
  }
  return all.empty() ? "-" : all;
}

std::string duration(const json::value& peer, std::string_view key) {
  const auto* seconds = member(peer, key);
  if (seconds == nullptr || !seconds->is_int64()) return "-";
  const auto count = seconds->get_int64();
  if (count >= 3600) return fmt::format("{}h{:02}m", count / 3600, count / 60 % 60);
  return count >= 60 ? fmt::format("{}m{:02}s", count / 60, count % 60) : fmt::format("{}s", count);
}

/// "fcff:6::1, fcff:8::1 (3); fcff:7::1 (1)": lists with their weights.
std::string policy(const json::value& policy) {
  std::string all;
  const auto& lists = elements(member(policy, "segmentLists"));
  for (const auto& list : lists) {
    std::string segments;
    for (const auto& segment : elements(member(list, "segments")))
      segments += (segments.empty() ? "" : ", ") + text_of(&segment);
    all += (all.empty() ? "" : "; ") + segments;
    if (lists.size() > 1) all += " (" + cell(list, "weight") + ")";
  }
  return all;
}

/// What a headend says of a candidate path.
std::string path_state(const json::value& state) {
  const std::string text = flag(state, "active")      ? "active"
                           : flag(state, "valid")     ? "valid"
                           : flag(state, "evaluated") ? "not valid"
                                                      : "not evaluated";
  const auto reason = cell(state, "reason");
  return reason == "-" ? text : text + ": " + reason;
}

/// What a route brings besides its next hop.
std::string content(const json::value& route) {
  if (const auto* unusable = member(route, "unusable");
      unusable != nullptr && unusable->is_string())
    return "not used: " + text_of(unusable);
  std::string text;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
  if (const auto* carried = member(route, "policy"); carried != nullptr && carried->is_object())
    add(policy(*carried));
  if (const auto* state = member(route, "pathState"); state != nullptr && state->is_object())
    add(path_state(*state));
  if (const auto* service = member(route, "serviceSID"); service != nullptr && service->is_object())
    add(cell(*service, "behavior") + " " + cell(*service, "sid"));
  if (const auto color = cell(route, "color"); color != "-") add("color " + color);
  return text.empty() ? "-" : text;
}

}  // namespace

std::string bgp_peers_table(const json::value& answer) {
  if (member(answer, "asn") == nullptr) return kNoSpeaker;
  std::string listening;
  for (const auto& place : elements(member(answer, "listening")))
    listening += (listening.empty() ? "" : ", ") + text_of(&place);
  auto text =
      fmt::format("AS {}, identifier {}, {}{}\n", cell(answer, "asn"), cell(answer, "identifier"),
                  listening.empty() ? "active only" : "listening on " + listening,
                  flag(answer, "converged") ? "" : ", waiting for its peers' routes");
  Table table(
      {"PEER", "AS", "STATE", "SINCE", "ROUTES", "CONVENTION", "DESCRIPTION", "LAST ERROR"});
  for (const auto& peer : elements(member(answer, "items"))) {
    table.add({cell(peer, "address"), cell(peer, "asn"), cell(peer, "state"),
               duration(peer, "upForSeconds"), families(peer), cell(peer, "convention"),
               cell(peer, "description"), cell(peer, "lastError")});
  }
  return text + (table.empty() ? "No peers.\n" : table.to_string());
}

std::string bgp_routes_table(const json::value& answer) {
  Table table({"", "FAMILY", "ROUTE", "NEXT HOP", "PEER", "PREF", "AS PATH", "CONTENT"});
  for (const auto& route : elements(member(answer, "items"))) {
    const auto mark =
        std::string(flag(route, "best") ? "*" : " ") + (flag(route, "stale") ? "s" : "");
    const auto peer = cell(route, "peer");
    table.add({mark, cell(route, "family"), cell(route, "route"), cell(route, "nextHop"),
               peer == "-" ? "this node" : peer, cell(route, "localPreference"),
               cell(route, "asPath"), content(route)});
  }
  return table.empty() ? "No routes.\n" : table.to_string();
}

std::string bgp_rejected_table(const json::value& answer) {
  Table table({"FAMILY", "ROUTE", "PEER", "REASON"});
  for (const auto& route : elements(member(answer, "items")))
    table.add(
        {cell(route, "family"), cell(route, "route"), cell(route, "peer"), cell(route, "reason")});
  return table.empty() ? "No rejected routes.\n" : table.to_string();
}

}  // namespace sextant::cli
