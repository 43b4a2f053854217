// Many plain watches, which only count what comes: what one event costs the API server.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "kubernetes/api.h"

namespace sextant::bench {

/// That many watches of a collection from now on, on a thread of their own, until this object goes.
class Watchers {
 public:
  /// Returns when each has been answered.
  Watchers(const ApiAccess& access, const std::string& collection, std::size_t count);
  ~Watchers();
  Watchers(const Watchers&) = delete;
  Watchers& operator=(const Watchers&) = delete;

  [[nodiscard]] std::size_t events() const;
  [[nodiscard]] std::size_t bytes() const;
  /// Waits for so many events. Throws where they do not come.
  void await(std::size_t events) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sextant::bench
