// The frame of every benchmark program: its command line, its output, and an end that cleans up.
//
//   bench-NAME [--runs N] [-o table|json] [--case NAME...]
//
// Results go to standard output, progress to standard error. Setting up what is measured is
// start-up: what fails there throws, and so does an interruption, so that destructors take down
// what was built.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "common/row.h"

namespace sextant::bench {

enum class Format { kTable, kJson };

struct Options {
  int runs = 5;
  Format format = Format::kTable;
  std::vector<std::string> cases = {};  // how the names of those to measure begin; empty: all

  [[nodiscard]] bool wants(std::string_view name) const;
};

struct About {
  std::string name;  // "dataplane"
  std::string text;  // for --help
};

/// Runs `measure` and prints the rows. Exit status: 0, 1 where something failed, 2 where the
/// command line is wrong, 130 when interrupted.
[[nodiscard]] int run_program(int argc, char** argv, const About& about,
                              const std::function<std::vector<Row>(const Options&)>& measure);

/// A line of progress on standard error.
void progress(std::string_view text);

/// Throws where SIGINT or SIGTERM came.
void check_interruption();
[[nodiscard]] bool interrupted();

/// The value, or an exception that says what failed.
template <typename T>
T must(Result<T> result);
void must(const Result<void>& result);

namespace internal {
[[noreturn]] void throw_error(const Error& error);
}

template <typename T>
T must(Result<T> result) {
  if (!result) internal::throw_error(result.error());
  return std::move(*result);
}

}  // namespace sextant::bench
