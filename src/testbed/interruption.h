// SIGINT and SIGTERM as a question, so that what was built can be taken down first.
#pragma once

#include <signal.h>

#include <array>

namespace sextant::testbed {

/// While one lives, both signals only set a flag. One at a time.
class Interruption {
 public:
  Interruption();
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  [[nodiscard]] bool asked() const;

 private:
  std::array<struct sigaction, 2> before_{};
};

}  // namespace sextant::testbed
