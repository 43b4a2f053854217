// A BGP speaker for hosts, to be embedded: sessions with peers, the routes they send, the best of
// them, and what is announced in turn.
//
//   peers -> Session -> Rib -> SpeakerListener (who programs routes)
//                         \-> export groups -> peers
//   announce(), withdraw() -> Rib
//
// One thread: everything happens on the io_context's loop, in slices, so that a table of a million
// routes does not silence the rest of the program. The listener is called from that loop, never
// from within a call of its own. Standards: see fsm.h, negotiation.h, rib.h. The speaker forwards
// nothing and needs no privilege but for port 179, MD5 keys and device names.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "bgp/config.h"
#include "bgp/peer_info.h"
#include "bgp/rib/export_rules.h"
#include "bgp/rib/rib.h"
#include "bgp/wire/link_state.h"

namespace boost::asio {
class io_context;
}

namespace sextant::bgp {

/// A destination, and what holds for it now. Valid during the call.
struct RouteChange {
  RouteKey key;
  std::span<const Path> paths;  // none: it is gone
  bool has_best = false;        // paths.front() is the best one
};

class SpeakerListener {
 public:
  virtual ~SpeakerListener() = default;
  /// Destinations whose best path changed; of SR Policies those of which any path did, since each
  /// is a candidate path.
  virtual void on_routes(Family /*family*/, std::span<const RouteChange> /*changes*/) {}
  /// Routes that were not taken came or went: Rib::rejected.
  virtual void on_rejected() {}
  /// A session came up or went down, or did not come up.
  virtual void on_peer(const PeerInfo& /*peer*/) {}
  /// The routes from before a restart were told again, or the time for it passed: what was not is
  /// gone. Also without SpeakerConfig::restarting, once, at the start.
  virtual void on_converged() {}
};

class Speaker {
 public:
  /// `listener` may be null and must live as long as the speaker. `resolver`: see NextHops.
  Speaker(boost::asio::io_context& io, SpeakerConfig config, SpeakerListener* listener = nullptr,
          NextHops::Resolver resolver = {});
  /// Closes what stop() has not closed, without a word to the peers: they keep the routes as stale
  /// (RFC 4724).
  ~Speaker();
  Speaker(const Speaker&) = delete;
  Speaker& operator=(const Speaker&) = delete;

  /// Listens and connects. Error: a configuration that does not fit, an address that cannot be had.
  [[nodiscard]] Result<void> start();
  /// Another place where sessions are taken, besides those of the configuration. Error: it cannot
  /// be had, now. Before start(), so that of two that start at once neither is refused by both.
  [[nodiscard]] Result<void> listen(const ListenConfig& place);
  /// Ends all sessions, with the text for the peers' operators (RFC 9003). Their messages are on
  /// the way when it returns; the loop has to run for them to leave.
  void stop(const std::string& text);

  // ---- Peers, by the prefix that they are configured with
  // ------------------------------------------
  [[nodiscard]] Result<void> add_peer(PeerConfig peer);
  /// Its session goes on where the change allows.
  [[nodiscard]] Result<void> change_peer(PeerConfig peer);
  [[nodiscard]] Result<void> remove_peer(const IpPrefix& peer);
  /// Adds, changes and removes, so that these are the peers. Nothing is done where one of them does
  /// not fit.
  [[nodiscard]] Result<void> set_peers(std::vector<PeerConfig> peers);
  /// Ends the session with `text`; it comes back by itself. One that waits in Idle (also for good,
  /// after too many prefixes) starts now.
  [[nodiscard]] Result<void> reset_peer(const IpAddress& peer, const std::string& text);
  /// Asks for all routes again (RFC 2918).
  [[nodiscard]] Result<void> refresh_peer(const IpAddress& peer);

  // ---- Routes of this speaker
  // ----------------------------------------------------------------------
  /// Replaces what was announced for the key. `label`: of VPN routes.
  void announce(Family family, const RouteKey& key, const Attributes& attributes,
                const NextHop& next_hop, std::uint32_t label = 0);
  void withdraw(Family family, const RouteKey& key);
  void announce(const LinkStateNlri& nlri, const Attributes& attributes, const NextHop& next_hop);
  void withdraw(const LinkStateNlri& nlri);
  /// The underlay's routes changed: next hops are resolved again.
  void next_hops_changed();

  // ---- What there is
  // -------------------------------------------------------------------------------
  [[nodiscard]] const SpeakerConfig& config() const;
  /// Where it listens: "[::]:179". The port is the kernel's choice where 0 was configured.
  [[nodiscard]] std::vector<std::string> listening() const;
  [[nodiscard]] std::vector<PeerInfo> peers() const;
  [[nodiscard]] std::optional<PeerInfo> peer(const IpAddress& address) const;
  /// The address of the peer that a path came from; none: this speaker.
  [[nodiscard]] std::optional<IpAddress> address_of(PeerId peer) const;
  [[nodiscard]] std::optional<PeerId> id_of(const IpAddress& address) const;
  [[nodiscard]] bool converged() const;
  /// Configured peers whose routes are waited for before converged().
  [[nodiscard]] std::vector<IpAddress> waited_for() const;
  /// What a peer is told by, for kept_back(); none: its session does not have the family now.
  [[nodiscard]] std::optional<ExportRules> export_rules(const IpAddress& peer, Family family) const;
  [[nodiscard]] const Rib& rib() const;
  /// Nothing waits to be worked on: no route to be chosen, told or sent.
  [[nodiscard]] bool idle() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sextant::bgp
