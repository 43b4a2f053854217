// A benchmark's own end of a BGP session: as little as it takes to send a feed and to count what
// comes back. The daemon measured is passive. Sessions have a hold time, because GoBGP gives a
// write no longer than it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ip.h"
#include "base/unique_fd.h"
#include "bgp/feed.h"
#include "bgp/wire/update.h"

namespace sextant::bench {

class WirePeer {
 public:
  /// Connects, in the caller's network namespace, and exchanges OPEN and KEEPALIVE. Throws where
  /// the daemon cannot be reached for ten seconds or refuses. Routes of `family` are counted;
  /// `more` are spoken, too.
  WirePeer(const Ipv6Address& own, const Ipv6Address& daemon, std::uint8_t number,
           bgp::Family family, const std::vector<bgp::Family>& more = {});

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// To be sent by turn(). The bytes must live until then.
  void send(std::span<const std::uint8_t> bytes) { to_send_ = bytes; }
  [[nodiscard]] bool sending() const { return !to_send_.empty(); }
  /// Sends and receives what goes without waiting. Throws where the session ends.
  void turn(bool readable, bool writable);
  /// Routes that the daemon has announced and not withdrawn, each counted once.
  [[nodiscard]] std::size_t routes() const { return routes_; }

 private:
  void receive();
  void keep_alive();
  void take(const bgp::UpdateView& update);
  void note(std::size_t route, bool announced);

  UniqueFd fd_;
  bgp::Family family_;
  std::span<const std::uint8_t> to_send_;
  std::vector<std::uint8_t> in_;
  std::size_t filled_ = 0;
  std::vector<bool> has_;
  std::size_t routes_ = 0;
  std::chrono::steady_clock::time_point sent_at_ = std::chrono::steady_clock::now();
};

/// Waits at most `milliseconds` for something to do, and does it.
void serve_once(const std::vector<WirePeer*>& peers, int milliseconds);

}  // namespace sextant::bench
