// What goes on in a quiet cluster: kubelets report, and Sextant's other agents.
#pragma once

#include <functional>
#include <thread>

#include "kubernetes/api.h"
#include "kubernetes/objects.h"

namespace sextant::bench {

/// Calls `each` that often a second with 0, 1, 2, ... on a thread of its own, until this object
/// goes. check() throws what it threw, and where it could not keep the pace.
class Background {
 public:
  Background(const ApiAccess& access, double rate,
             std::function<void(Api& api, std::size_t number)> each);
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void check() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::jthread thread_;
};

}  // namespace sextant::bench
