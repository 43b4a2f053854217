// What a captured packet means for a trace: a probe on its way, an answer to one, or an error about
// one. RFC 792, RFC 4443, RFC 8754 section 2.
//
// Packets come from the network: whatever they hold, they are read through checked cursors, and
// what has nothing to do with the trace is no sighting.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/ip.h"
#include "srv6/segment_list.h"
#include "trace/probe.h"

namespace sextant::trace {

/// The headers in front of an inner packet.
struct Encapsulation {
  Ipv6Address source, destination;
  std::uint8_t traffic_class = 0;
  std::uint32_t flow_label = 0;
  std::uint8_t hop_limit = 0;
  std::optional<srv6::Srh> srh;

  /// 0 without an SRH.
  [[nodiscard]] std::uint8_t segments_left() const { return srh ? srh->segments_left : 0; }
  /// As the headend made it, from a packet that has just left it: no segment is done yet.
  [[nodiscard]] Outer as_sent() const;
  /// The SIDs that the header names, in the order of the path. A reduced one lacks the first.
  [[nodiscard]] std::vector<srv6::Sid> named() const;
};

enum class SightingKind : std::uint8_t {
  kProbe,       // a packet of the flow itself
  kAnswer,      // from the flow's destination
  kInnerError,  // ICMP error about the inner packet: somebody has decapsulated it
  kOuterError,  // ICMP error about the outer packet: a router of the underlay
};

struct Sighting {
  SightingKind kind = SightingKind::kProbe;
  Token token;     // of the probe; for a TCP or UDP answer of an application it may be 0
  IpAddress from;  // who answers
  std::uint8_t type = 0, code = 0;             // of an ICMP message
  std::optional<Encapsulation> encapsulation;  // of the packet; of kOuterError: what it quotes
};

/// `packet` begins with its IP header; `flow` is the one that is traced.
[[nodiscard]] std::optional<Sighting> read_sighting(std::span<const std::uint8_t> packet,
                                                    const Flow& flow);

/// The outer headers and, through `inner`, what follows them; none where it is no encapsulated IP
/// packet.
[[nodiscard]] std::optional<Encapsulation> read_encapsulation(std::span<const std::uint8_t> packet,
                                                              std::span<const std::uint8_t>& inner);

}  // namespace sextant::trace
