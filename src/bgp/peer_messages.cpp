// What a peer's messages do: UPDATE and ROUTE-REFRESH.
#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "bgp/peer.h"

namespace sextant::bgp {
namespace {

constexpr std::chrono::seconds kComplaintPause{1};

// RFC 4486 section 4: AFI, SAFI and the limit.
Bytes maximum_data(Family family, std::uint32_t limit) {
  ByteWriter out;
  out.u16(static_cast<std::uint16_t>(family.afi));
  out.u8(static_cast<std::uint8_t>(family.safi));
  out.u32(limit);
  return out.release();
}

}  // namespace

void Peer::on_refresh(Session& session, const RouteRefresh& refresh) {
  // RFC 2918 section 4: for a family that was not announced it is ignored.
  if (!session.negotiated().has(refresh.family)) return;
  auto& state = families_[refresh.family];
  // RFC 7313 section 4: not before the End-of-RIB of a peer that restarts gracefully: it may still
  // be telling what was stale before.
  const bool marks_count = session.negotiated().enhanced_route_refresh &&
                           (state.ended || !session.negotiated().restarts(refresh.family));
  switch (refresh.kind) {
    case RefreshKind::kRequest:
      routes_.refresh(*this, refresh.family);
      break;
    case RefreshKind::kBegin:  // RFC 7313 section 4: what is not told again by the end is gone
      // Once more before the end: what is still to come stays until then.
      if (marks_count && !std::exchange(state.refreshed, true)) {
        routes_.mark_stale(*this, refresh.family);
      }
      break;
    case RefreshKind::kEnd:
      if (marks_count && std::exchange(state.refreshed, false)) {
        routes_.sweep_stale(*this, refresh.family);
      }
      break;
  }
}

std::optional<Notification> Peer::on_update(Session& session, std::span<const std::uint8_t> body) {
  auto view = split_update(body);
  if (view.judgement.verdict() == Verdict::kSessionReset) return view.judgement.notification();
  if (const auto family = view.end_of_rib()) {
    if (!session.negotiated().has(*family)) return {};
    auto& state = families_[*family];
    state.ended = true;
    if (state.stale) {
      sweep(*family);
      if (!has_stale()) stale_.cancel();
    }
    routes_.end_of_rib(*this, *family);
    return {};
  }
  // RFC 4760 section 6: families that were not agreed on are ignored; so are those that were
  // disabled.
  const auto takes = [&](Family family) {
    return session.negotiated().has(family) && !families_[family].disabled;
  };
  if (view.reach && !takes(view.reach->family)) view.reach.reset();
  if (view.unreach && !takes(view.unreach->family)) view.unreach.reset();
  if (!takes(kIpv4Unicast)) view.nlri = view.withdrawn = {};
  auto judgement = routes_.update(*this, view);
  if (auto error = judge(judgement, view)) return error;
  return check_maximum();
}

// RFC 7606 section 2.
std::optional<Notification> Peer::judge(const Judgement& judgement, const UpdateView& view) {
  switch (judgement.verdict()) {
    case Verdict::kAccept:
      return {};
    case Verdict::kAttributeDiscard:
      ++counters_.attributes_discarded;
      break;
    case Verdict::kTreatAsWithdraw:
      ++counters_.treated_as_withdraw;
      break;
    case Verdict::kAfiSafiDisable:
      if (view.disabled) {
        families_[*view.disabled].disabled = true;
        routes_.drop(*this, *view.disabled);
      }
      break;
    case Verdict::kSessionReset:
      return judgement.notification();
  }
  auto reasons = judgement.reasons();
  // A peer may be wrong in every UPDATE: a line a second tells of it, the counters tell of all.
  const auto now = Clock::now();
  if (judgement.verdict() < Verdict::kAfiSafiDisable && now - complained_at_ < kComplaintPause) {
    ++unsaid_;
  } else {
    const auto more = std::exchange(unsaid_, 0);
    log::warn(
        {{"peer", name_}}, "BGP peer {}: UPDATE with errors ({}): {}{}", name_,
        to_string(judgement.verdict()), reasons,
        more == 0 ? "" : "; and " + std::to_string(more) + " more UPDATEs since the last word");
    complained_at_ = now;
  }
  note(std::move(reasons));
  return {};
}

std::optional<Notification> Peer::check_maximum() {
  for (const auto& family : config_.families) {
    const auto& maximum = family.max_prefixes;
    if (maximum.limit == 0) continue;
    const auto count = routes_.received(*this, family.family);
    auto& state = families_[family.family];
    if (count > maximum.limit) {
      maximum_hold_ = maximum.restart;
      return notification(CeaseReason::kMaximumPrefixes,
                          maximum_data(family.family, maximum.limit));
    }
    const bool near = count * 100 > std::size_t{maximum.limit} * maximum.warn_percent;
    if (near && !state.warned) {
      log::warn({{"peer", name_}}, "BGP peer {}: {} routes of {}, the maximum is {}", name_, count,
                to_string(family.family), maximum.limit);
    }
    state.warned = near;
  }
  return {};
}

}  // namespace sextant::bgp
