// A program that runs in a namespace while the benchmark measures, and ends with this object.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "common/space.h"

namespace sextant::bench {

class Child {
 public:
  /// Its output goes to the file `log`, which is made anew; empty: it is thrown away. Killed also
  /// where the benchmark is.
  Child(const Space& space, const std::vector<std::string>& command,
        const std::filesystem::path& log = {});
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Throws where it has ended by itself.
  void check() const;
  /// SIGTERM, and waits until it has ended. Throws where it does not.
  void end();

 private:
  std::string name_;
  mutable pid_t pid_ = -1;
};

}  // namespace sextant::bench
