// What the API server answered, where that was not what was asked for.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "base/result.h"

namespace sextant::kube {

struct ApiError {
  int status = 0;      // of HTTP; 0: there was no answer
  std::string reason;  // Status.reason: "Conflict", "NotFound", "AlreadyExists"; may be empty
  Error error;
  std::optional<std::chrono::seconds> retry_after = {};  // the server's wish

  [[nodiscard]] bool not_found() const { return status == 404; }
  [[nodiscard]] bool conflict() const { return status == 409 && reason != "AlreadyExists"; }
  [[nodiscard]] bool already_exists() const { return status == 409 && reason == "AlreadyExists"; }
  /// The resource version or the continue token is too old: list again.
  [[nodiscard]] bool expired() const { return status == 410; }
  /// The same request may do later: no answer, too many requests, the server's own trouble.
  [[nodiscard]] bool may_pass() const { return status == 0 || status == 429 || status >= 500; }
};

template <typename T>
using Answer = tl::expected<T, ApiError>;

}  // namespace sextant::kube
