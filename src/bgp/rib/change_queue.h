// Which destinations of a table a reader has yet to look at: each once, however often it changed.
// An entry in a queue is pinned in its table, so that a destination that went away is still
// reported under its key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bgp/rib/path.h"
#include "bgp/rib/route_table.h"

namespace sextant::bgp {

/// A set of entry numbers, one bit each.
class EntryBits {
 public:
  [[nodiscard]] bool test(EntryId entry) const {
    const auto i = static_cast<std::uint32_t>(entry);
    return i / 64 < words_.size() && ((words_[i / 64] >> (i % 64)) & 1U) != 0;
  }
  /// Whether it was not set before.
  bool set(EntryId entry) {
    const auto i = static_cast<std::uint32_t>(entry);
    if (i / 64 >= words_.size()) words_.resize(i / 64 + 1 + words_.size() / 2);
    const auto bit = std::uint64_t{1} << (i % 64);
    const bool was = (words_[i / 64] & bit) != 0;
    words_[i / 64] |= bit;
    return !was;
  }
  void reset(EntryId entry) {
    const auto i = static_cast<std::uint32_t>(entry);
    if (i / 64 < words_.size()) words_[i / 64] &= ~(std::uint64_t{1} << (i % 64));
  }
  void clear() { words_ = decltype(words_)(); }
  [[nodiscard]] std::size_t memory() const { return words_.capacity() * sizeof(std::uint64_t); }

 private:
  std::vector<std::uint64_t> words_;
};

class ChangeQueue {
 public:
  enum class Interest : std::uint8_t {
    kBest,      // the best path changed, appeared or is gone
    kAllPaths,  // any path did: of SR Policies each is a candidate path
  };
  ChangeQueue(RouteTable& table, Interest interest) : table_(table), interest_(interest) {}
  ~ChangeQueue() { clear(); }
  ChangeQueue(const ChangeQueue&) = delete;
  ChangeQueue& operator=(const ChangeQueue&) = delete;

  void touch(EntryId entry, bool best_changed) {
    if ((!best_changed && interest_ == Interest::kBest) || !queued_.set(entry)) return;
    queue_.push_back(entry);
    table_.pin(entry);
  }
  /// All that the table holds, too.
  void touch_all() {
    walk_ = 0;
    walk_end_ = table_.end();
  }
  [[nodiscard]] bool walking() const { return walk_ < walk_end_ && walk_ < table_.end(); }
  [[nodiscard]] bool empty() const { return queue_.empty() && !walking(); }
  /// Entries queued, those of a walk aside.
  [[nodiscard]] std::size_t size() const { return queue_.size() - head_; }
  [[nodiscard]] std::size_t memory() const {
    return queue_.capacity() * sizeof(EntryId) + queued_.memory();
  }

  /// Moves up to `limit` entries to `out`, changes before what a walk finds. They stay pinned until
  /// done(entry).
  void take(std::size_t limit, std::vector<EntryId>& out);
  void done(EntryId entry) {
    table_.unpin(entry);
    table_.release_if_unused(entry);
  }
  /// Takes over what another queue of the same table has yet to tell.
  void copy_from(const ChangeQueue& other);
  void clear();

 private:
  RouteTable& table_;
  Interest interest_;
  std::vector<EntryId> queue_;
  std::size_t head_ = 0;
  EntryBits queued_;
  std::uint32_t walk_ = 0;
  std::uint32_t walk_end_ = 0;  // what comes later is queued
};

}  // namespace sextant::bgp
