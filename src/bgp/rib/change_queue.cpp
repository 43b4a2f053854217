#include "bgp/rib/change_queue.h"

#include <algorithm>

namespace sextant::bgp {

namespace {

constexpr std::size_t kCompactFrom = 1024;  // entries that were taken

}  // namespace

void ChangeQueue::take(std::size_t limit, std::vector<EntryId>& out) {
  const auto count = std::min(limit, queue_.size() - head_);
  for (std::size_t i = 0; i < count; ++i) {
    const auto entry = queue_[head_ + i];
    queued_.reset(entry);
    out.push_back(entry);
  }
  head_ += count;
  if (head_ == queue_.size()) {
    // What a burst took is given back; the room of everyday changes is kept.
    if (queue_.capacity() > 65536) {
      queue_ = decltype(queue_)();
    } else {
      queue_.clear();
    }
    head_ = 0;
  } else if (head_ >= kCompactFrom && head_ >= queue_.size() / 2) {
    // One that is never empty, since it is filled as fast as it is read, stays as small as it is.
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  for (auto left = limit - count; left > 0 && walking(); ++walk_) {
    const EntryId entry{walk_};
    if (!table_.in_use(entry) || queued_.test(entry)) continue;
    table_.pin(entry);
    out.push_back(entry);
    --left;
  }
}

void ChangeQueue::copy_from(const ChangeQueue& other) {
  for (auto i = other.head_; i < other.queue_.size(); ++i) touch(other.queue_[i], true);
  if (!other.walking()) return;
  walk_ = walking() ? std::min(walk_, other.walk_) : other.walk_;
  walk_end_ = std::max(walk_end_, other.walk_end_);
}

void ChangeQueue::clear() {
  for (auto i = head_; i < queue_.size(); ++i) done(queue_[i]);
  queue_ = decltype(queue_)();
  head_ = 0;
  queued_.clear();
  walk_end_ = 0;
}

}  // namespace sextant::bgp
