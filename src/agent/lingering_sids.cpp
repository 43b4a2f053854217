#include "agent/lingering_sids.h"

#include <algorithm>

namespace sextant::agent {
namespace {

/// A policy's: its lists say where to.
bool is_binding_sid(const overlay::LocalSid& sid) { return !sid.lists.empty(); }

}  // namespace

void LingeringSids::hold_back(overlay::ForwardingDiff& diff, Clock::time_point now) {
  std::map<srv6::Sid, overlay::LocalSid> gone;
  for (const auto& [sid, local] : diff.local_sids) {
    if (local && !is_binding_sid(*local)) {
      wanted_[sid] = *local;
    } else if (const auto own = wanted_.find(sid); own != wanted_.end()) {
      if (!local) gone.insert(*own);
      wanted_.erase(own);
    }
    if (local) lingering_.erase(sid);
  }
  if (wanted_.empty()) {  // the node has left the overlay
    for (const auto& [sid, lingering] : lingering_) diff.local_sids.try_emplace(sid, std::nullopt);
    lingering_.clear();
    return;
  }
  for (const auto& [sid, local] : gone) {
    lingering_[sid] = {local, now + kLong};
    diff.local_sids.erase(sid);
  }
  // Another node's, from now on: ours must not answer for it.
  for (const auto& [prefix, role] : diff.domain) {
    if (!role || !role->sids) continue;
    if (std::ranges::any_of(wanted_,
                            [&](const auto& own) { return prefix.contains(own.first.address()); }))
      continue;
    for (auto sid = lingering_.begin(); sid != lingering_.end();) {
      if (prefix.contains(sid->first.address())) {
        diff.local_sids.try_emplace(sid->first, std::nullopt);
        sid = lingering_.erase(sid);
      } else {
        ++sid;
      }
    }
  }
}

overlay::ForwardingDiff LingeringSids::expired(Clock::time_point now) {
  overlay::ForwardingDiff diff;
  std::erase_if(lingering_, [&](const auto& each) {
    if (each.second.end > now) return false;
    diff.local_sids.emplace(each.first, std::nullopt);
    return true;
  });
  return diff;
}

std::optional<Clock::time_point> LingeringSids::next() const {
  std::optional<Clock::time_point> first;
  for (const auto& [sid, lingering] : lingering_)
    if (!first || lingering.end < *first) first = lingering.end;
  return first;
}

void LingeringSids::add_to(overlay::Forwarding& wanted) const {
  for (const auto& [sid, lingering] : lingering_) wanted.local_sids.emplace(sid, lingering.sid);
}

}  // namespace sextant::agent
