#include "bgp/rib/route_filter.h"

#include <algorithm>

namespace sextant::bgp {

namespace {

template <typename T>
bool share_one(const std::vector<T>& wanted, const std::vector<T>& carried) {
  return std::ranges::any_of(wanted,
                             [&](const T& one) { return std::ranges::count(carried, one) > 0; });
}

bool has_communities(const FilterRule& rule) {
  return !rule.communities.empty() || !rule.large_communities.empty() ||
         !rule.extended_communities.empty();
}

bool is_inside(const FilterRule& rule, const IpPrefix& prefix) {
  if (rule.within && !rule.within->contains(prefix)) return false;
  const auto own = rule.within ? rule.within->length() : std::uint8_t{0};
  const bool bounded = rule.min_length || rule.max_length;
  const auto widest = address_bits(prefix.family());
  const auto low = rule.min_length.value_or(own);
  const auto high = rule.max_length.value_or(bounded || !rule.within ? widest : own);
  return prefix.length() >= low && prefix.length() <= high;
}

bool matches_prefix(const FilterRule& rule, const IpPrefix& prefix) {
  if (rule.within && rule.within->family() != prefix.family()) return false;
  return is_inside(rule, prefix) != rule.outside;
}

bool matches(const FilterRule& rule, const IpPrefix& prefix, const Attributes* attributes) {
  if (!matches_prefix(rule, prefix)) return false;
  if (!has_communities(rule)) return true;
  return attributes != nullptr &&
         (share_one(rule.communities, attributes->communities) ||
          share_one(rule.large_communities, attributes->large_communities) ||
          share_one(rule.extended_communities, attributes->extended_communities));
}

}  // namespace

bool RouteFilter::asks_for_communities() const {
  return std::ranges::any_of(rules, has_communities);
}

std::optional<std::string> RouteFilter::reject(const IpPrefix& prefix,
                                               const Attributes* attributes) const {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const auto& rule = rules[i];
    if (!matches(rule, prefix, attributes)) continue;
    if (rule.accept) return std::nullopt;
    return "filter rule " + (rule.name.empty() ? std::to_string(i + 1) : "'" + rule.name + "'");
  }
  if (accept_others) return std::nullopt;
  return "no filter rule accepts it";
}

}  // namespace sextant::bgp
