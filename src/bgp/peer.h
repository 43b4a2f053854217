// A neighbour: its sessions (one, or two while connections collide), what outlives them (RFC 4724
// helper role: stale routes; counters, the last error), and when the next one may start. Private to
// this room.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "bgp/alarm.h"
#include "bgp/config.h"
#include "bgp/peer_info.h"
#include "bgp/peer_routes.h"
#include "bgp/session.h"
#include "bgp/wire/next_hop.h"

namespace sextant::bgp {

class Peer : private SessionOwner {
 public:
  /// `dynamic`: made for a connection that came from a prefix; `config.address` is that prefix.
  Peer(LoopContext& loop, const SpeakerConfig& speaker, PeerConfig config, const IpAddress& address,
       bool dynamic, PeerRoutes& routes);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// As the configuration says: connects, waits, or stays down.
  void start();
  /// Until start(). `reason` is what the peer is told; none: the connection just ends (its stale
  /// routes stay, there and here, as RFC 4724 has it).
  void stop(std::optional<Notification> reason);
  /// Ends the session; it comes back by itself. Where none is waited for, that begins again.
  void reset(const Notification& reason);
  void accept(Connection::Socket socket);
  /// The session ends where the change asks for it.
  void reconfigure(PeerConfig config);

  [[nodiscard]] const PeerConfig& config() const { return config_; }
  [[nodiscard]] const IpAddress& address() const { return address_; }
  [[nodiscard]] bool dynamic() const { return dynamic_; }
  [[nodiscard]] bool established() const { return primary_->established(); }
  [[nodiscard]] bool has_connection() const {
    return incoming_ || primary_->state() >= State::kOpenSent;
  }
  /// Precondition: established().
  [[nodiscard]] const Negotiated& negotiated() const { return primary_->negotiated(); }
  [[nodiscard]] Session& session() { return *primary_; }
  /// Precondition: established(). What routes are told to go through where they go through this
  /// speaker: the configured address of the fitting family, else this end of the connection.
  [[nodiscard]] NextHop next_hop_self(Family family) const;
  /// Precondition: established(). End-of-RIB came of all families.
  [[nodiscard]] bool all_ended() const;
  /// Asks for all routes (RFC 2918). Error: not Established, or the peer cannot be asked.
  [[nodiscard]] Result<void> ask_again();
  [[nodiscard]] PeerInfo info() const;
  /// "fd10::1", for messages.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  using Clock = std::chrono::steady_clock;
  struct FamilyState {
    bool stale = false;
    bool ended = false;      // End-of-RIB came
    bool warned = false;     // near the maximum of prefixes
    bool disabled = false;   // RFC 7606 AFI/SAFI disable
    bool refreshed = false;  // between the marks of RFC 7313
  };

  [[nodiscard]] const PeerConfig& session_config() const override { return config_; }
  [[nodiscard]] Open session_open() const override;
  [[nodiscard]] Counters& session_counters() override { return counters_; }
  [[nodiscard]] Result<std::shared_ptr<Connection>> make_connection(Session& session) override;
  [[nodiscard]] std::optional<std::chrono::milliseconds> idle_hold(const Session& session) override;
  [[nodiscard]] bool survives_collision(Session& session, const Open& theirs) override;
  void on_up(Session& session) override;
  void on_down(Session& session, const SessionEnd& end) override;
  void on_failed(Session& session, const SessionEnd& end) override;
  [[nodiscard]] std::optional<Notification> on_update(Session& session,
                                                      std::span<const std::uint8_t> body) override;
  void on_refresh(Session& session, const RouteRefresh& refresh) override;
  void on_room(Session& session) override;
  void on_settled(Session& session) override;

  [[nodiscard]] std::shared_ptr<Session> make_session();
  void promote();
  [[nodiscard]] Result<void> set_options(int fd) const;
  void take_up(Connection::Socket socket);
  [[nodiscard]] bool replaces(const Session& old) const;
  [[nodiscard]] std::optional<Notification> judge(const Judgement& judgement,
                                                  const UpdateView& view);
  [[nodiscard]] std::optional<Notification> check_maximum();
  [[nodiscard]] const PeerFamily* family_config(Family family) const;
  void sweep(Family family);
  void sweep_all();
  void await_peer(std::chrono::seconds limit);
  [[nodiscard]] bool has_stale() const;
  void note(std::string error);

  LoopContext& loop_;
  const SpeakerConfig& speaker_;
  PeerConfig config_;
  IpAddress address_;
  bool dynamic_;
  std::string name_;
  PeerRoutes& routes_;
  bool started_ = false;
  std::shared_ptr<Session> primary_;
  std::shared_ptr<Session> incoming_;  // collides with the primary one
  std::map<Family, FamilyState> families_;
  Alarm stale_;
  bool may_return_ = false;  // at once: the session was up, and ended without NOTIFICATION
  std::optional<std::chrono::seconds> maximum_hold_;  // after too many prefixes; 0: for good
  Counters counters_;
  std::string last_error_;
  Clock::time_point last_error_at_;
  Clock::time_point up_since_;
  Clock::time_point complained_at_;  // of an UPDATE with errors
  std::size_t unsaid_ = 0;           // of those since then
};

}  // namespace sextant::bgp
