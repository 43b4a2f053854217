// How often an agent writes its SRv6Node's status, by the size of the cluster. Pure.
//
// What it costs. A write is one PATCH for the API server and etcd, and one event for each watcher
// of the object. SRv6Nodes that Sextant made itself have an empty spec and are labelled so
// (kStatusOnlyLabel): other agents leave them out of their watch, and only the aggregator sees
// them. SRv6Nodes that users wrote are watched by all agents, since they carry locators, and a
// change of all statuses is N x N events.
//
//   one node         not more than one write a second
//   all together     at most 100 writes a second: a change for all 5,000 nodes (a policy without
//                    headend) is reported within 50 s, for 100 nodes within 1 s
//   users' objects   and at most 100,000 events a second: 5,000 nodes take 250 s, 1,000 nodes 10 s.
//                    Large clusters give locators by annotation or pool rather than by SRv6Node
//
// The first write after a quiet time waits for a random part of that window, so that 5,000 agents
// that hear of one policy at once do not answer at once.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace sextant::kubernetes {

inline constexpr double kWritesPerSecond = 100;
inline constexpr double kEventsPerSecond = 100'000;
inline constexpr std::chrono::milliseconds kShortestBetweenWrites{1000};

/// The time in which all nodes together may write once.
[[nodiscard]] inline std::chrono::milliseconds write_window(std::size_t nodes,
                                                            bool watched_by_all) {
  const auto count = static_cast<double>(std::max<std::size_t>(nodes, 1));
  const auto rate =
      watched_by_all ? std::min(kWritesPerSecond, kEventsPerSecond / count) : kWritesPerSecond;
  return std::chrono::milliseconds(static_cast<std::int64_t>(count / rate * 1000));
}

/// From a change until it is written. `random` in [0, 1); `since_last`: since the last write.
[[nodiscard]] inline std::chrono::milliseconds write_delay(std::size_t nodes, bool watched_by_all,
                                                           double random,
                                                           std::chrono::milliseconds since_last) {
  const auto window = write_window(nodes, watched_by_all);
  const auto jitter = std::chrono::milliseconds(
      static_cast<std::int64_t>(random * static_cast<double>(window.count())));
  const auto rest = std::max(kShortestBetweenWrites, window) - since_last;
  return std::max({jitter, rest, std::chrono::milliseconds(0)});
}

}  // namespace sextant::kubernetes
