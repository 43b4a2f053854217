#include "bgp/exports.h"

#include <algorithm>
#include <memory>

namespace sextant::bgp {
namespace {

constexpr int kBlocksATurn = 16;  // of a peer's family, up to 64 KiB each

std::size_t count_messages(std::span<const std::uint8_t> bytes) {
  std::size_t count = 0;
  while (bytes.size() >= kHeaderSize) {
    const auto length = static_cast<std::size_t>(bytes[16]) << 8U | bytes[17];
    bytes = bytes.subspan(std::min(std::max(length, kHeaderSize), bytes.size()));
    ++count;
  }
  return count;
}

}  // namespace

ExportRules rules_for(const Peer& peer, Family family) {
  const auto& negotiated = peer.negotiated();
  const auto& config = peer.config();
  ExportRules rules;
  rules.family = family;
  rules.internal = negotiated.internal;
  rules.reflect_client = config.route_reflector_client && negotiated.internal;
  rules.self = peer.next_hop_self(family);
  rules.extended_next_hop = negotiated.has_extended_next_hop(family);
  rules.four_octet_as = negotiated.four_octet_as;
  rules.message_limit = negotiated.send_limit;
  const auto found = std::ranges::find(config.families, family, &PeerFamily::family);
  rules.next_hop_self = found != config.families.end() && found->next_hop_self;
  // The next hop of others says where a route was made; nothing is forwarded through us.
  rules.keep_next_hop =
      family.safi != Safi::kUnicast || (found != config.families.end() && found->keep_next_hop);
  if (config.export_filter != RouteFilter{}) {
    rules.filter = std::make_shared<const RouteFilter>(config.export_filter);
  }
  return rules;
}

void Exports::join(Peer& peer, PeerId id) {
  auto& client = clients_[&peer];
  client = {.peer = &peer, .id = id};
  for (const auto family : peer.negotiated().families) {
    client.told[family] = false;
    exporter_.add(id, rules_for(peer, family));
  }
}

void Exports::leave(const Peer& peer) {
  const auto found = clients_.find(&peer);
  if (found == clients_.end()) return;
  for (const auto& [family, told] : found->second.told) exporter_.remove(found->second.id, family);
  clients_.erase(found);
}

void Exports::change(Peer& peer) {
  const auto found = clients_.find(&peer);
  if (found == clients_.end()) return;
  for (const auto& [family, told] : found->second.told) {
    exporter_.change(found->second.id, rules_for(peer, family));
  }
}

void Exports::refresh(Peer& peer, Family family) {
  const auto found = clients_.find(&peer);
  if (found == clients_.end() || !found->second.told.contains(family)) return;
  exporter_.refresh(found->second.id, family, peer.negotiated().enhanced_route_refresh);
}

bool Exports::send() {
  bool more = false;
  for (auto& [peer, client] : clients_) {
    for (const auto& [family, told] : client.told) more = send(client, family) || more;
  }
  return more;
}

bool Exports::send(Client& client, Family family) {
  auto& session = client.peer->session();
  for (int blocks = 0; blocks < kBlocksATurn && session.has_room(); ++blocks) {
    if (!exporter_.pending(client.id, family)) {
      client.told[family] = true;
      return false;
    }
    if (auto bytes = exporter_.next(client.id, family)) {
      const auto messages = count_messages(*bytes);
      session.send(std::move(bytes), messages);
    }
  }
  return session.has_room();  // else the session says when there is room again
}

bool Exports::end_of_rib_sent(const Peer& peer, Family family) const {
  const auto found = clients_.find(&peer);
  if (found == clients_.end()) return false;
  const auto told = found->second.told.find(family);
  return told != found->second.told.end() && told->second;
}

bool Exports::idle() const {
  return std::ranges::none_of(clients_, [&](const auto& each) {
    return std::ranges::any_of(each.second.told, [&](const auto& told) {
      return exporter_.pending(each.second.id, told.first);
    });
  });
}

}  // namespace sextant::bgp
