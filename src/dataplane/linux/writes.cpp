#include "dataplane/linux/writes.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

namespace sextant::dataplane {
namespace {

constexpr std::size_t kFlushAt = 4096;
// For memory that comes back: 1, 2, 4 ... 32 ms, as long as nothing changes.
constexpr std::chrono::milliseconds kFirstPause{1}, kLastPause{32};

bool lacks_memory(const netlink::BatchFailure& failure) {
  return failure.error.errno_value == ENOMEM;
}

}  // namespace

void Writes::add(const netlink::Message& message, std::initializer_list<int> tolerated) {
  batch_.add(message);
  pending_.push_back({.message = message, .tolerated = tolerated});
  if (batch_.size() >= kFlushAt) flush();
}

void Writes::flush() {
  if (batch_.empty()) return;
  auto failures = socket_.send(batch_);
  if (failures) {
    report_.writes += batch_.size() - failures->size();
    drop_tolerated(*failures);
    if (auto sent = send_again(*failures); !sent) failures = tl::unexpected(sent.error());
  }
  if (!failures) {
    report_.problems.push_back(
        {.object = pending_.front().message.object(), .error = failures.error()});
  } else {
    for (auto& [index, error] : *failures) {
      const auto& message = pending_[index].message;
      error.operation = netlink::operation_name(message.type());
      error.object = message.object();
      report_.problems.push_back({.object = message.object(), .error = std::move(error)});
    }
  }
  batch_.clear();
  pending_.clear();
}

void Writes::drop_tolerated(Failures& failures) const {
  std::erase_if(failures, [&](const netlink::BatchFailure& failure) {
    const auto& tolerated = pending_[failure.index].tolerated;
    return std::ranges::find(tolerated, failure.error.errno_value) != tolerated.end();
  });
}

// Each encapsulation takes memory per processor, of which the kernel keeps a small stock that a
// worker of its own refills: a burst of some hundreds finds it empty, and moments later it is there
// again. What came after a message that failed may have failed for the lack of it: it goes again,
// too, in order.
Result<void> Writes::send_again(Failures& failures) {
  for (auto pause = kFirstPause;
       pause <= kLastPause && std::ranges::any_of(failures, lacks_memory);) {
    std::this_thread::sleep_for(pause);  // nothing says when there is memory again
    netlink::Batch batch;
    for (const auto& failure : failures) batch.add(pending_[failure.index].message);
    auto left = socket_.send(batch);
    if (!left) return tl::unexpected(left.error());
    const bool moved = left->size() < failures.size();
    report_.writes += failures.size() - left->size();
    for (auto& failure : *left) failure.index = failures[failure.index].index;
    failures = std::move(*left);
    drop_tolerated(failures);
    pause = moved ? kFirstPause : 2 * pause;
  }
  return {};
}

void book(ApplyReport& report, const std::string& object, const Result<bool>& wrote) {
  if (!wrote) {
    report.problems.push_back({.object = object, .error = wrote.error()});
  } else if (*wrote) {
    ++report.writes;
  }
}

void book(ApplyReport& report, const std::string& object, const Result<void>& done) {
  if (done) {
    ++report.writes;
  } else {
    report.problems.push_back({.object = object, .error = done.error()});
  }
}

}  // namespace sextant::dataplane
