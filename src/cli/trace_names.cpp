#include "cli/trace_names.h"

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <utility>

#include "cli/json_reading.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;

/// The longest prefix that contains the address.
std::string longest(const std::vector<std::pair<IpPrefix, std::string>>& prefixes,
                    const IpAddress& address) {
  const std::pair<IpPrefix, std::string>* best = nullptr;
  for (const auto& each : prefixes) {
    if (!each.first.contains(address)) continue;
    if (best == nullptr || each.first.length() > best->first.length()) best = &each;
  }
  return best == nullptr ? std::string() : best->second;
}

constexpr std::array<std::pair<std::string_view, const char*>, 4> kBehaviors{
    {{"end", "End"}, {"dt4", "End.DT4"}, {"dt6", "End.DT6"}, {"dt46", "End.DT46"}}};

}  // namespace

TraceNames TraceNames::from(const json::value& nodes) {
  TraceNames names;
  for (const auto& node : elements(member(nodes, "items"))) {
    const auto name = text_of(member(node, "name"));
    for (const auto& address : elements(member(node, "addresses"))) {
      if (const auto parsed = IpAddress::parse(text_of(&address)))
        names.addresses_.try_emplace(*parsed, name);
    }
    for (const auto& pods : elements(member(node, "podPrefixes"))) {
      if (const auto prefix = IpPrefix::parse(text_of(member(pods, "prefix"))))
        names.pods_.emplace_back(*prefix, name);
    }
    if (const auto locator = IpPrefix::parse(text_of(member(node, "locator"))))
      names.locators_.emplace_back(*locator, name);
    const auto* sids = member(node, "sids");
    if (sids == nullptr) continue;
    for (const auto& [key, behavior] : kBehaviors) {
      const auto sid = srv6::Sid::parse(text_of(member(*sids, key)));
      if (!sid) continue;
      names.segments_.try_emplace(*sid, Segment{name, behavior});
      if (key == "end") names.ends_.try_emplace(name, *sid);
    }
  }
  return names;
}

std::string TraceNames::node(const IpAddress& address) const {
  if (const auto found = addresses_.find(address); found != addresses_.end()) return found->second;
  if (address.is_v6()) {
    // Routers answer as their loopback, which is often their End SID.
    const auto sid = segments_.find(srv6::Sid(address.v6()));
    if (sid != segments_.end()) return sid->second.owner;
  }
  return longest(pods_, address);
}

TraceNames::Segment TraceNames::segment(const srv6::Sid& sid) const {
  if (const auto found = segments_.find(sid); found != segments_.end()) return found->second;
  return {longest(locators_, sid.address()), ""};
}

std::optional<srv6::Sid> TraceNames::end_sid(const std::string& node) const {
  const auto found = ends_.find(node);
  return found == ends_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace sextant::cli
