// The inside of a speaker: who the neighbours are, and the turns in which work is done. Private to
// this room.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bgp/exports.h"
#include "bgp/listener_sockets.h"
#include "bgp/loop_context.h"
#include "bgp/peer.h"
#include "bgp/speaker.h"

namespace sextant::bgp {

class Speaker::Impl final : private PeerRoutes {
 public:
  Impl(boost::asio::io_context& io, SpeakerConfig config, SpeakerListener* listener,
       NextHops::Resolver resolver);
  ~Impl();

  [[nodiscard]] Result<void> start();
  [[nodiscard]] Result<void> listen(const ListenConfig& place);
  void stop(const std::string& text);
  [[nodiscard]] Result<void> add_peer(PeerConfig config);
  [[nodiscard]] Result<void> change_peer(PeerConfig config);
  [[nodiscard]] Result<void> remove_peer(const IpPrefix& prefix);
  [[nodiscard]] Result<void> set_peers(std::vector<PeerConfig> peers);
  [[nodiscard]] Peer* find(const IpAddress& address);
  [[nodiscard]] std::vector<PeerInfo> peers() const;
  [[nodiscard]] std::optional<IpAddress> address_of(PeerId id) const;
  [[nodiscard]] std::optional<PeerId> id_of(const IpAddress& address) const;
  [[nodiscard]] bool idle() const;
  [[nodiscard]] std::vector<IpAddress> waited_for() const;

  /// Now, or after the listener's call in which it was asked for: that call looks at the tables.
  void change_routes(std::function<void()> change);
  /// Something is to be done: a turn follows.
  void wake();

  SpeakerConfig config;
  Rib rib;
  ListenerSockets sockets;
  bool converged = false;

 private:
  struct Neighbour {
    std::unique_ptr<Peer> peer;
    PeerId id{};
    bool changed = false;  // the listener has yet to be told
  };
  // The device tells equal link-local addresses apart.
  using Name = std::pair<IpAddress, std::string>;

  void session_up(Peer& peer, const Negotiated& negotiated) override;
  [[nodiscard]] Judgement update(Peer& peer, const UpdateView& view) override;
  void mark_stale(Peer& peer, Family family) override;
  void sweep_stale(Peer& peer, Family family) override;
  void drop(Peer& peer, Family family) override;
  void refresh(Peer& peer, Family family) override;
  void session_down(Peer& peer) override;
  void end_of_rib(Peer& peer, Family family) override;
  void room(Peer& peer) override;
  [[nodiscard]] std::size_t received(const Peer& peer, Family family) const override;
  [[nodiscard]] bool end_of_rib_sent(const Peer& peer, Family family) const override;
  void changed(Peer& peer) override;
  void gone(Peer& peer) override;

  void accept(boost::asio::ip::tcp::socket socket, const IpAddress& remote, std::uint32_t scope);
  Neighbour& add_neighbour(const PeerConfig& config, const IpAddress& address, bool dynamic);
  void remove_neighbour(const Name& name, const Notification& reason);
  void apply_change(Neighbour& neighbour, const PeerConfig& config);
  [[nodiscard]] Neighbour& neighbour_of(const Peer& peer) const;
  [[nodiscard]] RibPeer rib_peer(const Peer& peer) const;
  [[nodiscard]] PeerConfig* configured(const IpPrefix& prefix);

  void turn();
  void tell_peers();
  [[nodiscard]] bool tell_routes();
  [[nodiscard]] bool is_waited_for(const Peer& peer) const;
  void check_converged(bool time_is_up);
  [[nodiscard]] bool deferring() const { return config.restarting; }

  LoopContext loop_;
  SpeakerListener* listener_;
  Exports exports_;
  std::map<Name, Neighbour> neighbours_;
  std::unordered_map<const Peer*, Neighbour*> by_peer_;
  std::array<std::shared_ptr<ChangeQueue>, std::size(kFamilies)> queues_;
  std::vector<EntryId> entries_;      // scratch
  std::vector<RouteChange> changes_;  // scratch
  std::vector<std::function<void()>> deferred_changes_;
  bool telling_ = false;
  bool awake_ = false;
  bool started_ = false;
  bool stopped_ = false;
  bool told_converged_ = false;
  std::uint64_t told_rejected_ = 0;  // RejectedRoutes::version
  boost::asio::steady_timer deferral_;
  boost::asio::steady_timer patience_;  // with peers that restart themselves
  bool patient_ = true;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sextant::bgp
