// A coroutine that works whenever its bell rings, and again, later and later, where that fails.
//
// Used by those who bring one object of the API to a wanted state: LocatorClaimer, NodeKeeper.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>

#include "sources/kubernetes/bell.h"

namespace sextant::kubernetes {

inline constexpr std::chrono::milliseconds kFirstRetry{500};
inline constexpr std::chrono::milliseconds kLongestRetry{30'000};

/// `Worker` has the members client, bell, stopped, and `awaitable<bool> work()`, which says whether
/// there is nothing left to be tried again, and has told of the failure itself. Ends when `stopped`
/// is set and the bell rung.
template <typename Worker>
boost::asio::awaitable<void> work_when_rung(std::shared_ptr<Worker> self) {
  auto retry = kFirstRetry;
  while (!self->stopped) {
    co_await self->bell.wait();
    if (self->stopped) co_return;
    const bool done = co_await self->work();
    if (self->stopped) co_return;
    if (done) {
      retry = kFirstRetry;
      continue;
    }
    co_await pause_for(self->client.io(), retry);
    retry = std::min(retry * 2, kLongestRetry);
    self->bell.ring();
  }
}

}  // namespace sextant::kubernetes
