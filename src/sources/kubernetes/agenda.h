// Which policies the aggregator is to look at, and when: each at once, and then not again within a
// second. Writes are slow in a large cluster, so what somebody waits for (an edit, and what
// headends report of it) goes before what concerns all policies (a node came). Pure.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace sextant::kubernetes {

class Agenda {
 public:
  using Clock = std::chrono::steady_clock;
  using Number = std::uint32_t;  // of a policy
  static constexpr std::chrono::milliseconds kBetweenLooksAtOne{1000};
  static constexpr std::chrono::milliseconds kFirstRetry{1000};
  static constexpr std::chrono::milliseconds kLongestRetry{60'000};

  enum class Rank : std::uint8_t { kAwaited, kOther };

  /// There is news of it.
  void add(Number policy, Rank rank, Clock::time_point now) {
    auto& entry = entries_[policy];
    if (entry.due && entry.rank <= rank) return;
    const auto due = entry.looked ? std::max(now, *entry.looked + kBetweenLooksAtOne) : now;
    set(policy, entry, rank, due);
  }
  /// To be written again: later at each failure in a row.
  void retry(Number policy, Clock::time_point now) {
    auto& entry = entries_[policy];
    set(policy, entry, Rank::kOther, now + entry.retry);
    entry.retry = std::min(entry.retry * 2, kLongestRetry);
  }
  void succeeded(Number policy) { entries_[policy].retry = kFirstRetry; }
  void forget(Number policy) {
    const auto found = entries_.find(policy);
    if (found == entries_.end()) return;
    unset(policy, found->second);
    entries_.erase(found);
  }
  /// The one that has been due longest of the highest rank; it counts as looked at then.
  [[nodiscard]] std::optional<Number> take(Clock::time_point now) {
    for (const auto& queue : queues_) {
      if (queue.empty() || queue.begin()->first > now) continue;
      const auto policy = queue.begin()->second;
      auto& entry = entries_[policy];
      unset(policy, entry);
      entry.looked = now;
      return policy;
    }
    return std::nullopt;
  }
  /// When take() has something, unless more comes.
  [[nodiscard]] Clock::time_point next() const {
    auto next = Clock::time_point::max();
    for (const auto& queue : queues_)
      if (!queue.empty()) next = std::min(next, queue.begin()->first);
    return next;
  }

 private:
  struct Entry {
    std::optional<Clock::time_point> due;
    Rank rank = Rank::kOther;  // where it is due
    std::optional<Clock::time_point> looked;
    std::chrono::milliseconds retry = kFirstRetry;
  };
  using Queue = std::set<std::pair<Clock::time_point, Number>>;

  [[nodiscard]] Queue& queue(Rank rank) { return queues_[static_cast<std::size_t>(rank)]; }
  void set(Number policy, Entry& entry, Rank rank, Clock::time_point due) {
    unset(policy, entry);
    entry.due = due;
    entry.rank = rank;
    queue(rank).emplace(due, policy);
  }
  void unset(Number policy, Entry& entry) {
    if (entry.due) queue(entry.rank).erase({*entry.due, policy});
    entry.due.reset();
  }

  std::unordered_map<Number, Entry> entries_;
  std::array<Queue, 2> queues_;
};

}  // namespace sextant::kubernetes
