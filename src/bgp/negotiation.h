// What two OPENs agree on. RFC 4271 section 4.2 and 6.2, RFC 5492, and the RFC of each capability.
// Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "bgp/config.h"
#include "bgp/wire/open.h"

namespace sextant::bgp {

struct Negotiated {
  std::uint32_t local_as = 0;
  std::uint32_t remote_as = 0;
  Ipv4Address remote_id;
  bool internal = false;
  std::chrono::seconds hold_time{0};  // the smaller one; 0: none
  std::vector<Family> families = {};  // those that both announced
  bool four_octet_as = false;
  bool route_refresh = false;
  bool enhanced_route_refresh = false;
  std::size_t send_limit = 4096;               // RFC 8654: what the peer takes
  std::size_t receive_limit = 4096;            // what we said that we take
  std::vector<Family> extended_next_hop = {};  // families of IPv4 whose next hop may be IPv6
  std::optional<GracefulRestart> graceful_restart = {};  // the peer's, where both speak it
  [[nodiscard]] bool has(Family family) const;
  [[nodiscard]] bool has_extended_next_hop(Family family) const;
  /// The peer restarts gracefully for the family: its End-of-RIB comes (RFC 4724 section 2).
  [[nodiscard]] bool restarts(Family family) const;
};

/// What an OPEN says of restarts (RFC 4724 section 3).
struct RestartState {
  bool restarting = false;  // R bit: an earlier process' heir, that has yet to hear all peers
  /// F bits: packets are forwarded as before. So they are too where only the session was lost.
  bool forwarding_preserved = false;
};
[[nodiscard]] Open make_open(const SpeakerConfig& speaker, const PeerConfig& peer,
                             RestartState state);

/// The error is the NOTIFICATION to send: another AS than expected, our own identifier, no family
/// in common.
[[nodiscard]] tl::expected<Negotiated, Notification> negotiate(const Open& ours, const Open& theirs,
                                                               const PeerConfig& peer);

/// RFC 4271 section 6.8 and RFC 6286 section 2.3: whether the connection that this side initiated
/// is the one to keep.
[[nodiscard]] bool keeps_own_connection(const Open& ours, const Open& theirs);

}  // namespace sextant::bgp
