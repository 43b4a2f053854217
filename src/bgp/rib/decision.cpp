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

std::uint32_t identifier(const Candidate& candidate) {  // RFC 4456 section 9
  return candidate.fields->has_originator_id ? candidate.fields->originator_id
                                             : candidate.router_id;
}

/// The same steps for two paths, which is what most destinations with more than one have.
Decision decide_between(const Candidate& a, const Candidate& b) {
  const auto by = [](bool first, DecisionStep step) {
    return Decision{.best = first ? 0U : 1U, .step = step};
  };
  const auto& x = *a.fields;
  const auto& y = *b.fields;
  if (x.local_pref != y.local_pref) {
    return by(x.local_pref > y.local_pref, DecisionStep::kLocalPref);
  }
  if (x.as_path_length != y.as_path_length) {
    return by(x.as_path_length < y.as_path_length, DecisionStep::kAsPath);
  }
  if (x.origin != y.origin) return by(x.origin < y.origin, DecisionStep::kOrigin);
  if (x.neighbor_as == y.neighbor_as && x.med != y.med) {
    return by(x.med < y.med, DecisionStep::kMed);
  }
  if (a.source != b.source) return by(a.source < b.source, DecisionStep::kSource);
  if (a.igp_cost != b.igp_cost) return by(a.igp_cost < b.igp_cost, DecisionStep::kIgpCost);
  if (identifier(a) != identifier(b)) {
    return by(identifier(a) < identifier(b), DecisionStep::kRouterId);
  }
  if (x.cluster_list_length != y.cluster_list_length) {
    return by(x.cluster_list_length < y.cluster_list_length, DecisionStep::kClusterList);
  }
  return by(std::tie(a.peer_address, a.peer) < std::tie(b.peer_address, b.peer),
            DecisionStep::kPeerAddress);
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
  if (candidates.size() == 2 && candidates[0].eligible && candidates[1].eligible) {
    return decide_between(candidates[0], candidates[1]);
  }
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
  step(DecisionStep::kRouterId, identifier);
  step(DecisionStep::kClusterList,
       [](const Candidate& c) { return c.fields->cluster_list_length; });
  step(DecisionStep::kPeerAddress,
       [](const Candidate& c) { return std::tuple(c.peer_address, c.peer); });
  decision.best = alive.front();
  return decision;
}

}  // namespace sextant::bgp
