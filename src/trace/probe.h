// The packets that `sextant trace` sends: an inner packet of the traced flow, which its destination
// answers, and the outer header that a headend puts before it. RFC 2473, RFC 8754, RFC 8986.
//
// Every probe carries a token, in a place that decides no path (hashes see addresses, protocol and
// ports only) and that answers repeat.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "srv6/segment_list.h"

namespace sextant::trace {

enum class Protocol : std::uint8_t { kIcmp, kUdp, kTcp };

/// "icmp", "udp", "tcp"
[[nodiscard]] std::string_view to_string(Protocol protocol);

/// What forwarding sees of the traffic that is traced. Both addresses are of one family.
struct Flow {
  IpAddress source, destination;
  Protocol protocol = Protocol::kIcmp;
  std::uint16_t source_port = 0;  // ICMP has none
  std::uint16_t destination_port = 0;
  friend auto operator<=>(const Flow&, const Flow&) = default;
};

/// Tells probes apart: the high half is the same for all of one run (an echo's identifier).
struct Token {
  std::uint32_t value = 0;
  friend auto operator<=>(const Token&, const Token&) = default;
};

using Bytes = std::vector<std::uint8_t>;

/// An echo request, a UDP datagram or a TCP SYN of the flow.
[[nodiscard]] Bytes make_inner(const Flow& flow, Token token, std::uint8_t hop_limit);
/// An echo reply that goes the flow's way back. Nobody answers it.
[[nodiscard]] Bytes make_inner_reply(const Flow& flow, Token token, std::uint8_t hop_limit);

/// An outer header, as a headend writes it.
struct Outer {
  Ipv6Address source;
  std::vector<srv6::Sid> visits;  // in the order of the path
  srv6::EncapMode mode = srv6::EncapMode::kEncaps;
  /// Whether a single SID stands in an SRH too (never with kEncapsReduced).
  bool srh_for_one = false;
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;
  std::uint8_t hop_limit = 64;
  friend bool operator==(const Outer&, const Outer&) = default;
};

/// Errors: no SIDs, or more than an SRH holds.
[[nodiscard]] Result<Bytes> encapsulate(const Outer& outer, Family inner_family,
                                        std::span<const std::uint8_t> inner);

/// RFC 1071, of the bytes and of what was summed before.
[[nodiscard]] std::uint16_t internet_checksum(std::span<const std::uint8_t> bytes,
                                              std::uint32_t sum = 0);

}  // namespace sextant::trace
