#include "bgp/peer.h"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <utility>

#include "base/log.h"
#include "bgp/tcp.h"

namespace sextant::bgp {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

}  // namespace

Peer::Peer(LoopContext& loop, const SpeakerConfig& speaker, PeerConfig config,
           const IpAddress& address, bool dynamic, PeerRoutes& routes)
    : loop_(loop),
      speaker_(speaker),
      config_(std::move(config)),
      address_(address),
      dynamic_(dynamic),
      name_(address.to_string()),
      routes_(routes),
      primary_(make_session()),
      stale_(loop.io) {
  if (dynamic_) config_.mode = ConnectMode::kPassive;
}

Peer::~Peer() {
  primary_->abandon({});
  if (incoming_) incoming_->abandon({});
}

// ---- From the speaker
// ----------------------------------------------------------------------------

void Peer::start() {
  if (!config_.enabled || started_) return;
  started_ = true;
  maximum_hold_.reset();
  primary_->raise(config_.mode == ConnectMode::kPassive ? Event::kManualStartPassive
                                                        : Event::kManualStart);
}

void Peer::stop(std::optional<Notification> reason) {
  started_ = false;
  if (incoming_) std::exchange(incoming_, nullptr)->abandon(reason);
  if (reason) {
    primary_->raise(Event::kManualStop, std::move(reason));
    return;
  }
  // Without a word: not an event of the state machine, since each of those says something.
  if (primary_->established()) routes_.session_down(*this);
  primary_->abandon({});
  primary_ = make_session();
}

void Peer::reset(const Notification& reason) {
  if (incoming_) std::exchange(incoming_, nullptr)->abandon(reason);
  if (primary_->state() != State::kIdle) {
    primary_->raise(Event::kAutomaticStop, reason);
    return;
  }
  // In its idle hold time, or given up after too many prefixes: not any longer.
  primary_->raise(Event::kManualStop);
  started_ = false;
  start();
}

void Peer::reconfigure(PeerConfig config) {
  if (dynamic_) config.mode = ConnectMode::kPassive;
  const bool same = config_.same_session(config);
  const bool was_enabled = config_.enabled;
  const std::string text = config.shutdown_text;
  config_ = std::move(config);
  if (!config_.enabled) {
    if (was_enabled) stop(with_text(CeaseReason::kAdministrativeShutdown, text));
  } else if (!was_enabled || !started_) {
    start();
  } else if (!same) {
    // The new settings take effect with a new run.
    stop(notification(CeaseReason::kOtherConfigurationChange));
    start();
  }
}

NextHop Peer::next_hop_self(Family family) const {
  const bool wants_v4 =
      family.afi == Afi::kIpv4 && !primary_->negotiated().has_extended_next_hop(family);
  if (wants_v4 && config_.next_hop_ipv4) return {.address = *config_.next_hop_ipv4};
  if (!wants_v4 && config_.next_hop_ipv6) return {.address = *config_.next_hop_ipv6};
  error_code error;
  const auto local = primary_->connection()->socket().local_endpoint(error).address();
  if (error) return {};  // the connection just ended: nothing will be sent
  if (local.is_v4()) {
    const Ipv4Address address(local.to_v4().to_bytes());
    if (family.afi == Afi::kIpv4) return {.address = address};
    // RFC 4291 section 2.5.5.2, as other speakers do over IPv4 sessions.
    Ipv6Address::Bytes mapped{};
    mapped[10] = mapped[11] = 0xff;
    std::ranges::copy(address.bytes(), mapped.begin() + 12);
    return {.address = Ipv6Address(mapped)};
  }
  return {.address = Ipv6Address(local.to_v6().to_bytes())};
}

bool Peer::all_ended() const {
  return std::ranges::all_of(negotiated().families, [&](Family family) {
    const auto found = families_.find(family);
    return found != families_.end() && found->second.ended;
  });
}

Result<void> Peer::ask_again() {
  const std::string what = "ask for all routes of BGP peer";
  if (!established()) return failure(what, name_, "the session is not established");
  if (!negotiated().route_refresh) {
    return failure(what, name_, "it does not know route refresh (RFC 2918)", "reset the session");
  }
  for (const auto family : negotiated().families) primary_->send_refresh({.family = family});
  return {};
}

void Peer::accept(Connection::Socket socket) {
  const auto refuse = [&](const char* why) {
    log::debug("BGP peer {}: connection refused: {}", name_, why);
  };  // the socket closes as it goes
  if (!started_) return refuse("administratively down");
  if (config_.mode == ConnectMode::kActive) return refuse("configured as active only");
  if (const auto ready = set_options(socket.native_handle()); !ready) {
    note(ready.error().message());
    return;
  }
  take_up(std::move(socket));
}

/// Of connections of either side.
Result<void> Peer::set_options(int fd) const {
  const auto family = address_.family();
  if (auto set = set_routing_socket(fd, family); !set) return set;
  if (config_.gtsm_hops) return set_gtsm(fd, family, *config_.gtsm_hops);
  if (config_.ttl) return set_ttl(fd, family, *config_.ttl);
  const bool external = config_.remote_as != 0 && config_.remote_as != speaker_.asn;
  if (external) return set_ttl(fd, family, 1);  // it is on the link unless told otherwise
  return {};
}

void Peer::take_up(Connection::Socket socket) {
  if (primary_->state() == State::kIdle) {
    if (!std::exchange(may_return_, false)) {
      log::debug("BGP peer {}: connection refused while Idle", name_);
      return;
    }
    primary_->raise(Event::kAutomaticStartPassive);
  }
  if (primary_->state() == State::kActive) {
    primary_->adopt(std::move(socket));
    return;
  }
  if (incoming_) {
    std::exchange(incoming_, nullptr)->abandon(notification(CeaseReason::kConnectionRejected));
  }
  const auto session = make_session();
  session->raise(Event::kManualStartPassive);
  incoming_ = session;  // from here on it is given up when it falls back to Active
  session->adopt(std::move(socket));
}

// ---- From the sessions
// ---------------------------------------------------------------------------

Open Peer::session_open() const {
  // Also to peers that come when the restart is over: they may have waited all the time.
  const bool preserved = loop_.restarted || speaker_.forwards_nothing || counters_.established > 0;
  return make_open(speaker_, config_,
                   {.restarting = speaker_.restarting, .forwarding_preserved = preserved});
}

Result<std::shared_ptr<Connection>> Peer::make_connection(Session& session) {
  const auto remote = endpoint_of(address_, config_.port, config_.device);
  if (!remote) return tl::unexpected(remote.error());
  tcp::socket socket(loop_.io);
  error_code error;
  socket.open(remote->protocol(), error);
  if (error) return system_error("open socket", name_, error.value());
  const int fd = socket.native_handle();
  Result<void> ready = set_options(fd);
  if (ready) ready = bind_device(fd, config_.device);
  if (ready && !config_.md5_password.empty()) {
    ready = set_md5(fd, IpPrefix::host(address_), config_.md5_password);
  }
  if (!ready) return tl::unexpected(ready.error());
  if (config_.local_address) {
    const auto local = endpoint_of(*config_.local_address, 0, config_.device);
    if (!local) return tl::unexpected(local.error());
    socket.bind(*local, error);
    if (error) return system_error("bind to", config_.local_address->to_string(), error.value());
  }
  return session.connect(std::move(socket), *remote);
}

std::optional<std::chrono::milliseconds> Peer::idle_hold(const Session& session) {
  if (&session != primary_.get() || !started_) return {};
  if (dynamic_ && !has_stale()) return {};  // it goes
  if (maximum_hold_) {
    const auto hold = *std::exchange(maximum_hold_, std::nullopt);
    if (hold.count() > 0) return hold;
    started_ = false;  // an operator's turn
    return {};
  }
  return loop_.jittered(config_.back_off(session.retries()));
}

bool Peer::survives_collision(Session& session, const Open& theirs) {
  const auto other = &session == primary_.get() ? incoming_ : primary_;
  if (!other || other.get() == &session) return true;
  if (other->established()) {
    if (replaces(*other)) return true;
    // Its machine may have started anew: then this is answered with a reset, and the next one is
    // taken.
    if (other->negotiated().hold_time.count() > 0) other->raise(Event::kKeepaliveExpires);
    return false;
  }
  // RFC 4271 section 6.8 compares with connections in OpenConfirm, and in OpenSent where the peer's
  // identifier is known: it is, from this OPEN. So both sides choose the same one whatever arrives
  // first.
  if (other->state() != State::kOpenSent && other->state() != State::kOpenConfirm) return true;
  if (other->initiated() != session.initiated() &&
      session.initiated() != keeps_own_connection(session.sent_open(), theirs)) {
    return false;
  }
  other->raise(Event::kCollisionDump, notification(CeaseReason::kCollisionResolution));
  return true;
}

/// RFC 4724 section 5: a peer that restarts may connect before its old connection was seen to end.
/// The old one goes once the new one is up, and not before: a connection that only came late, of
/// two that collided, is one that the peer has given up already.
bool Peer::replaces(const Session& old) const {
  const auto& restart = old.negotiated().graceful_restart;
  return restart && !restart->families.empty();
}

void Peer::on_up(Session& session) {
  if (&session != primary_.get() && primary_->established()) {
    primary_->raise(Event::kTcpFails, {}, "the peer connected anew");
  }
  if (&session != primary_.get()) promote();
  may_return_ = false;
  up_since_ = Clock::now();
  const auto& negotiated = session.negotiated();
  log::info({{"peer", name_}}, "BGP peer {} (AS {}) is up", name_, negotiated.remote_as);
  stale_.cancel();
  // RFC 4724 section 4.2: what the peer did not keep, or no longer speaks, is not waited for.
  const auto& restart = negotiated.graceful_restart;
  for (auto& entry : families_) {
    const auto family = entry.first;
    auto& state = entry.second;
    state.ended = state.warned = state.disabled = state.refreshed = false;
    if (!state.stale) continue;
    const bool kept = restart && negotiated.has(family) &&
                      std::ranges::any_of(restart->families, [&](const auto& each) {
                        return each.family == family && each.forwarding_preserved;
                      });
    if (!kept) sweep(family);
  }
  for (const auto family : negotiated.families) families_[family].ended = false;
  if (has_stale()) await_peer(config_.graceful_restart.stale_time);
  routes_.session_up(*this, negotiated);
  routes_.changed(*this);
}

void Peer::on_down(Session& session, const SessionEnd& end) {
  const auto negotiated = session.negotiated();
  note(end.cause);
  log::warn({{"peer", name_}}, "BGP peer {} is down: {}", name_, end.cause);
  routes_.session_down(*this);
  // RFC 4724 section 4.2: stale routes are for a connection that ended without NOTIFICATION.
  may_return_ = end.event == Event::kTcpFails;
  for (const auto family : negotiated.families) {
    if (end.event == Event::kTcpFails && negotiated.restarts(family)) {
      // Those still stale from the restart before go now (RFC 4724 section 4.2).
      if (families_[family].stale) sweep(family);
      families_[family].stale = true;
      routes_.mark_stale(*this, family);
    } else {
      families_[family].stale = false;
      routes_.drop(*this, family);
    }
  }
  if (has_stale()) {
    await_peer(std::min(std::chrono::seconds(negotiated.graceful_restart->seconds),
                        config_.graceful_restart.stale_time));
  } else {
    stale_.cancel();
  }
  routes_.changed(*this);
}

void Peer::on_failed(Session& session, const SessionEnd& end) {
  // The loser of a collision is no failure of the peer.
  if (end.event == Event::kCollisionDump || &session != primary_.get()) return;
  may_return_ = false;
  if (end.cause != last_error_) log::info({{"peer", name_}}, "BGP peer {}: {}", name_, end.cause);
  note(end.cause);
  routes_.changed(*this);
}

void Peer::on_settled(Session& session) {
  if (incoming_ && incoming_.get() == &session && session.state() < State::kOpenSent) {
    incoming_.reset();
    return;
  }
  if (&session != primary_.get()) return;
  if (incoming_ && primary_->state() == State::kIdle && started_) {
    promote();
  } else if (dynamic_ && primary_->state() < State::kOpenSent && started_ && !incoming_ &&
             !has_stale() && counters_.sent.opens > 0) {
    routes_.gone(*this);
  }
}

std::shared_ptr<Session> Peer::make_session() {
  return std::make_shared<Session>(loop_, static_cast<SessionOwner&>(*this));
}

void Peer::promote() {
  const auto loser = std::exchange(primary_, std::exchange(incoming_, nullptr));
  loser->abandon(notification(CeaseReason::kCollisionResolution));
}

void Peer::on_room(Session& session) {
  if (&session == primary_.get()) routes_.room(*this);
}

// ---- Stale routes
// --------------------------------------------------------------------------------

bool Peer::has_stale() const {
  return std::ranges::any_of(families_, [](const auto& each) { return each.second.stale; });
}

void Peer::sweep(Family family) {
  families_[family].stale = false;
  routes_.sweep_stale(*this, family);
}

void Peer::sweep_all() {
  for (auto& [family, state] : families_) {
    if (state.stale) sweep(family);
  }
  routes_.changed(*this);
}

void Peer::await_peer(std::chrono::seconds limit) {
  stale_.set(limit, [this] {
    log::warn({{"peer", name_}}, "BGP peer {}: stale routes are given up, {}", name_,
              established() ? "it did not say End-of-RIB" : "it did not come back");
    sweep_all();
    on_settled(*primary_);
  });
}

// ---- For the operator
// ----------------------------------------------------------------------------

void Peer::note(std::string error) {
  last_error_ = std::move(error);
  last_error_at_ = Clock::now();
}

PeerInfo Peer::info() const {
  const auto seconds = [](Clock::time_point since) {
    return std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - since);
  };
  PeerInfo info;
  info.config = config_;
  info.address = address_;
  info.dynamic = dynamic_;
  info.state = primary_->state();
  info.counters = counters_;
  if (auto* connection = primary_->connection()) {
    error_code error;
    const auto local = connection->socket().local_endpoint(error);
    if (!error) info.local = text_of(local);
    const auto remote = connection->socket().remote_endpoint(error);
    if (!error) info.remote = text_of(remote);
    info.queued_bytes = connection->queued();
  }
  if (primary_->established()) {
    info.negotiated = primary_->negotiated();
    info.up_for = seconds(up_since_);
  }
  if (primary_->received_open())
    info.received_capabilities = primary_->received_open()->capabilities;
  if (!last_error_.empty()) {
    info.last_error = last_error_;
    info.last_error_ago = seconds(last_error_at_);
  }
  for (const auto& each : config_.families) {
    PeerFamilyInfo family{.family = each.family};
    family.negotiated = primary_->established() && primary_->negotiated().has(each.family);
    if (const auto found = families_.find(each.family); found != families_.end()) {
      family.stale = found->second.stale;
      family.end_of_rib_received = found->second.ended;
    }
    family.end_of_rib_sent = routes_.end_of_rib_sent(*this, each.family);
    family.received = routes_.received(*this, each.family);
    info.families.push_back(family);
  }
  return info;
}

}  // namespace sextant::bgp
