#include "bgp/session.h"

#include <algorithm>
#include <utility>

namespace sextant::bgp {
namespace {

using boost::system::error_code;

constexpr std::chrono::minutes kLargeHold{4};  // RFC 4271 section 8.2.2
constexpr std::chrono::minutes kSendHold{
    8};  // RFC 9687 section 4.4: at least this, or twice the hold time

/// What an event that brings no words of its own means.
std::string describe(const SessionEnd& end, State before) {
  if (!end.cause.empty()) return end.cause;
  if (end.received) return "the peer sent " + to_string(*end.received);
  if (end.event == Event::kHoldExpires) return "the hold time passed without a message of the peer";
  if (end.sent) return to_string(*end.sent);
  return std::string(to_string(end.event)) + " in " + std::string(to_string(before));
}

}  // namespace

Session::Session(LoopContext& loop, SessionOwner& owner)
    : loop_(loop),
      owner_(&owner),
      connect_retry_(loop.io),
      keepalive_(loop.io),
      idle_(loop.io),
      hold_(loop.io) {}

Session::~Session() {
  if (connection_) connection_->close();
}

void Session::raise(Event event, std::optional<Notification> notification, std::string cause) {
  raised_.push_back({event, std::move(notification), std::move(cause)});
  if (handling_) return;
  const auto self = shared_from_this();  // the owner may let go of us in on_settled()
  handling_ = true;
  while (!raised_.empty() && owner_ != nullptr) {
    const Raised next = std::move(raised_.front());
    raised_.pop_front();
    handle(next);
  }
  handling_ = false;
  if (owner_ != nullptr) owner_->on_settled(*this);
}

void Session::handle(const Raised& raised) {
  const State before = state_;
  const auto [next, actions] = step(before, raised.event);
  state_ = next;
  SessionEnd end{.event = raised.event, .cause = raised.cause};
  const bool received =
      raised.event == Event::kNotification || raised.event == Event::kVersionNotification;
  if (received) end.received = raised.notification;
  for (const auto action : actions) {
    perform(action, before, raised, end);
    if (owner_ == nullptr) return;
  }
  const bool fell = next == State::kIdle || next == State::kActive || next == State::kConnect;
  if (fell && before != State::kIdle && before != State::kEstablished &&
      raised.event != Event::kConnectRetryExpires) {
    end.cause = describe(end, before);
    owner_->on_failed(*this, end);
  }
}

void Session::perform(Action action, State before, const Raised& raised, SessionEnd& end) {
  const auto last_words = [&](Notification notification) {
    ++owner_->session_counters().sent.notifications;
    last_message_ = encode(notification);
    end.sent = std::move(notification);
  };
  switch (action) {
    case Action::kResetRetryCounter:
      retries_ = 0;
      unanswered_ = 0;
      break;
    case Action::kCountRetry:
      ++retries_;
      break;
    case Action::kStartConnectRetry:
      if (const auto& config = owner_->session_config(); config.mode != ConnectMode::kPassive) {
        // A peer that refuses may be starting: it is not left alone for the whole time at once.
        const std::chrono::milliseconds wait = raised.event == Event::kTcpFails
                                                   ? config.back_off(++unanswered_)
                                                   : config.connect_retry;
        arm(connect_retry_, loop_.jittered(wait), Event::kConnectRetryExpires);
      }
      break;
    case Action::kStopConnectRetry:
      connect_retry_.cancel();
      break;
    case Action::kInitiateConnect: {
      initiated_ = true;
      auto connection = owner_->make_connection(*this);
      if (connection) {
        connection_ = std::move(*connection);
      } else {
        raised_.push_back({Event::kTcpFails, {}, connection.error().message()});
      }
      break;
    }
    case Action::kRefuseConnection:
      release();
      break;
    case Action::kSendOpen: {
      sent_open_ = owner_->session_open();
      auto message = encode(sent_open_);
      auto& sent = owner_->session_counters().sent;
      ++sent.opens;
      sent.bytes += message.size();
      connection_->send(std::move(message));
      break;
    }
    case Action::kStartLargeHold:
      start_hold(kLargeHold);
      break;
    case Action::kStartHold:
      start_hold(negotiated_.hold_time);
      break;
    case Action::kStartKeepalive:
      if (negotiated_.hold_time.count() > 0) {
        arm(keepalive_, loop_.jittered(negotiated_.hold_time) / 3, Event::kKeepaliveExpires);
      }
      break;
    case Action::kSendKeepalive: {
      auto& sent = owner_->session_counters().sent;
      ++sent.keepalives;
      sent.bytes += kHeaderSize;
      connection_->send(encode_keepalive());
      break;
    }
    case Action::kSendEventNotification:
      last_words(raised.notification.value_or(notification(CeaseReason::kUnspecific)));
      break;
    case Action::kSendHoldExpired:
      last_words(hold_timer_expired());
      break;
    case Action::kSendFsmError:
      last_words(notification(before == State::kOpenSent ? FsmError::kUnexpectedInOpenSent
                              : before == State::kOpenConfirm
                                  ? FsmError::kUnexpectedInOpenConfirm
                                  : FsmError::kUnexpectedInEstablished));
      break;
    case Action::kRelease:
      release();
      break;
    case Action::kSessionUp:
      retries_ = unanswered_ = 0;  // a peer that works starts from the short times again
      ++owner_->session_counters().established;
      owner_->on_up(*this);
      break;
    case Action::kSessionDown:
      end.cause = describe(end, before);
      owner_->on_down(*this, end);
      break;
    case Action::kDeliver:
      if (raised.event == Event::kRouteRefresh) {
        owner_->on_refresh(*this, *refresh_);
      } else if (auto error = owner_->on_update(*this, update_); error && owner_ != nullptr) {
        raised_.push_back({Event::kUpdateError, std::move(error), {}});
      }
      break;
    case Action::kStartIdleHold:
      if (const auto hold = owner_->idle_hold(*this)) {
        const bool passive = owner_->session_config().mode == ConnectMode::kPassive;
        arm(idle_, *hold, passive ? Event::kAutomaticStartPassive : Event::kAutomaticStart);
      }
      break;
  }
}

void Session::arm(Alarm& alarm, std::chrono::milliseconds after, Event event) {
  alarm.set(after, [weak = weak_from_this(), event] {
    const auto self = weak.lock();
    if (!self || self->owner_ == nullptr) return;
    if (event == Event::kKeepaliveExpires) {
      self->keepalive_due();
    } else {
      self->raise(event);
    }
  });
}

// RFC 9687: a peer that lives but takes nothing holds up the loop's memory and everybody's routes.
void Session::keepalive_due() {
  if (connection_) {
    const auto limit = std::max<Clock::duration>(kSendHold, 2 * negotiated_.hold_time);
    if (Clock::now() - connection_->last_progress() > limit) {
      raise(Event::kTcpFails, {}, "the peer took nothing of what was sent (RFC 9687)");
      return;
    }
  }
  raise(Event::kKeepaliveExpires);
}

// The timer is not set anew at each message: it looks at the deadline when it fires.
void Session::start_hold(std::chrono::milliseconds hold) {
  const bool shorter = hold < hold_time_;
  hold_time_ = hold;
  hold_until_ = Clock::now() + hold;
  if (hold.count() == 0) {
    hold_.cancel();
    hold_armed_ = false;
  } else if (!hold_armed_ || shorter) {
    await_hold();
  }
}

void Session::await_hold() {
  hold_armed_ = true;
  hold_.expires_at(hold_until_);
  hold_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    if (error || !self || self->owner_ == nullptr || !self->hold_armed_) return;
    if (Clock::now() < self->hold_until_) {
      self->await_hold();
      return;
    }
    self->hold_armed_ = false;
    self->raise(Event::kHoldExpires);
  });
}

void Session::release() {
  hold_.cancel();
  hold_armed_ = false;
  hold_time_ = {};
  keepalive_.cancel();
  idle_.cancel();
  if (connection_) std::exchange(connection_, nullptr)->close(std::exchange(last_message_, {}));
  last_message_.clear();
  received_open_.reset();
}

void Session::abandon(std::optional<Notification> last_message) {
  if (last_message && state_ >= State::kOpenSent) {
    if (owner_ != nullptr) ++owner_->session_counters().sent.notifications;
    last_message_ = encode(*last_message);
  }
  owner_ = nullptr;
  state_ = State::kIdle;
  connect_retry_.cancel();
  release();
}

std::shared_ptr<Connection> Session::connect(Connection::Socket socket,
                                             const boost::asio::ip::tcp::endpoint& remote) {
  return Connection::connect(std::move(socket), remote, *this, loop_.buffer, loop_.send_queue);
}

void Session::adopt(Connection::Socket socket) {
  connection_ = Connection::adopt(std::move(socket), *this, loop_.buffer, loop_.send_queue);
  initiated_ = false;
  const auto connection = connection_;
  raise(Event::kTcpConfirmed);
  if (connection_ == connection) connection->start();
}

void Session::on_connected() { raise(Event::kTcpAcked); }

void Session::on_lost(const Error& error) {
  connection_.reset();
  raise(Event::kTcpFails, {}, error.message());
}

void Session::on_broken(const Notification& error) { raise(Event::kHeaderError, error); }

void Session::on_room() {
  if (owner_ != nullptr && established()) owner_->on_room(*this);
}

void Session::on_message(const Message& message) {
  auto& received = owner_->session_counters().received;
  received.bytes += message.size;
  switch (message.type) {
    case MessageType::kOpen:
      ++received.opens;
      take_open(message.body);
      break;
    case MessageType::kUpdate:
      ++received.updates;
      update_ = message.body;
      raise(Event::kUpdate);
      break;
    case MessageType::kNotification: {
      ++received.notifications;
      auto notification = decode_notification(message.body);
      const bool version =
          notification.code == ErrorCode::kOpen &&
          notification.subcode == static_cast<std::uint8_t>(OpenError::kUnsupportedVersion);
      raise(version ? Event::kVersionNotification : Event::kNotification, std::move(notification));
      break;
    }
    case MessageType::kKeepalive:
      ++received.keepalives;
      raise(Event::kKeepalive);
      break;
    case MessageType::kRouteRefresh: {
      ++received.refreshes;
      auto refresh = decode_route_refresh(message.body);
      if (refresh) {
        refresh_ = *refresh;
        raise(Event::kRouteRefresh);
      } else if (established()) {
        raise(Event::kUpdateError, std::move(refresh.error()));
      } else {
        raise(Event::kRouteRefresh);  // out of place whatever is in it
      }
      break;
    }
  }
}

void Session::take_open(std::span<const std::uint8_t> body) {
  if (state_ != State::kOpenSent) {
    raise(Event::kOpen);
    return;
  }
  auto open = decode_open(body);
  if (!open) {
    raise(Event::kOpenError, std::move(open.error()));
    return;
  }
  received_open_ = *open;
  auto negotiated = negotiate(sent_open_, *open, owner_->session_config());
  if (!negotiated) {
    raise(Event::kOpenError, std::move(negotiated.error()));
    return;
  }
  const auto self = shared_from_this();
  if (!owner_->survives_collision(*this, *open)) {
    raise(Event::kCollisionDump, notification(CeaseReason::kCollisionResolution));
    return;
  }
  negotiated_ = std::move(*negotiated);
  connection_->set_receive_limit(negotiated_.receive_limit);
  raise(Event::kOpen);
}

void Session::send(SharedBytes messages, std::size_t updates) {
  auto& sent = owner_->session_counters().sent;
  sent.updates += updates;
  sent.bytes += messages->size();
  connection_->send(std::move(messages));
}

void Session::send_refresh(const RouteRefresh& refresh) {
  auto message = encode(refresh);
  auto& sent = owner_->session_counters().sent;
  ++sent.refreshes;
  sent.bytes += message.size();
  connection_->send(std::move(message));
}

}  // namespace sextant::bgp
