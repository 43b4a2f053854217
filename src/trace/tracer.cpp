#include "trace/tracer.h"

#include <algorithm>
#include <map>

#include "trace/wire.h"

namespace sextant::trace {
namespace {

constexpr std::uint32_t kLabelsTried = 16;
constexpr std::uint32_t kFlowLabelMask = 0xfffff;  // RFC 6437
constexpr std::uint8_t kFarAway = 64;              // hop limit of packets that shall arrive

/// Errors may quote the low half only, and what an application answers carries none.
bool is_about(Token probe, const Sighting& seen, const Flow& flow) {
  if (seen.token == probe) return true;
  if (seen.kind == SightingKind::kAnswer)
    return flow.protocol == Protocol::kUdp && seen.token == Token{};
  return seen.token.value == (probe.value & 0xffff);
}

Answer answer_of(const Sighting& seen, const Capture& capture, Clock::time_point sent) {
  return {.from = seen.from, .after = capture.at - sent, .type = seen.type, .code = seen.code};
}

bool is_time_exceeded(const Sighting& seen) {
  return seen.type == (seen.from.is_v4() ? wire::kTimeExceeded : wire::kTimeExceeded6);
}

/// The destination answers a datagram to a closed port with an error: it got there.
bool is_delivery(const Sighting& seen, const Flow& flow) {
  if (seen.kind == SightingKind::kAnswer) return true;
  if (seen.kind != SightingKind::kInnerError || seen.from != flow.destination) return false;
  return seen.from.is_v4()
             ? seen.type == wire::kUnreachable && seen.code == wire::kPortUnreachable
             : seen.type == wire::kUnreachable6 && seen.code == wire::kPortUnreachable6;
}

/// Came in: from another node, or, where the data plane takes packets before anybody can see them
/// arrive, as the inner packet on its way to the pod. The trace's own packets on their way out are
/// always encapsulated.
bool has_come(const Sighting& seen, const Capture& capture) {
  return !capture.outgoing || !seen.encapsulation;
}

bool is_reply(const Sighting& seen, const Capture& capture) {
  return has_come(seen, capture) &&
         (seen.kind == SightingKind::kAnswer || seen.kind == SightingKind::kInnerError);
}

Hop hop_of(unsigned distance, const Sighting& seen, const Capture& capture,
           Clock::time_point sent) {
  return {.distance = distance,
          .answer = answer_of(seen, capture, sent),
          .towards = seen.encapsulation->destination,
          .segments_left = seen.encapsulation->segments_left(),
          .refused = !is_time_exceeded(seen)};
}

bool silent_end(const std::vector<Hop>& hops, std::size_t length) {
  if (hops.size() < length) return false;
  return std::all_of(hops.end() - static_cast<std::ptrdiff_t>(length), hops.end(),
                     [](const Hop& hop) { return !hop.answer; });
}

void drop_silent_end(std::vector<Hop>& hops) {
  while (!hops.empty() && !hops.back().answer) hops.pop_back();
}

}  // namespace

Token Tracer::next_token() { return {std::uint32_t{run_} << 16 | ++sent_}; }

template <typename Wanted>
Result<std::optional<std::pair<Sighting, Capture>>> Tracer::await(const Flow& flow, Token token,
                                                                  Clock::time_point until,
                                                                  const Wanted& wanted) {
  using Found = std::optional<std::pair<Sighting, Capture>>;
  for (;;) {
    auto capture = channel_.receive(until);
    if (!capture) return tl::unexpected(capture.error());
    if (!*capture) return Found{};
    auto seen = read_sighting((*capture)->packet, flow);
    if (!seen || !is_about(token, *seen, flow) || !wanted(*seen, **capture)) continue;
    return Found(std::in_place, std::move(*seen), std::move(**capture));
  }
}

Result<Departure> Tracer::depart(const Flow& flow) { return depart(flow, true); }

Result<Departure> Tracer::choose(const Flow& flow) { return depart(flow, false); }

Result<Departure> Tracer::depart(const Flow& flow, bool answer) {
  Departure departure{.flow = flow};
  for (unsigned attempt = 0; attempt < limits_.attempts && !departure.delivered; ++attempt) {
    const auto token = next_token();
    const auto sent = Clock::now();
    if (auto done = channel_.send_inner(make_inner(flow, token, kFarAway)); !done) {
      departure.refusal = done.error().message();
      return departure;
    }
    const auto seen = await(
        flow, token, sent + limits_.timeout, [&](const Sighting& sight, const Capture& capture) {
          if (sight.kind == SightingKind::kProbe && capture.outgoing && sight.encapsulation) {
            if (!departure.outer) {
              departure.outer = sight.encapsulation->as_sent();
              departure.device = capture.device;
            }
            return !answer;
          }
          return is_reply(sight, capture);
        });
    if (!seen) return tl::unexpected(seen.error());
    if (!*seen) continue;
    if (!answer) break;
    const auto& [sight, capture] = **seen;
    if (!is_delivery(sight, flow)) {
      departure.refused = answer_of(sight, capture, sent);
      break;
    }
    departure.delivered = answer_of(sight, capture, sent);
    departure.answered_by = sight.encapsulation;
  }
  return departure;
}

Result<Walk> Tracer::walk(const Flow& flow, const Outer& outer, Device device, bool deliver) {
  Walk walk{.outer = outer};
  auto probe = outer;
  const auto ends = [](const Sighting& sight, const Capture& capture) {
    return sight.kind == SightingKind::kOuterError || is_reply(sight, capture);
  };
  bool over = false;
  for (unsigned distance = 1; distance <= limits_.max_hops && !over; ++distance) {
    Hop hop{.distance = distance};
    probe.hop_limit = static_cast<std::uint8_t>(distance);
    for (unsigned attempt = 1; attempt <= limits_.attempts && !hop.answer && !over; ++attempt) {
      // Where nobody answers for a dead inner packet, the destination itself may.
      const bool last = attempt == limits_.attempts;
      const auto token = next_token();
      const auto packet =
          encapsulate(probe, flow.source.family(), make_inner(flow, token, last ? kFarAway : 1));
      if (!packet) return tl::unexpected(packet.error());
      const auto sent = Clock::now();
      if (auto done = channel_.send_outer(*packet, device); !done) {
        walk.refusal = done.error().message();
        drop_silent_end(walk.hops);
        return walk;
      }
      const auto seen = await(flow, token, sent + limits_.timeout, ends);
      if (!seen) return tl::unexpected(seen.error());
      if (!*seen) continue;
      const auto& [sight, capture] = **seen;
      if (sight.kind == SightingKind::kOuterError) {
        hop = hop_of(distance, sight, capture, sent);
        over = hop.refused;
        break;
      }
      over = true;
      (is_delivery(sight, flow) ? walk.delivered : walk.decapsulated) =
          answer_of(sight, capture, sent);
    }
    if (hop.answer || !over) walk.hops.push_back(hop);
    if (silent_end(walk.hops, limits_.silent_hops)) over = true;
  }
  if (!walk.decapsulated && !walk.delivered) drop_silent_end(walk.hops);

  probe.hop_limit = kFarAway;
  Flow as = flow;
  for (unsigned attempt = 0; deliver && attempt < limits_.attempts && !walk.delivered; ++attempt) {
    const auto token = next_token();
    const auto packet = encapsulate(probe, as.source.family(), make_inner(as, token, kFarAway));
    if (!packet) return tl::unexpected(packet.error());
    const auto sent = Clock::now();
    if (auto done = channel_.send_outer(*packet, device); !done) {
      walk.refusal = done.error().message();
      return walk;
    }
    const auto seen = await(as, token, sent + limits_.timeout, is_reply);
    if (!seen) return tl::unexpected(seen.error());
    if (*seen && is_delivery((*seen)->first, as))
      walk.delivered = answer_of((*seen)->first, (*seen)->second, sent);
    // The outer header leads the way whatever is inside, and the rate of port errors is limited.
    as.protocol = Protocol::kIcmp;
  }
  return walk;
}

Result<std::optional<std::uint32_t>> Tracer::find_label_back(const Flow& flow,
                                                             const Ipv6Address& source,
                                                             const srv6::Sid& far,
                                                             const std::vector<srv6::Sid>& visits,
                                                             std::uint32_t wanted) {
  using Found = std::optional<std::uint32_t>;
  Outer probe{.source = source, .visits = {far}};
  probe.visits.insert(probe.visits.end(), visits.begin(), visits.end());
  std::map<Token, std::uint32_t> labels;
  // The wanted one alone, then all others at once.
  for (std::uint32_t more : {1U, kLabelsTried - 1}) {
    for (; more > 0; --more) {
      probe.flow_label = (wanted + static_cast<std::uint32_t>(labels.size())) & kFlowLabelMask;
      const auto token = next_token();
      labels[token] = probe.flow_label;
      const auto packet =
          encapsulate(probe, flow.source.family(), make_inner_reply(flow, token, kFarAway));
      if (!packet) return tl::unexpected(packet.error());
      if (!channel_.send_outer(*packet, Device{})) return Found{};
    }
    const auto until = Clock::now() + limits_.timeout;
    for (;;) {
      auto capture = channel_.receive(until);
      if (!capture) return tl::unexpected(capture.error());
      if (!*capture) break;
      const auto seen = read_sighting((*capture)->packet, flow);
      if (!seen || seen->kind != SightingKind::kAnswer || !has_come(*seen, **capture)) continue;
      if (const auto label = labels.find(seen->token); label != labels.end())
        return Found(label->second);
    }
  }
  return Found{};
}

Result<Walk> Tracer::walk_back(const Flow& flow, const Ipv6Address& source, const srv6::Sid& far,
                               const std::vector<srv6::Sid>& visits, std::uint32_t flow_label) {
  Outer probe{.source = source, .visits = {far}, .flow_label = flow_label};
  probe.visits.insert(probe.visits.end(), visits.begin(), visits.end());
  Walk walk{.outer = probe};
  walk.outer.visits = visits;
  const auto before = probe.visits.size() - 1;  // segments left on the way to the far node
  const auto ends = [](const Sighting& sight, const Capture& capture) {
    return sight.kind == SightingKind::kOuterError ||
           (sight.kind == SightingKind::kAnswer && has_come(sight, capture));
  };
  bool started = false, over = false;
  unsigned silent = 0;
  for (unsigned distance = 1; distance <= 2 * limits_.max_hops && !over; ++distance) {
    Hop hop{.distance = distance};
    probe.hop_limit = static_cast<std::uint8_t>(distance);
    for (unsigned attempt = 0; attempt < limits_.attempts && !hop.answer && !over; ++attempt) {
      const auto token = next_token();
      const auto packet =
          encapsulate(probe, flow.source.family(), make_inner_reply(flow, token, kFarAway));
      if (!packet) return tl::unexpected(packet.error());
      const auto sent = Clock::now();
      if (auto done = channel_.send_outer(*packet, Device{}); !done) {
        walk.refusal = done.error().message();
        return walk;
      }
      const auto seen = await(flow, token, sent + limits_.timeout, ends);
      if (!seen) return tl::unexpected(seen.error());
      if (!*seen) continue;
      const auto& [sight, capture] = **seen;
      if (sight.kind == SightingKind::kOuterError) {
        hop = hop_of(distance, sight, capture, sent);
        over = hop.refused;
      } else {
        walk.arrived = over = true;
      }
    }
    if (walk.arrived) break;
    silent = hop.answer ? 0 : silent + 1;
    if (silent == limits_.silent_hops) over = true;
    started = started || (hop.answer && hop.segments_left < before);
    if (started || hop.refused) walk.hops.push_back(hop);
  }
  if (!walk.arrived) drop_silent_end(walk.hops);
  return walk;
}

}  // namespace sextant::trace
