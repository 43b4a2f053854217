// One run of the state machine with its connection and timers: carries out what the table (fsm.h)
// asks for. Private to this room.
//
//   timers, Connection -> Session::raise(event) -> step() -> actions -> SessionOwner (the peer)
//
// An event that comes up while another one is handled waits for it.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "bgp/alarm.h"
#include "bgp/connection.h"
#include "bgp/counters.h"
#include "bgp/fsm.h"
#include "bgp/loop_context.h"
#include "bgp/negotiation.h"
#include "bgp/wire/route_refresh.h"

namespace sextant::bgp {

class Session;

/// What brought a session down, or kept it from coming up.
struct SessionEnd {
  Event event = Event::kManualStop;
  std::optional<Notification> sent = {};
  std::optional<Notification> received = {};
  std::string cause = {};  // in words, for an operator
};

class SessionOwner {
 public:
  [[nodiscard]] virtual const PeerConfig& session_config() const = 0;
  [[nodiscard]] virtual Open session_open() const = 0;
  [[nodiscard]] virtual Counters& session_counters() = 0;
  [[nodiscard]] virtual Result<std::shared_ptr<Connection>> make_connection(Session& session) = 0;
  /// The time in Idle before AutomaticStart; none: not by itself.
  [[nodiscard]] virtual std::optional<std::chrono::milliseconds> idle_hold(
      const Session& session) = 0;
  /// RFC 4271 section 6.8, at the OPEN: whether this session goes on. The owner ends the other one
  /// where it does.
  [[nodiscard]] virtual bool survives_collision(Session& session, const Open& theirs) = 0;
  virtual void on_up(Session& session) = 0;
  virtual void on_down(Session& session, const SessionEnd& end) = 0;
  /// A session that was not up ended.
  virtual void on_failed(Session& session, const SessionEnd& end) = 0;
  /// The error ends the session.
  [[nodiscard]] virtual std::optional<Notification> on_update(
      Session& session, std::span<const std::uint8_t> body) = 0;
  virtual void on_refresh(Session& session, const RouteRefresh& refresh) = 0;
  virtual void on_room(Session& session) = 0;
  /// After the actions of an event; the session may be given up here.
  virtual void on_settled(Session& session) = 0;

 protected:
  ~SessionOwner() = default;
};

class Session : public std::enable_shared_from_this<Session>, private Connection::Handler {
 public:
  Session(LoopContext& loop, SessionOwner& owner);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  void raise(Event event, std::optional<Notification> notification = {}, std::string cause = {});
  /// A connection that this side makes; its outcome is an event.
  [[nodiscard]] std::shared_ptr<Connection> connect(Connection::Socket socket,
                                                    const boost::asio::ip::tcp::endpoint& remote);
  /// A connection that the peer made.
  void adopt(Connection::Socket socket);
  /// Ends without a word to anybody: no event follows, the owner is not called again.
  void abandon(std::optional<Notification> last_message);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] bool established() const { return state_ == State::kEstablished; }
  /// Whether this side made the connection.
  [[nodiscard]] bool initiated() const { return initiated_; }
  /// Of the OPENs; meaningful from OpenConfirm on.
  [[nodiscard]] const Negotiated& negotiated() const { return negotiated_; }
  [[nodiscard]] const Open& sent_open() const { return sent_open_; }
  [[nodiscard]] const std::optional<Open>& received_open() const { return received_open_; }
  [[nodiscard]] Connection* connection() { return connection_.get(); }
  [[nodiscard]] std::uint32_t retries() const { return retries_; }

  /// Precondition: Established.
  void send(SharedBytes messages, std::size_t updates);
  void send_refresh(const RouteRefresh& refresh);
  [[nodiscard]] bool has_room() const { return connection_ && connection_->has_room(); }

 private:
  using Clock = std::chrono::steady_clock;
  struct Raised {
    Event event;
    std::optional<Notification> notification;
    std::string cause;
  };

  void handle(const Raised& raised);
  void perform(Action action, State before, const Raised& raised, SessionEnd& end);
  void arm(Alarm& alarm, std::chrono::milliseconds after, Event event);
  void start_hold(std::chrono::milliseconds hold);
  void await_hold();
  void keepalive_due();
  void release();
  void take_open(std::span<const std::uint8_t> body);

  void on_connected() override;
  void on_message(const Message& message) override;
  void on_broken(const Notification& error) override;
  void on_lost(const Error& error) override;
  void on_room() override;

  LoopContext& loop_;
  SessionOwner* owner_;  // null once abandoned
  State state_ = State::kIdle;
  std::shared_ptr<Connection> connection_;
  bool initiated_ = false;
  std::uint32_t retries_ = 0;
  std::uint32_t unanswered_ = 0;  // connections in a row that ended before the peer's OPEN
  Open sent_open_;
  std::optional<Open> received_open_;
  Negotiated negotiated_;
  Bytes last_message_;
  std::span<const std::uint8_t> update_;  // the one that is delivered
  std::optional<RouteRefresh> refresh_;

  std::deque<Raised> raised_;
  bool handling_ = false;

  Alarm connect_retry_, keepalive_, idle_;
  boost::asio::steady_timer hold_;
  std::chrono::milliseconds hold_time_{0};
  Clock::time_point hold_until_;
  bool hold_armed_ = false;
};

}  // namespace sextant::bgp
