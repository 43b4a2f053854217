// For unit tests: a Channel into a line of routers that forward by SRH and answer as routers do.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "trace/channel.h"
#include "trace/sighting.h"
#include "trace/wire.h"

namespace sextant::trace::testing {

inline IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
inline Ipv6Address ip6(const char* text) { return Ipv6Address::parse(text).value(); }
inline srv6::Sid sid(const char* text) { return srv6::Sid::parse(text).value(); }

/// RFC 4443 section 3, or RFC 792, about `packet`.
inline Bytes icmp_error(const IpAddress& from, const IpAddress& to, std::uint8_t type,
                        std::uint8_t code, std::span<const std::uint8_t> packet,
                        std::size_t quoted = 1200) {
  const auto quote = packet.first(std::min(quoted, packet.size()));
  ByteWriter out;
  if (from.is_v4()) {
    out.u32(0x45000000U | static_cast<std::uint32_t>(28 + quote.size()));
    out.u32(0);
    out.u32(std::uint32_t{64} << 24 | std::uint32_t{wire::kIcmp} << 16);
    out.put(from.v4());
    out.put(to.v4());
  } else {
    out.u32(0x60000000U);
    out.u16(static_cast<std::uint16_t>(8 + quote.size()));
    out.u8(wire::kIcmpv6);
    out.u8(64);
    out.put(from.v6());
    out.put(to.v6());
  }
  out.u8(type);
  out.u8(code);
  out.u16(0);
  out.u32(0);
  out.put(quote);
  return out.release();
}

struct FakeRouter {
  const char* address;
  const char* end_sid = nullptr;
  bool silent = false;
  std::optional<std::uint8_t> unreachable = {};  // answers every packet with this code
  bool checks_hop_limit_first = false;           // RFC 8986 section 4.1; Linux does it last
};

/// The headend's data plane wraps what send_inner() gets by `choose`.
class FakeNetwork : public Channel {
 public:
  std::vector<FakeRouter> routers;
  std::vector<FakeRouter> routers_back;          // from the far node home
  const char* far_end = nullptr;                 // End SID of the far node
  const char* node = "10.2.0.1";                 // decapsulates; answers for dead inner packets
  bool node_answers = true, pod_answers = true;  // the pod: echoes
  std::function<std::optional<Outer>(const Flow&)> choose;
  std::function<bool(std::uint32_t)> broken_labels;  // by the hash of an equal way
  std::optional<Encapsulation> back;                 // how answers come
  Flow flow;
  std::vector<Bytes> sent_inner, sent_outer;

  Result<void> send_inner(std::span<const std::uint8_t> packet) override {
    sent_inner.emplace_back(packet.begin(), packet.end());
    const auto outer = choose ? choose(flow) : std::nullopt;
    if (!outer) return {};
    const auto wrapped = encapsulate(*outer, flow.source.family(), packet).value();
    deliver(wrapped, true);
    travel(wrapped);
    return {};
  }
  Result<void> send_outer(std::span<const std::uint8_t> packet, Device) override {
    sent_outer.emplace_back(packet.begin(), packet.end());
    deliver({packet.begin(), packet.end()}, true);
    travel({packet.begin(), packet.end()});
    return {};
  }
  /// What has not come is not awaited.
  Result<std::optional<Capture>> receive(Clock::time_point) override {
    if (arrived_.empty()) return std::optional<Capture>{};
    auto capture = std::move(arrived_.front());
    arrived_.pop_front();
    return std::optional(std::move(capture));
  }

 private:
  void deliver(Bytes packet, bool outgoing) {
    arrived_.push_back(
        {.at = Clock::now(), .outgoing = outgoing, .device = {7}, .packet = std::move(packet)});
  }

  // Offsets of an outer packet.
  static constexpr std::size_t kHopLimit = 7, kDestination = 24, kLeft = 43, kSegments = 48;

  static Ipv6Address destination(const Bytes& packet) {
    return ByteReader(std::span(packet).subspan(kDestination)).ipv6();
  }
  /// End: the next segment becomes the destination.
  static void do_segment(Bytes& packet) {
    const auto left = --packet[kLeft];
    std::copy_n(packet.begin() + kSegments + 16 * left, 16, packet.begin() + kDestination);
  }
  static bool is_sid(const Bytes& packet, const char* end) {
    return end != nullptr && packet[6] == wire::kRouting && packet[kLeft] > 0 &&
           destination(packet) == ip6(end);
  }

  /// Whether the packet gets through the routers.
  bool pass(Bytes& packet, const std::vector<FakeRouter>& line) {
    const auto source = ByteReader(std::span(packet).subspan(8)).ipv6();
    for (const auto& router : line) {
      const auto answer = [&](std::uint8_t type, std::uint8_t code) {
        if (!router.silent)
          deliver(icmp_error(ip6(router.address), source, type, code, packet), false);
        return false;
      };
      if (router.checks_hop_limit_first && packet[kHopLimit] <= 1)
        return answer(wire::kTimeExceeded6, 0);
      if (is_sid(packet, router.end_sid)) do_segment(packet);
      if (packet[kHopLimit] <= 1) return answer(wire::kTimeExceeded6, 0);
      --packet[kHopLimit];
      if (router.unreachable) return answer(wire::kUnreachable6, *router.unreachable);
    }
    return true;
  }

  void travel(Bytes packet) {
    const auto label = ByteReader(packet).u32() & 0xfffff;
    if (broken_labels && broken_labels(label)) return;
    if (!pass(packet, routers)) return;
    if (is_sid(packet, far_end)) {
      do_segment(packet);
      if (pass(packet, routers_back)) deliver(std::move(packet), false);  // it is home
      return;
    }
    std::span<const std::uint8_t> inner;
    if (!read_encapsulation(packet, inner)) return;
    const Bytes whole(inner.begin(), inner.end());
    const bool dead = whole[flow.source.is_v4() ? 8 : 7] <= 1;
    if (dead && !node_answers) return;
    const bool v4 = flow.source.is_v4();
    const bool echo = whole[v4 ? 9 : 6] == (v4 ? wire::kIcmp : wire::kIcmpv6);
    if (!dead && (!pod_answers || !echo)) return;
    Flow as = flow;
    if (echo) as.protocol = Protocol::kIcmp;
    const auto seen = read_sighting(whole, as);
    auto reply = dead ? icmp_error(ip(node), flow.source,
                                   v4 ? wire::kTimeExceeded : wire::kTimeExceeded6, 0, whole)
                      : make_inner_reply(flow, seen->token, 64);
    if (back) reply = encapsulate(back->as_sent(), flow.source.family(), reply).value();
    deliver(std::move(reply), false);
  }

  std::deque<Capture> arrived_;
};

}  // namespace sextant::trace::testing
