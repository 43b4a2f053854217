// How a command ends that cannot do its work: one line on standard error, exit status 1.
#pragma once

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <type_traits>
#include <utility>

#include "base/result.h"

namespace sextant::cli {

[[noreturn]] inline void fail(const Error& error) {
  fmt::print(stderr, "sextant: {}\n", error.message());
  throw CLI::RuntimeError(1);
}

template <typename T>
T value_or_fail(Result<T> result) {
  if (!result) fail(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace sextant::cli
