// Who is told what: the export groups, and the way of peers between them.
//
// Flow: a peer that comes up is added for a family and asks next() for messages whenever it can
// write. One that joins later, asks for a refresh or reads too slowly is told by a group of its
// own, until both have said all there is: then it moves over. So memory has a bound whatever a slow
// peer does: a group's log, and one bit and two bytes a destination.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "bgp/rib/export_group.h"

namespace sextant::bgp {

class Exporter {
 public:
  struct Limits {
    std::size_t batch = 32768;        // destinations encoded at once
    std::size_t backlog = 8U << 20U;  // bytes of a log before the slowest clients leave it
  };
  /// The RIB must outlive it.
  explicit Exporter(Rib& rib) : Exporter(rib, Limits{}) {}
  Exporter(Rib& rib, Limits limits) : rib_(rib), limits_(limits) {}

  /// All that the rules allow is told, then End-of-RIB (RFC 4724 section 2).
  void add(PeerId peer, const ExportRules& rules);
  void remove(PeerId peer, Family family);
  /// New rules for a peer that was added: it is told what differs, and the rest again.
  void change(PeerId peer, const ExportRules& rules);
  /// RFC 2918; `enhanced`: between the marks of RFC 7313.
  void refresh(PeerId peer, Family family, bool enhanced);

  /// Whether next() may have something, now or when called again.
  [[nodiscard]] bool pending(PeerId peer, Family family) const;
  /// Whole messages to send; null where there is nothing, or where a batch told this peer nothing
  /// (pending says so). Encodes at most one batch.
  [[nodiscard]] MessageBytes next(PeerId peer, Family family);

  [[nodiscard]] std::size_t groups() const { return groups_.size(); }
  /// Of all groups since the start: what encoding once for many saves.
  [[nodiscard]] std::uint64_t bytes_encoded() const;

 private:
  using Name = std::pair<PeerId, Family>;
  using Groups = std::vector<std::unique_ptr<ExportGroup>>;  // oldest first

  [[nodiscard]] ExportGroup* group_of(PeerId peer, Family family) const;
  ExportGroup& add_group(std::unique_ptr<ExportGroup> group);
  /// The peers (all of one group and position) get a group of their own.
  ExportGroup& detach(const std::vector<PeerId>& peers, ExportGroup& from);
  void join_others(PeerId peer, ExportGroup& own);
  void drop_if_empty(ExportGroup& group);

  Rib& rib_;
  Limits limits_;
  Groups groups_;
  std::map<Name, ExportGroup*> by_peer_;
  std::uint64_t encoded_by_closed_ = 0;
};

}  // namespace sextant::bgp
