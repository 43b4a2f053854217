#include "bgp/rib/decision.h"

#include <algorithm>
#include <tuple>

namespace sextant::bgp {

namespace {

/// Keeps the candidates whose `value` is lowest; whether that took any away.
template <typename Value>
bool keep_lowest(std::span<const Candidate> candidates, std::vector<std::uint32_t>& alive,
                 Value value) {
  auto lowest = value(candidates[alive.front()]);
  for (const auto i : alive) lowest = std::min(lowest, value(candidates[i]));
  return std::erase_if(alive, [&](auto i) { return value(candidates[i]) != lowest; }) > 0;
}

/// RFC 4271 section 9.1.2.2 c.
bool keep_lowest_med(std::span<const Candidate> candidates, std::vector<std::uint32_t>& alive) {
  return std::erase_if(alive, [&, rivals = alive](auto i) {
           const auto& own = *candidates[i].fields;
           return std::ranges::any_of(rivals, [&](auto j) {
             const auto& other = *candidates[j].fields;
             return other.neighbor_as == own.neighbor_as && other.med < own.med;
           });
         }) > 0;
}

}  // namespace

std::string_view to_string(DecisionStep step) {
  switch (step) {
    case DecisionStep::kOnlyPath:
      return "only path";
    case DecisionStep::kLocalPref:
      return "higher LOCAL_PREF";
    case DecisionStep::kAsPath:
      return "shorter AS_PATH";
    case DecisionStep::kOrigin:
      return "lower ORIGIN";
    case DecisionStep::kMed:
      return "lower MED";
    case DecisionStep::kSource:
      return "local before eBGP before iBGP";
    case DecisionStep::kIgpCost:
      return "nearer next hop";
    case DecisionStep::kRouterId:
      return "lower BGP identifier";
    case DecisionStep::kClusterList:
      return "shorter CLUSTER_LIST";
    case DecisionStep::kPeerAddress:
      return "lower peer address";
  }
  return "unknown";
}

Decision decide(std::span<const Candidate> candidates, std::vector<std::uint32_t>& alive) {
  alive.clear();
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i].eligible) alive.push_back(i);
  }
  Decision decision;
  if (alive.empty()) return decision;

  const auto step = [&](DecisionStep name, auto value) {
    if (alive.size() > 1 && keep_lowest(candidates, alive, value)) decision.step = name;
  };
  step(DecisionStep::kLocalPref, [](const Candidate& c) { return ~c.fields->local_pref; });
  step(DecisionStep::kAsPath, [](const Candidate& c) { return c.fields->as_path_length; });
  step(DecisionStep::kOrigin, [](const Candidate& c) { return c.fields->origin; });
  if (alive.size() > 1 && keep_lowest_med(candidates, alive)) decision.step = DecisionStep::kMed;
  step(DecisionStep::kSource, [](const Candidate& c) { return c.source; });
  step(DecisionStep::kIgpCost, [](const Candidate& c) { return c.igp_cost; });
  step(DecisionStep::kRouterId, [](const Candidate& c) {
    return c.fields->has_originator_id ? c.fields->originator_id : c.router_id;
  });
  step(DecisionStep::kClusterList,
       [](const Candidate& c) { return c.fields->cluster_list_length; });
  step(DecisionStep::kPeerAddress,
       [](const Candidate& c) { return std::tuple(c.peer_address, c.peer); });
  decision.best = alive.front();
  return decision;
}

}  // namespace sextant::bgp
