// What a peer's sessions do to the routing tables, as far as sessions know of them. Private to this
// room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "bgp/negotiation.h"
#include "bgp/wire/update.h"

namespace sextant::bgp {

class Peer;

class PeerRoutes {
 public:
  /// Established: routes may be taken and announced.
  virtual void session_up(Peer& peer, const Negotiated& negotiated) = 0;
  /// What is worse than treat-as-withdraw is the caller's to act on.
  [[nodiscard]] virtual Judgement update(Peer& peer, const UpdateView& view) = 0;
  /// The routes of the family are kept, but as stale.
  virtual void mark_stale(Peer& peer, Family family) = 0;
  /// Those that are still stale go.
  virtual void sweep_stale(Peer& peer, Family family) = 0;
  virtual void drop(Peer& peer, Family family) = 0;
  /// Announce the family again, all of it.
  virtual void refresh(Peer& peer, Family family) = 0;
  /// No longer Established; nothing is to be announced.
  virtual void session_down(Peer& peer) = 0;
  /// RFC 4724 section 4.1: the peer has told all that it has to tell of the family.
  virtual void end_of_rib(Peer& peer, Family family) = 0;
  /// The connection takes more.
  virtual void room(Peer& peer) = 0;
  [[nodiscard]] virtual std::size_t received(const Peer& peer, Family family) const = 0;
  [[nodiscard]] virtual bool end_of_rib_sent(const Peer& peer, Family family) const = 0;
  /// State or what else an operator sees changed.
  virtual void changed(Peer& peer) = 0;
  /// A dynamic neighbour has neither connection nor routes left.
  virtual void gone(Peer& peer) = 0;

 protected:
  ~PeerRoutes() = default;
};

}  // namespace sextant::bgp
