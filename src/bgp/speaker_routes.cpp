// A speaker's routes: from the sessions to the tables, and in turns from there to listener and
// peers.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/log.h"
#include "bgp/speaker_impl.h"

namespace sextant::bgp {
namespace {

// Destinations a turn: some milliseconds' work at most, then the loop serves others.
constexpr std::size_t kStepBudget = 8192;
constexpr std::size_t kTellBudget = 4096;

}  // namespace

// ---- From the sessions
// ---------------------------------------------------------------------------

Speaker::Impl::Neighbour& Speaker::Impl::neighbour_of(const Peer& peer) const {
  return *by_peer_.at(&peer);
}

RibPeer Speaker::Impl::rib_peer(const Peer& peer) const {
  const auto& negotiated = peer.negotiated();
  RibPeer facts;
  facts.asn = negotiated.remote_as;
  facts.router_id = negotiated.remote_id;
  facts.address = peer.address();
  facts.facts = {.four_octet_as = negotiated.four_octet_as,
                 .internal = negotiated.internal,
                 .dialect = peer.config().dialect};
  facts.reflect_client = peer.config().route_reflector_client;
  facts.enforce_first_as = peer.config().enforce_first_as;
  for (const auto& each : peer.config().families) {
    if (each.ignore_received) facts.ignored.push_back(each.family);
  }
  if (peer.config().import_filter != RouteFilter{}) {
    facts.import_filter = std::make_shared<const RouteFilter>(peer.config().import_filter);
  }
  return facts;
}

void Speaker::Impl::session_up(Peer& peer, const Negotiated& /*negotiated*/) {
  auto& neighbour = neighbour_of(peer);
  rib.set_peer(neighbour.id, rib_peer(peer));
  exports_.join(peer, neighbour.id);
  check_converged(false);
  wake();
}

void Speaker::Impl::session_down(Peer& peer) { exports_.leave(peer); }

Judgement Speaker::Impl::update(Peer& peer, const UpdateView& view) {
  auto received = rib.receive(neighbour_of(peer).id, view);
  wake();
  return std::move(received.judgement);
}

void Speaker::Impl::mark_stale(Peer& peer, Family family) {
  rib.mark_stale(neighbour_of(peer).id, family);
  wake();
}

void Speaker::Impl::sweep_stale(Peer& peer, Family family) {
  rib.sweep_stale(neighbour_of(peer).id, family);
  wake();
}

void Speaker::Impl::drop(Peer& peer, Family family) {
  rib.drop(neighbour_of(peer).id, family);
  wake();
}

void Speaker::Impl::refresh(Peer& peer, Family family) {
  exports_.refresh(peer, family);
  wake();
}

void Speaker::Impl::end_of_rib(Peer& /*peer*/, Family /*family*/) {
  check_converged(false);
  wake();
}

void Speaker::Impl::room(Peer& /*peer*/) { wake(); }

std::size_t Speaker::Impl::received(const Peer& peer, Family family) const {
  return rib.counts(neighbour_of(peer).id, family).held;
}

bool Speaker::Impl::end_of_rib_sent(const Peer& peer, Family family) const {
  return exports_.end_of_rib_sent(peer, family);
}

void Speaker::Impl::changed(Peer& peer) {
  neighbour_of(peer).changed = true;
  wake();
}

// It is its session that says so: the peer goes when that has returned.
void Speaker::Impl::gone(Peer& peer) {
  boost::asio::post(loop_.io, [this, alive = alive_, which = &peer] {
    if (!*alive) return;
    const auto found = by_peer_.find(which);
    // Another one may have its place in memory by now, or the peer is back.
    if (found == by_peer_.end() || !which->dynamic() || which->has_connection()) return;
    const auto name = std::ranges::find_if(
        neighbours_, [&](const auto& each) { return each.second.peer.get() == which; });
    remove_neighbour(name->first, notification(CeaseReason::kPeerDeconfigured));
  });
}

// ---- Turns
// ---------------------------------------------------------------------------------------

void Speaker::Impl::change_routes(std::function<void()> change) {
  if (telling_) {
    deferred_changes_.push_back(std::move(change));
    return;
  }
  change();
  wake();
}

void Speaker::Impl::wake() {
  if (awake_) return;
  awake_ = true;
  boost::asio::post(loop_.io, [this, alive = alive_] {
    if (!*alive) return;
    awake_ = false;
    turn();
  });
}

void Speaker::Impl::turn() {
  bool more = rib.step(kStepBudget);
  if (!deferring()) {
    more = tell_routes() || more;
    more = exports_.send() || more;
  }
  tell_peers();
  for (auto& change : std::exchange(deferred_changes_, {})) {
    change();
    more = true;
  }
  if (more) wake();
}

void Speaker::Impl::tell_peers() {
  std::vector<PeerInfo> told;
  for (auto& [name, neighbour] : neighbours_) {
    if (std::exchange(neighbour.changed, false) && listener_ != nullptr) {
      told.push_back(neighbour.peer->info());
    }
  }
  if (stopped_) return;
  for (const auto& info : told) listener_->on_peer(info);
}

bool Speaker::Impl::tell_routes() {
  if (listener_ == nullptr || stopped_) return false;
  bool more = false;
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    auto& queue = *queues_[i];
    if (queue.empty()) continue;
    entries_.clear();
    changes_.clear();
    queue.take(kTellBudget, entries_);
    const auto& table = rib.table(kFamilies[i]);
    for (const auto entry : entries_) {
      changes_.push_back({table.key(entry), table.paths(entry), table.has_best(entry)});
    }
    telling_ = true;
    if (!changes_.empty()) listener_->on_routes(kFamilies[i], changes_);
    telling_ = false;
    for (const auto entry : entries_) queue.done(entry);
    more = more || !queue.empty();
  }
  if (std::exchange(told_rejected_, rib.rejected().version()) != rib.rejected().version()) {
    listener_->on_rejected();
  }
  if (converged && !told_converged_ && !more) {
    told_converged_ = true;
    listener_->on_converged();
  }
  return more;
}

// RFC 4724 section 4.1: everybody who is able to said End-of-RIB. Those that restart themselves
// need not be waited for, since they may wait for us; but a daemon may say that it restarts for
// minutes after its start (FRR does) and yet know all the routes: so a restarting speaker waits a
// little.
bool Speaker::Impl::is_waited_for(const Peer& peer) const {
  if (peer.dynamic() || !peer.config().enabled) return false;
  if (!peer.established()) return true;
  const auto& restart = peer.negotiated().graceful_restart;
  if (!restart || peer.all_ended()) return false;
  return !restart->restarted || (patient_ && config.restarting);
}

std::vector<IpAddress> Speaker::Impl::waited_for() const {
  std::vector<IpAddress> missing;
  if (converged) return missing;
  for (const auto& [name, neighbour] : neighbours_) {
    if (is_waited_for(*neighbour.peer)) missing.push_back(neighbour.peer->address());
  }
  return missing;
}

void Speaker::Impl::check_converged(bool time_is_up) {
  if (converged || !started_) return;
  if (!time_is_up && !waited_for().empty()) return;
  converged = true;
  config.restarting = false;
  deferral_.cancel();
  patience_.cancel();
  wake();
}

bool Speaker::Impl::idle() const {
  const auto done = [](const auto& queue) { return !queue || queue->empty(); };
  return !awake_ && std::ranges::all_of(queues_, done) && exports_.idle();
}

}  // namespace sextant::bgp
