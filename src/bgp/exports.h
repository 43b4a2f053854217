// From the exporter (rib/exporter.h) to the sessions: who is told, and how much a turn. Private to
// this room.
#pragma once

#include <map>

#include "bgp/peer.h"
#include "bgp/rib/exporter.h"

namespace sextant::bgp {

/// Precondition: the peer's session is established and has the family.
[[nodiscard]] ExportRules rules_for(const Peer& peer, Family family);

class Exports {
 public:
  explicit Exports(Rib& rib) : exporter_(rib) {}

  /// Established: everything is announced, then End-of-RIB.
  void join(Peer& peer, PeerId id);
  void leave(const Peer& peer);
  /// Its rules changed: it is told what differs.
  void change(Peer& peer);
  /// All of the family again (RFC 2918, with the marks of RFC 7313 where they were agreed on).
  void refresh(Peer& peer, Family family);
  /// Queues messages, in bounded amounts, for the peers that have room. Whether there is more to do
  /// now.
  bool send();
  [[nodiscard]] bool end_of_rib_sent(const Peer& peer, Family family) const;
  /// All peers were told all there is.
  [[nodiscard]] bool idle() const;

 private:
  struct Client {
    Peer* peer = nullptr;
    PeerId id{};
    std::map<Family, bool> told = {};  // all there was, once
  };
  [[nodiscard]] bool send(Client& client, Family family);

  Exporter exporter_;
  std::map<const Peer*, Client> clients_;
};

}  // namespace sextant::bgp
