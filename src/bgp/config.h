// What a speaker and its peers are configured with. Plain values; validate() says what does not
// fit.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "bgp/rib/route_filter.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/family.h"

namespace sextant::bgp {

inline constexpr std::uint16_t kBgpPort = 179;

struct ListenConfig {
  IpAddress address;  // unspecified: every one of its family
  std::uint16_t port = kBgpPort;
  std::string device = {};  // empty: any
  friend bool operator==(const ListenConfig&, const ListenConfig&) = default;
};

/// RFC 4486 section 4, subcode 1.
struct MaxPrefixes {
  std::uint32_t limit = 0;  // 0: no limit
  std::uint8_t warn_percent = 80;
  /// The session comes back after this; 0: only when an operator starts it.
  std::chrono::seconds restart{0};
  friend bool operator==(const MaxPrefixes&, const MaxPrefixes&) = default;
};

struct PeerFamily {
  Family family;
  MaxPrefixes max_prefixes = {};
  bool extended_next_hop = false;  // RFC 8950: routes of IPv4 families may have IPv6 next hops
  bool next_hop_self = false;
  bool keep_next_hop = false;  // of others' routes, also towards external peers
  /// Nothing that the peer tells of the family is kept: this side only tells.
  bool ignore_received = false;
  friend bool operator==(const PeerFamily&, const PeerFamily&) = default;
};

struct GracefulRestartConfig {
  bool enabled = true;
  /// Announced: how long the peer may wait for this side to come back. At most 4095 s.
  std::chrono::seconds restart_time{120};
  /// The longest that routes of a peer are kept as stale, whatever it announced: until its session
  /// is back, and once more until its End-of-RIB.
  std::chrono::seconds stale_time{360};
  friend bool operator==(const GracefulRestartConfig&, const GracefulRestartConfig&) = default;
};

enum class ConnectMode : std::uint8_t {
  kBoth,
  kActive,   // never takes the peer's connections
  kPassive,  // never connects
};

struct PeerConfig {
  /// A host prefix is one peer. Any other is a dynamic neighbour: whoever connects from it (implies
  /// kPassive).
  IpPrefix address;
  std::string description = {};
  bool enabled = true;  // false: administratively down; `shutdown_text` says why
  std::string shutdown_text = {};

  std::uint32_t remote_as = 0;  // 0: any other than ours (external)
  ConnectMode mode = ConnectMode::kBoth;
  std::uint16_t port = kBgpPort;                // of the peer, to connect to
  std::optional<IpAddress> local_address = {};  // to connect from
  std::string device = {};        // to connect through; needed for link-local addresses
  std::string md5_password = {};  // RFC 2385; at most 80 bytes
  std::optional<std::uint8_t> gtsm_hops =
      {};                                // RFC 5082: how far away the peer may be; 1: on the link
  std::optional<std::uint8_t> ttl = {};  // default: 1 for external peers, else the system's

  /// This speaker as a next hop, towards the peer; absent: this end of the connection.
  std::optional<Ipv4Address> next_hop_ipv4 = {};
  std::optional<Ipv6Address> next_hop_ipv6 = {};

  std::chrono::seconds hold_time{90};      // 0: no keepalives
  std::chrono::seconds connect_retry{30};  // how long a connection may take to be made
  /// After a fault, or a connection that the peer refused: see back_off().
  std::chrono::milliseconds idle_hold{1000};

  std::vector<PeerFamily> families = {};
  GracefulRestartConfig graceful_restart = {};
  bool extended_messages = true;
  bool route_reflector_client = false;  // RFC 4456; internal peers
  bool enforce_first_as = true;         // false behind a route server; external peers
  SrPolicyDialect dialect = SrPolicyDialect::kStandard;
  RouteFilter import_filter = {};
  RouteFilter export_filter = {};
  std::uint32_t max_dynamic = 100;  // peers at once, of a dynamic neighbour

  /// How long to wait after so many faults in a row: `idle_hold`, doubled with each one up to
  /// `connect_retry`.
  [[nodiscard]] std::chrono::milliseconds back_off(std::uint32_t faults) const;
  [[nodiscard]] bool is_dynamic() const { return !address.is_host(); }
  /// Whether a session with one of the two may go on under the other.
  [[nodiscard]] bool same_session(const PeerConfig& other) const;
  friend bool operator==(const PeerConfig&, const PeerConfig&) = default;
};

struct SpeakerConfig {
  std::uint32_t asn = 0;
  Ipv4Address router_id;
  std::optional<Ipv4Address> cluster_id = {};  // RFC 4456; default: the router identifier
  std::vector<ListenConfig> listen = {};       // none: active only
  std::vector<PeerConfig> peers = {};
  /// The forwarding state of an earlier process is still in place (RFC 4724 section 4.1): peers are
  /// told so, and nothing is announced nor told to the listener before all of them sent their
  /// End-of-RIB or `restart_deferral` ended.
  bool restarting = false;
  std::chrono::seconds restart_deferral{60};
  /// Of these, how long for peers that restart themselves: they may wait for this side.
  std::chrono::milliseconds restart_patience{5000};
  /// Packets do not pass through this speaker: its restarts never touch forwarding, and peers are
  /// told so at each session (the F bits of RFC 4724), also long after the start.
  bool forwards_nothing = false;
  /// Bytes that wait for a slow peer; more is made only when these are gone.
  std::size_t send_queue = 1U << 20;
};

/// Error::object names the peer.
[[nodiscard]] Result<void> validate(const PeerConfig& peer);
[[nodiscard]] Result<void> validate(const SpeakerConfig& speaker);

}  // namespace sextant::bgp
