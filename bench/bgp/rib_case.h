// The RIB alone, without sockets: what a feed costs in a process of its own.
#pragma once

#include <cstddef>
#include <vector>

#include "bgp/feed.h"

namespace sextant::bench {

/// Milliseconds of processor time, and megabytes (1,000,000 bytes) beyond what the process had.
struct RibCosts {
  double receive = 0;   // take the messages apart, intern, choose, tell a listener
  double memory = 0;    // at most, until then
  double reflect = 0;   // encode for the clients, and hand every message to each
  double withdraw = 0;  // the feeds' withdrawals
};

/// Each feed comes from a peer of its own; with clients, routes are reflected to that many. Throws
/// where the RIB does not end with what the feeds say.
[[nodiscard]] RibCosts measure_rib(const std::vector<Feed>& feeds, std::size_t clients);

}  // namespace sextant::bench
