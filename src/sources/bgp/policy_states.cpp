#include "sources/bgp/policy_states.h"

#include <algorithm>
#include <utility>

#include "bgp/wire/sr_policy_tunnel.h"

namespace sextant::bgp_source {
namespace {

/// Longer lists are not repeated: routes are to fit a message of 4,096 bytes.
constexpr std::size_t kMostSegments = 64;

/// As the policy's candidate path has it (route_reading.cpp): one rule for both.
void take_originator(const bgp::Attributes& attributes, const RouteOrigin& origin,
                     PathRoute& route) {
  const auto originator = originator_of(attributes, origin);
  route.originator_asn = originator.asn;
  const auto& bytes = originator.address.bytes();
  route.originator = Ipv4Address({bytes[12], bytes[13], bytes[14], bytes[15]});
}

std::vector<bgp::PathSegmentList> lists_of(const bgp::SrPolicyTunnel& tunnel,
                                           bgp::SrPolicyDialect dialect) {
  std::vector<bgp::PathSegmentList> lists;
  std::size_t segments = 0;
  for (const auto& list : tunnel.lists) {
    bgp::PathSegmentList told{.flags = bgp::kListExplicit, .weight = list.weight.value_or(1)};
    bool srv6 = true;
    for (const auto& segment : list.segments) {
      if (segment.type != bgp::SegmentType::kB) {
        srv6 = false;
        continue;
      }
      auto& one = told.segments.emplace_back(bgp::PathSegment{.sid = segment.sid});
      if (segment.behavior) one.behavior = segment.behavior->behavior;
    }
    if (srv6) told.flags |= bgp::kListSrv6;
    if (list.unusable(dialect).empty()) told.flags |= bgp::kListVerified;
    segments += told.segments.size();
    lists.push_back(std::move(told));
  }
  if (segments > kMostSegments || lists.size() > kMostSegments) return {};
  return lists;
}

bgp::PolicyPathState state_of(const PathRoute& route, const PathOutcome& outcome) {
  auto state = route.state;
  if (outcome.evaluated) state.flags |= bgp::kPathEvaluated;
  if (outcome.evaluated && outcome.valid) state.flags |= bgp::kPathValid;
  if (outcome.active) state.flags |= bgp::kPathActive;
  if (state.binding_sid && outcome.active) {
    state.binding_sid->flags |= bgp::kBindingSidAllocated;
    state.binding_sid->sid = state.binding_sid->specified;
  }
  state.reason = outcome.reason;
  return state;
}

PathOutcome outcome_of(const std::string& name, const PathRoute& route,
                       const PathOutcomes& outcomes) {
  if (!route.unusable.empty()) return {.evaluated = true, .reason = route.unusable};
  const auto found = outcomes.find(name);
  // One to the null endpoint serves routes of its color, once there are some.
  if (found == outcomes.end()) return {.reason = "no route asks for it yet"};
  return found->second;
}

bgp::LinkStateNlri encoded(const bgp::SrPolicyNlri& nlri, const PathRoute& route,
                           const bgp::PathHeadend& self) {
  return bgp::encode(bgp::PolicyPath{.headend = self,
                                     .origin = bgp::PathOrigin::kBgp,
                                     .endpoint = nlri.endpoint,
                                     .color = nlri.color,
                                     .originator_asn = route.originator_asn,
                                     .originator = route.originator,
                                     .discriminator = nlri.distinguisher});
}

}  // namespace

std::optional<PathRoute> path_route(const bgp::Attributes& attributes, const RouteOrigin& origin,
                                    const PolicyReading& reading) {
  if (std::holds_alternative<NodeSid>(reading)) return std::nullopt;
  PathRoute route;
  if (const auto* const unusable = std::get_if<Unusable>(&reading)) {
    if (unusable->other_headends) return std::nullopt;
    route.unusable = unusable->reason;
  }
  take_originator(attributes, origin, route);
  route.targeted = std::ranges::any_of(
      attributes.extended_communities,
      [](const bgp::ExtendedCommunity& community) { return community.is_route_target(); });
  auto& state = route.state;
  state.flags = bgp::kPathProvisioned;
  const auto tunnel = bgp::decode_sr_policy(attributes.tunnel_encapsulation);
  if (!tunnel) return route;  // `unusable` says so
  if (drops_upon_invalid(*tunnel)) state.flags |= bgp::kPathDropUponInvalid;
  if (tunnel->priority) state.priority = *tunnel->priority;
  state.preference = preference_of(*tunnel, origin.dialect);
  state.name = tunnel->candidate_path_name;
  state.policy_name = tunnel->policy_name;
  if (const auto sid = tunnel->srv6_bsid()) {
    state.binding_sid = bgp::PathBindingSid{.sid = {}, .specified = *sid};
  }
  state.lists = lists_of(*tunnel, origin.dialect);
  return route;
}

const PathRoute* PolicyStates::Path::now() const {
  return route ? &*route : rejected ? &*rejected : nullptr;
}

PolicyStates::Path& PolicyStates::path(const bgp::SrPolicyNlri& nlri) {
  auto& path = paths_[nlri];
  if (path.name.empty()) path.name = policy_key(nlri).name;
  return path;
}

void PolicyStates::set(const bgp::SrPolicyNlri& nlri, std::optional<PathRoute> route) {
  if (!route && !paths_.contains(nlri)) return;
  auto& known = path(nlri);
  known.route = std::move(route);
  known.changed = true;
}

void PolicyStates::set_rejected(const std::map<bgp::SrPolicyNlri, PathRoute>& rejected) {
  for (auto& [nlri, known] : paths_) {
    if (!known.rejected || rejected.contains(nlri)) continue;
    known.rejected.reset();
    known.changed = true;
  }
  for (const auto& [nlri, route] : rejected) {
    auto& known = path(nlri);
    if (known.rejected == route) continue;
    known.rejected = route;
    known.changed = true;
  }
}

PolicyStates::Change PolicyStates::update(const bgp::PathHeadend& self,
                                          const PathOutcomes& outcomes) {
  Change change;
  const bool moved = self_ != self;  // every route is another one
  self_ = self;
  for (auto path = paths_.begin(); path != paths_.end();) {
    auto& [nlri, known] = *path;
    const auto* const now = known.now();
    const auto take_back = [&change](Path& from) {
      if (from.told) change.gone.push_back(std::move(from.told->nlri));
      from.told.reset();
    };
    if (now == nullptr) {
      take_back(known);
      path = paths_.erase(path);
      continue;
    }
    ++path;
    auto outcome = outcome_of(known.name, *now, outcomes);
    if (outcome.leads_here && !now->targeted) {
      take_back(known);
      continue;
    }
    if (!moved && !known.changed && known.told && known.told->outcome == outcome) continue;
    known.changed = false;
    auto name = encoded(nlri, *now, self);
    if (known.told && known.told->nlri != name) take_back(known);
    change.told.emplace_back(name, bgp::encode(state_of(*now, outcome)));
    known.told = Told{std::move(name), std::move(outcome)};
  }
  return change;
}

}  // namespace sextant::bgp_source
