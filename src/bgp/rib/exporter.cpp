#include "bgp/rib/exporter.h"

#include <algorithm>

#include "bgp/wire/route_refresh.h"

namespace sextant::bgp {

ExportGroup* Exporter::group_of(PeerId peer, Family family) const {
  const auto found = by_peer_.find({peer, family});
  return found == by_peer_.end() ? nullptr : found->second;
}

ExportGroup& Exporter::add_group(std::unique_ptr<ExportGroup> group) {
  return *groups_.emplace_back(std::move(group));
}

void Exporter::drop_if_empty(ExportGroup& group) {
  if (!group.empty()) return;
  encoded_by_closed_ += group.bytes_encoded();
  std::erase_if(groups_, [&](const auto& one) { return one.get() == &group; });
}

std::uint64_t Exporter::bytes_encoded() const {
  auto bytes = encoded_by_closed_;
  for (const auto& group : groups_) bytes += group->bytes_encoded();
  return bytes;
}

void Exporter::add(PeerId peer, const ExportRules& rules) {
  remove(peer, rules.family);
  const auto waiting = std::ranges::find_if(
      groups_, [&](const auto& group) { return group->untouched() && group->rules() == rules; });
  ExportGroup* group = nullptr;
  if (waiting != groups_.end()) {
    group = waiting->get();
  } else {
    group = &add_group(std::make_unique<ExportGroup>(rib_, rules));
    group->walk({.end = encode_end_of_rib(rules.family)});
  }
  group->add_client(peer, group->end());
  by_peer_[{peer, rules.family}] = group;
}

void Exporter::remove(PeerId peer, Family family) {
  auto* group = group_of(peer, family);
  if (group == nullptr) return;
  by_peer_.erase({peer, family});
  group->remove_client(peer);
  drop_if_empty(*group);
}

ExportGroup& Exporter::detach(const std::vector<PeerId>& peers, ExportGroup& from) {
  const auto position = from.position(peers.front());
  auto& own = add_group(std::make_unique<ExportGroup>(from, position));
  for (const auto peer : peers) {
    from.remove_client(peer);
    own.add_client(peer, position);
    by_peer_[{peer, own.rules().family}] = &own;
  }
  drop_if_empty(from);
  return own;
}

void Exporter::change(PeerId peer, const ExportRules& rules) {
  auto* group = group_of(peer, rules.family);
  if (group == nullptr) return add(peer, rules);
  if (group->rules() == rules) return;
  auto& own = detach({peer}, *group);
  own.set_rules(rules);
  own.walk({});
}

void Exporter::refresh(PeerId peer, Family family, bool enhanced) {
  auto* group = group_of(peer, family);
  if (group == nullptr) return;
  auto& own = detach({peer}, *group);
  if (enhanced) {
    own.walk({.begin = encode(RouteRefresh{.family = family, .kind = RefreshKind::kBegin}),
              .end = encode(RouteRefresh{.family = family, .kind = RefreshKind::kEnd})});
  } else {
    own.walk({});
  }
}

void Exporter::join_others(PeerId peer, ExportGroup& own) {
  // An older one, so that they gather in the oldest and never change places.
  for (const auto& group : groups_) {
    if (group.get() == &own) return;
    if (!group->in_step() || !(group->rules() == own.rules())) continue;
    own.remove_client(peer);
    group->add_client(peer, group->end());
    by_peer_[{peer, own.rules().family}] = group.get();
    return drop_if_empty(own);
  }
}

bool Exporter::pending(PeerId peer, Family family) const {
  const auto* group = group_of(peer, family);
  return group != nullptr && (group->position(peer) < group->end() || !group->in_step());
}

MessageBytes Exporter::next(PeerId peer, Family family) {
  auto* group = group_of(peer, family);
  if (group == nullptr) return nullptr;
  if (auto bytes = group->read(peer)) return bytes;
  if (!group->in_step()) {
    while (group->backlog() > limits_.backlog) detach(group->slowest(), *group);
    group->encode(limits_.batch);
    if (auto bytes = group->read(peer)) return bytes;
  }
  if (group->in_step()) join_others(peer, *group);
  return nullptr;
}

}  // namespace sextant::bgp
