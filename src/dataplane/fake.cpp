#include "dataplane/fake.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cstdint>

namespace sextant::dataplane {
namespace {

std::size_t entries(const overlay::ForwardingDiff& change) {
  return (change.identity ? 1U : 0U) + change.local_sids.size() + change.paths.size() +
         change.routes.size() + change.locator_routes.size() + change.domain.size();
}

template <typename Kind>
std::size_t count_of(const std::vector<FakeDataplane::Call>& calls) {
  const auto count = std::count_if(calls.begin(), calls.end(), [](const auto& call) {
    return std::holds_alternative<Kind>(call);
  });
  return static_cast<std::size_t>(count);
}

}  // namespace

FakeDataplane::FakeDataplane() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

Result<ApplyReport> FakeDataplane::reconcile(const overlay::Forwarding& wanted) {
  calls_.emplace_back(Reconcile{wanted});
  if (failure_) return tl::unexpected(*failure_);
  const auto writes = entries(overlay::diff(installed_, wanted));
  installed_ = wanted;
  forget_lists_that_are_gone();
  return ApplyReport{.writes = writes, .problems = problems_};
}

Result<ApplyReport> FakeDataplane::apply(const overlay::ForwardingDiff& change) {
  calls_.emplace_back(Apply{change});
  if (failure_) return tl::unexpected(*failure_);
  overlay::patch(installed_, change);
  forget_lists_that_are_gone();
  return ApplyReport{.writes = entries(change), .problems = problems_};
}

Result<void> FakeDataplane::remove_all() {
  calls_.emplace_back(RemoveAll{});
  if (failure_) return tl::unexpected(*failure_);
  installed_ = {};
  carried_.clear();
  return {};
}

Result<Counters> FakeDataplane::counters() {
  if (failure_) return tl::unexpected(*failure_);
  auto counters = counters_;
  if (!counts_paths_) return counters;
  for (const auto& [key, path] : installed_.paths) {
    auto& count = counters.paths[key];
    const auto found = carried_.find(key);
    if (found != carried_.end()) count.all = found->second.all;
    for (const auto& list : path.lists)
      count.lists.push_back(found != carried_.end() && found->second.lists.contains(list.segments)
                                ? found->second.lists.at(list.segments)
                                : Count{});
  }
  return counters;
}

void FakeDataplane::carry(const overlay::PathKey& path, std::size_t list, const Count& traffic) {
  auto& carried = carried_[path];
  carried.all += traffic;
  carried.lists[installed_.paths.at(path).lists.at(list).segments] += traffic;
}

void FakeDataplane::forget_lists_that_are_gone() {
  std::erase_if(carried_,
                [&](const auto& carried) { return !installed_.paths.contains(carried.first); });
  for (auto& [key, carried] : carried_) {
    const auto& lists = installed_.paths.at(key).lists;
    std::erase_if(carried.lists, [&](const auto& counted) {
      return std::ranges::none_of(lists,
                                  [&](const auto& list) { return list.segments == counted.first; });
    });
  }
}

bool FakeDataplane::damaged() {
  std::uint64_t events = 0;
  return ::read(event_.get(), &events, sizeof events) == sizeof events;
}

std::size_t FakeDataplane::reconciles() const { return count_of<Reconcile>(calls_); }
std::size_t FakeDataplane::applies() const { return count_of<Apply>(calls_); }

void FakeDataplane::damage() {
  const std::uint64_t one = 1;
  // Fails only where 2^64 - 1 events wait already: readable all the same.
  [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
}

}  // namespace sextant::dataplane
