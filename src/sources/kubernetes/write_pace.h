// How often an agent writes its SRv6Node's status, by the size of the cluster. Pure.
//
// What it costs. A write is one PATCH for the API server and etcd, and one event for each watcher
// of the object. SRv6Nodes that Sextant made itself have an empty spec and are labelled so
// (kStatusOnlyLabel): other agents leave them out of their watch, and only the aggregator sees
// them. SRv6Nodes that users wrote are watched by all agents, since they carry locators, and a
// change of all statuses is N x N events.
//
//   one node         not more than one write a second
//   all together     what costs the API server half a processor. Measured (1.20): a status with 10
//                    policies takes it 4 ms, with 100 16 ms, with 1,000 28 ms. Those are 75, 28 and
//                    16 writes a second
//   users' objects   and at most 100,000 events a second: 5,000 nodes take 250 s, 1,000 nodes 10 s.
//                    Large clusters give locators by annotation or pool rather than by SRv6Node
//
// The first write after a quiet time waits for a random part of the time that those take who have
// the same to tell, so that 5,000 agents that hear of one policy at once do not answer at once. A
// policy has its headends to tell of it: of one with 10 headends they have all reported in a
// second, also where the cluster has 5,000 nodes; one that they all have takes them 5 minutes
// (1,000 policies), and 100 nodes 7 s.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "sources/kubernetes/node_status.h"

namespace sextant::kubernetes {

inline constexpr double kServerShare = 0.5;  // of a processor
inline constexpr double kEventsPerSecond = 100'000;
inline constexpr std::chrono::milliseconds kShortestBetweenWrites{1000};

/// Processor time of the API server for one write of a status with so many policies.
[[nodiscard]] inline std::chrono::duration<double> write_cost(std::size_t policies) {
  const auto all = static_cast<double>(policies);
  const auto full = static_cast<double>(std::min(policies, kFullPolicies));
  return std::chrono::duration<double>(0.004 + 0.00025 * full + 0.000015 * all);
}

struct WritePace {
  std::size_t nodes = 1;     // in the cluster
  std::size_t policies = 0;  // in a node's status
  std::size_t writers = 1;   // nodes that have the same to tell
  bool watched_by_all = false;
};

/// The time in which all that have the same to tell may write once.
[[nodiscard]] inline std::chrono::milliseconds write_window(const WritePace& pace) {
  const auto nodes = static_cast<double>(std::max<std::size_t>(pace.nodes, 1));
  auto rate = kServerShare / write_cost(pace.policies).count();
  if (pace.watched_by_all) rate = std::min(rate, kEventsPerSecond / nodes);
  const auto writers = static_cast<double>(std::max<std::size_t>(pace.writers, 1));
  return std::chrono::milliseconds(static_cast<std::int64_t>(writers / rate * 1000));
}

/// From a change until it is written. `random` in [0, 1); `since_last`: since the last write.
[[nodiscard]] inline std::chrono::milliseconds write_delay(const WritePace& pace, double random,
                                                           std::chrono::milliseconds since_last) {
  const auto window = write_window(pace);
  const auto jitter = std::chrono::milliseconds(
      static_cast<std::int64_t>(random * static_cast<double>(window.count())));
  const auto rest = std::max(kShortestBetweenWrites, window) - since_last;
  return std::max({jitter, rest, std::chrono::milliseconds(0)});
}

}  // namespace sextant::kubernetes
