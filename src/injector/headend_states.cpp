#include "injector/headend_states.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace sextant::injector {
namespace {

PolicyKey key_of(const bgp::PolicyPath& path) {
  return {.distinguisher = path.discriminator, .color = path.color, .endpoint = path.endpoint};
}

/// Of paths that came by BGP. Those of configurations have discriminators of their own.
std::optional<bgp::PolicyPath> path_of(const bgp::Rib& rib, const bgp::RouteKey& key) {
  const auto path = bgp::decode_policy_path(rib.link_state(key));
  if (!path) return std::nullopt;
  if (path->origin != bgp::PathOrigin::kBgp && path->origin != bgp::PathOrigin::kBgpByPce) {
    return std::nullopt;
  }
  return *path;
}

/// The flags of RFC 9857 section 5.3 in words; empty where the path is in use.
std::string words(const bgp::PolicyPathState& state) {
  if (state.has(bgp::kPathShut)) return "administratively down";
  if (!state.has(bgp::kPathEvaluated)) return "not evaluated yet";
  if (state.has(bgp::kPathDropping)) return "no valid segment list: its packets are dropped";
  if (!state.has(bgp::kPathValid)) return "no valid segment list";
  if (!state.has(bgp::kPathActive)) return "valid, and another candidate path is active";
  return {};
}

}  // namespace

HeadendReport headend_report(const bgp::PolicyPath& path, const bgp::PolicyPathState& state,
                             Ipv4Address self) {
  HeadendReport report{.headend = path.headend.router_id.to_string()};
  report.accepted = state.has(bgp::kPathEvaluated | bgp::kPathValid);
  report.active = report.accepted && state.has(bgp::kPathActive);
  report.pending = !state.has(bgp::kPathEvaluated) && !state.has(bgp::kPathShut);
  report.reason = state.reason.empty() ? words(state) : state.reason;
  if (path.originator.is_v4() && path.originator.v4() != self) {
    report.reason += std::string(report.reason.empty() ? "" : "; ") + "it has the path from " +
                     path.originator.to_string();
  }
  return report;
}

std::set<PolicyKey> HeadendStates::take(const bgp::Rib& rib,
                                        std::span<const bgp::RouteChange> changes) {
  std::set<PolicyKey> changed;
  for (const auto& change : changes) {
    const auto path = path_of(rib, change.key);
    if (!path) continue;
    const auto key = key_of(*path);
    changed.insert(key);
    if (!change.has_best) {
      const auto known = reports_.find(key);
      if (known == reports_.end()) continue;
      known->second.erase(*path);
      if (known->second.empty()) reports_.erase(known);
      continue;
    }
    const auto attributes = rib.pool()[change.paths.front().attributes].decode().attributes;
    // An attribute that was malformed, or too large to be passed on, is not there: nothing is said.
    const auto state = bgp::decode_policy_path_state(attributes.link_state);
    reports_[key].insert_or_assign(
        *path, headend_report(*path, state.value_or(bgp::PolicyPathState{}), self_));
  }
  return changed;
}

std::vector<HeadendReport> HeadendStates::reports(const PolicyKey& key) const {
  std::vector<HeadendReport> all;
  const auto known = reports_.find(key);
  if (known == reports_.end()) return all;
  for (const auto& [path, report] : known->second) {
    const bool again = !all.empty() && all.back().headend == report.headend;
    if (!again) {
      all.push_back(report);
    } else if (path.originator == IpAddress(self_)) {
      all.back() = report;  // of two paths of one headend, ours
    }
  }
  std::ranges::stable_sort(all, {}, &HeadendReport::headend);
  return all;
}

bool headends_are_heard(const std::vector<bgp::PeerInfo>& peers) {
  return std::ranges::any_of(peers, [](const bgp::PeerInfo& peer) {
    return peer.negotiated && peer.negotiated->has(bgp::kLinkState);
  });
}

}  // namespace sextant::injector
