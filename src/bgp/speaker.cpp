#include "bgp/speaker.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/log.h"
#include "bgp/speaker_impl.h"
#include "bgp/tcp.h"

namespace sextant::bgp {
namespace {

tl::unexpected<Error> no_such_peer(const std::string& name) {
  return failure("find BGP peer", name, "there is none");
}

/// `scope`: of a link-local address, the device's index; 0 of others, which are the same
/// everywhere.
bool is_on_link(const std::string& device, std::uint32_t scope) {
  if (scope == 0) return true;
  const auto index = device_index(device);
  return index && *index == scope;
}

RibConfig rib_config(const SpeakerConfig& config, NextHops::Resolver resolver) {
  RibConfig rib;
  rib.local_as = config.asn;
  rib.router_id = config.router_id;
  rib.cluster_id = config.cluster_id;
  std::random_device random;
  rib.hash_seed = std::uint64_t{random()} << 32U | random();
  rib.resolver = std::move(resolver);
  return rib;
}

}  // namespace

// ---- Speaker
// -------------------------------------------------------------------------------------

Speaker::Speaker(boost::asio::io_context& io, SpeakerConfig config, SpeakerListener* listener,
                 NextHops::Resolver resolver)
    : impl_(std::make_unique<Impl>(io, std::move(config), listener, std::move(resolver))) {}
Speaker::~Speaker() = default;

Result<void> Speaker::start() { return impl_->start(); }
Result<void> Speaker::listen(const ListenConfig& place) { return impl_->listen(place); }
void Speaker::stop(const std::string& text) { impl_->stop(text); }
Result<void> Speaker::add_peer(PeerConfig peer) { return impl_->add_peer(std::move(peer)); }
Result<void> Speaker::change_peer(PeerConfig peer) { return impl_->change_peer(std::move(peer)); }
Result<void> Speaker::remove_peer(const IpPrefix& peer) { return impl_->remove_peer(peer); }
Result<void> Speaker::set_peers(std::vector<PeerConfig> peers) {
  return impl_->set_peers(std::move(peers));
}

Result<void> Speaker::reset_peer(const IpAddress& address, const std::string& text) {
  auto* peer = impl_->find(address);
  if (peer == nullptr) return no_such_peer(address.to_string());
  peer->reset(with_text(CeaseReason::kAdministrativeReset, text));
  return {};
}

Result<void> Speaker::refresh_peer(const IpAddress& address) {
  auto* peer = impl_->find(address);
  if (peer == nullptr) return no_such_peer(address.to_string());
  return peer->ask_again();
}

void Speaker::announce(Family family, const RouteKey& key, const Attributes& attributes,
                       const NextHop& next_hop, std::uint32_t label) {
  impl_->change_routes([impl = impl_.get(), family, key, attributes, next_hop, label] {
    impl->rib.announce(family, key, attributes, next_hop, label);
  });
}

void Speaker::withdraw(Family family, const RouteKey& key) {
  impl_->change_routes([impl = impl_.get(), family, key] { impl->rib.withdraw(family, key); });
}

void Speaker::announce(const LinkStateNlri& nlri, const Attributes& attributes,
                       const NextHop& next_hop) {
  impl_->change_routes([impl = impl_.get(), nlri, attributes, next_hop] {
    impl->rib.announce(kLinkState, impl->rib.link_state_key(nlri.bytes), attributes, next_hop);
  });
}

void Speaker::withdraw(const LinkStateNlri& nlri) {
  impl_->change_routes([impl = impl_.get(), nlri] {
    impl->rib.withdraw(kLinkState, impl->rib.link_state_key(nlri.bytes));
  });
}

void Speaker::next_hops_changed() {
  impl_->change_routes([impl = impl_.get()] { impl->rib.next_hops_changed(); });
}

const SpeakerConfig& Speaker::config() const { return impl_->config; }

std::vector<std::string> Speaker::listening() const {
  std::vector<std::string> result;
  for (const auto& endpoint : impl_->sockets.endpoints()) {
    result.push_back(text_of(endpoint));
  }
  return result;
}

std::vector<PeerInfo> Speaker::peers() const { return impl_->peers(); }

std::optional<PeerInfo> Speaker::peer(const IpAddress& address) const {
  const auto* peer = impl_->find(address);
  if (peer == nullptr) return {};
  return peer->info();
}

std::optional<IpAddress> Speaker::address_of(PeerId peer) const { return impl_->address_of(peer); }
std::optional<PeerId> Speaker::id_of(const IpAddress& address) const {
  return impl_->id_of(address);
}
bool Speaker::converged() const { return impl_->converged; }
std::vector<IpAddress> Speaker::waited_for() const { return impl_->waited_for(); }

std::optional<ExportRules> Speaker::export_rules(const IpAddress& peer, Family family) const {
  const auto* found = impl_->find(peer);
  if (found == nullptr || !found->established() || !found->negotiated().has(family)) return {};
  return rules_for(*found, family);
}

const Rib& Speaker::rib() const { return impl_->rib; }
bool Speaker::idle() const { return impl_->idle(); }

// ---- Start, stop, connections
// --------------------------------------------------------------------

Speaker::Impl::Impl(boost::asio::io_context& io, SpeakerConfig speaker, SpeakerListener* listener,
                    NextHops::Resolver resolver)
    : config(std::move(speaker)),
      rib(rib_config(config, std::move(resolver))),
      sockets(io, [this](boost::asio::ip::tcp::socket socket, const IpAddress& remote,
                         std::uint32_t scope) { accept(std::move(socket), remote, scope); }),
      loop_{.io = io, .send_queue = config.send_queue, .restarted = config.restarting},
      listener_(listener),
      exports_(rib),
      deferral_(io),
      patience_(io) {
  if (listener_ == nullptr) return;
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    const bool policies = kFamilies[i].safi == Safi::kSrPolicy;
    queues_[i] = rib.open_queue(
        kFamilies[i], policies ? ChangeQueue::Interest::kAllPaths : ChangeQueue::Interest::kBest);
  }
}

Speaker::Impl::~Impl() {
  *alive_ = false;
  sockets.close();
}

Result<void> Speaker::Impl::start() {
  if (auto valid = validate(config); !valid) return valid;
  for (const auto& listen : config.listen) {
    if (auto listening = sockets.listen(listen); !listening) return listening;
  }
  started_ = true;
  const auto peers = std::exchange(config.peers, {});
  for (const auto& peer : peers) {
    if (auto added = add_peer(peer); !added) return added;
  }
  deferral_.expires_after(config.restart_deferral);
  deferral_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (!error && *alive) check_converged(true);
  });
  patience_.expires_after(config.restart_patience);
  patience_.async_wait([this, alive = alive_](boost::system::error_code error) {
    if (error || !*alive) return;
    patient_ = false;
    check_converged(false);
  });
  check_converged(false);
  return {};
}

Result<void> Speaker::Impl::listen(const ListenConfig& place) {
  if (auto listening = sockets.listen(place); !listening) return listening;
  // The new socket needs them too.
  for (const auto& peer : config.peers) {
    if (peer.md5_password.empty()) continue;
    if (auto set = sockets.set_md5_key(peer.address, peer.md5_password); !set) return set;
  }
  return {};
}

void Speaker::Impl::stop(const std::string& text) {
  if (stopped_) return;
  stopped_ = true;
  deferral_.cancel();
  patience_.cancel();
  sockets.close();
  for (auto& [name, neighbour] : neighbours_) {
    neighbour.peer->stop(with_text(CeaseReason::kAdministrativeShutdown, text));
  }
}

void Speaker::Impl::accept(boost::asio::ip::tcp::socket socket, const IpAddress& remote,
                           std::uint32_t scope) {
  if (stopped_) return;
  for (auto& [name, neighbour] : neighbours_) {
    if (name.first != remote || !is_on_link(name.second, scope)) continue;
    neighbour.peer->accept(std::move(socket));
    return;
  }
  // A dynamic neighbour: of several prefixes the longest.
  const PeerConfig* found = nullptr;
  for (const auto& peer : config.peers) {
    if (!peer.is_dynamic() || !peer.enabled || !peer.address.contains(remote)) continue;
    if (!is_on_link(peer.device, scope)) continue;
    if (found == nullptr || peer.address.length() > found->address.length()) found = &peer;
  }
  if (found == nullptr) {
    log::debug("BGP connection from {} refused: no such peer", remote.to_string());
    return;
  }
  const auto same = std::ranges::count_if(neighbours_, [&](const auto& each) {
    return each.second.peer->config().address == found->address;
  });
  if (static_cast<std::uint32_t>(same) >= found->max_dynamic) {
    log::warn("BGP connection from {} refused: {} has {} peers already", remote.to_string(),
              found->address.to_string(), same);
    return;
  }
  auto& neighbour = add_neighbour(*found, remote, true);
  neighbour.peer->start();
  neighbour.peer->accept(std::move(socket));
}

// ---- Configuration
// -------------------------------------------------------------------------------

PeerConfig* Speaker::Impl::configured(const IpPrefix& prefix) {
  const auto found = std::ranges::find(config.peers, prefix, &PeerConfig::address);
  return found == config.peers.end() ? nullptr : &*found;
}

Result<void> Speaker::Impl::add_peer(PeerConfig peer) {
  if (auto valid = validate(peer); !valid) return valid;
  if (configured(peer.address) != nullptr) {
    return failure("add BGP peer", peer.address.to_string(), "there is one already");
  }
  if (started_ && !peer.md5_password.empty()) {
    if (auto set = sockets.set_md5_key(peer.address, peer.md5_password); !set) return set;
  }
  config.peers.push_back(peer);
  if (!started_ || peer.is_dynamic()) return {};
  add_neighbour(peer, peer.address.address(), false).peer->start();
  return {};
}

Result<void> Speaker::Impl::change_peer(PeerConfig peer) {
  if (auto valid = validate(peer); !valid) return valid;
  auto* old = configured(peer.address);
  if (old == nullptr) return no_such_peer(peer.address.to_string());
  if (*old == peer) return {};
  if (started_ && old->md5_password != peer.md5_password) {
    if (auto set = sockets.set_md5_key(peer.address, peer.md5_password); !set) return set;
  }
  const bool other_device = old->device != peer.device;
  *old = peer;
  if (!started_) return {};
  std::vector<Name> moved;
  for (auto& [name, neighbour] : neighbours_) {
    if (neighbour.peer->config().address != peer.address) continue;
    if (other_device) {
      moved.push_back(name);
    } else {
      apply_change(neighbour, peer);
    }
  }
  for (const auto& name : moved) {
    remove_neighbour(name, notification(CeaseReason::kOtherConfigurationChange));
    if (!peer.is_dynamic()) add_neighbour(peer, name.first, false).peer->start();
  }
  check_converged(false);  // it may be down now by its configuration, and not to be waited for
  return {};
}

void Speaker::Impl::apply_change(Neighbour& neighbour, const PeerConfig& peer) {
  auto& running = *neighbour.peer;
  const bool import_changed = running.config().import_filter != peer.import_filter;
  const bool export_changed = running.config().export_filter != peer.export_filter;
  running.reconfigure(peer);
  if (!running.established()) return;
  if (import_changed) {
    rib.set_peer(neighbour.id, rib_peer(running));
    if (auto asked = running.ask_again(); !asked) {
      log::warn("BGP peer {}: {}", running.name(), asked.error().message());
    }
  }
  if (export_changed) {
    exports_.change(running);
    wake();
  }
}

Result<void> Speaker::Impl::remove_peer(const IpPrefix& prefix) {
  const auto* peer = configured(prefix);
  if (peer == nullptr) return no_such_peer(prefix.to_string());
  if (started_ && !peer->md5_password.empty()) {
    if (auto set = sockets.set_md5_key(prefix, ""); !set) return set;
  }
  std::erase_if(config.peers, [&](const auto& each) { return each.address == prefix; });
  std::vector<Name> names;
  for (const auto& [name, neighbour] : neighbours_) {
    if (neighbour.peer->config().address == prefix) names.push_back(name);
  }
  for (const auto& name : names) {
    remove_neighbour(name, notification(CeaseReason::kPeerDeconfigured));
  }
  check_converged(false);
  return {};
}

Result<void> Speaker::Impl::set_peers(std::vector<PeerConfig> peers) {
  SpeakerConfig wanted = config;
  wanted.peers = peers;
  if (auto valid = validate(wanted); !valid) return valid;
  std::vector<IpPrefix> leaving;
  for (const auto& peer : config.peers) {
    if (std::ranges::find(peers, peer.address, &PeerConfig::address) == peers.end()) {
      leaving.push_back(peer.address);
    }
  }
  for (const auto& prefix : leaving) {
    if (auto removed = remove_peer(prefix); !removed) return removed;
  }
  for (auto& peer : peers) {
    auto done = configured(peer.address) != nullptr ? change_peer(std::move(peer))
                                                    : add_peer(std::move(peer));
    if (!done) return done;
  }
  return {};
}

Speaker::Impl::Neighbour& Speaker::Impl::add_neighbour(const PeerConfig& peer,
                                                       const IpAddress& address, bool dynamic) {
  const bool link_local = address.is_v6() && address.v6().is_link_local();
  const Name name(address, link_local ? peer.device : "");
  // One that came from a prefix and is now configured by its address.
  remove_neighbour(name, notification(CeaseReason::kOtherConfigurationChange));
  auto& neighbour = neighbours_[name];
  neighbour.peer = std::make_unique<Peer>(loop_, config, peer, address, dynamic,
                                          static_cast<PeerRoutes&>(*this));
  RibPeer facts;
  facts.address = address;
  neighbour.id = rib.add_peer(facts);
  by_peer_[neighbour.peer.get()] = &neighbour;
  return neighbour;
}

void Speaker::Impl::remove_neighbour(const Name& name, const Notification& reason) {
  const auto found = neighbours_.find(name);
  if (found == neighbours_.end()) return;
  auto& neighbour = found->second;
  neighbour.peer->stop(reason);
  rib.remove_peer(neighbour.id);
  by_peer_.erase(neighbour.peer.get());
  neighbours_.erase(found);
  wake();
}

// ---- What there is
// -------------------------------------------------------------------------------

Peer* Speaker::Impl::find(const IpAddress& address) {
  const auto found = neighbours_.lower_bound({address, {}});  // on whatever device
  return found != neighbours_.end() && found->first.first == address ? found->second.peer.get()
                                                                     : nullptr;
}

std::vector<PeerInfo> Speaker::Impl::peers() const {
  std::vector<PeerInfo> result;
  result.reserve(neighbours_.size());
  for (const auto& [name, neighbour] : neighbours_) result.push_back(neighbour.peer->info());
  return result;
}

std::optional<IpAddress> Speaker::Impl::address_of(PeerId id) const {
  for (const auto& [name, neighbour] : neighbours_) {
    if (neighbour.id == id) return name.first;
  }
  return {};
}

std::optional<PeerId> Speaker::Impl::id_of(const IpAddress& address) const {
  for (const auto& [name, neighbour] : neighbours_) {
    if (name.first == address) return neighbour.id;
  }
  return {};
}

}  // namespace sextant::bgp
