#include "dataplane/linux/writes.h"

#include <algorithm>

namespace sextant::dataplane {
namespace {

constexpr std::size_t kFlushAt = 4096;

}  // namespace

void Writes::add(const netlink::Message& message, std::initializer_list<int> tolerated) {
  batch_.add(message);
  pending_.push_back({.operation = netlink::operation_name(message.type()),
                      .object = message.object(),
                      .tolerated = tolerated});
  if (batch_.size() >= kFlushAt) flush();
}

void Writes::flush() {
  if (batch_.empty()) return;
  auto failures = socket_.send(batch_);
  if (!failures) {
    report_.problems.push_back({.object = pending_.front().object, .error = failures.error()});
  } else {
    report_.writes += batch_.size() - failures->size();
    for (auto& [index, error] : *failures) {
      auto& pending = pending_[index];
      if (std::ranges::find(pending.tolerated, error.errno_value) != pending.tolerated.end()) {
        continue;
      }
      error.operation = pending.operation;
      error.object = pending.object;
      report_.problems.push_back({.object = std::move(pending.object), .error = std::move(error)});
    }
  }
  batch_.clear();
  pending_.clear();
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
