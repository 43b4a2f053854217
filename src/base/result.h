// Expected errors as values.
//
// An Error says what was wanted, on which object, what was found instead and what to do about it.
// Exceptions are for bugs and start-up only.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace sextant {

struct Error {
  std::string operation;  // what was wanted: "add route"
  std::string object;     // on what: "10.0.1.0/24", "policies.yaml:12 SRv6Policy/gold"
  std::string cause;      // what was found instead: "File exists (EEXIST)"
  std::string hint = {};  // what to do; empty where nothing useful can be said
  int errno_value = 0;  // of the system call or netlink request that failed; 0 where there was none

  /// "add route 10.0.1.0/24: File exists (EEXIST); hint"
  [[nodiscard]] std::string message() const;

  friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = tl::expected<T, Error>;

/// The Error of a failed system call: `cause` is the text and name of `errno_value`.
[[nodiscard]] tl::unexpected<Error> system_error(std::string operation, std::string object,
                                                 int errno_value);

[[nodiscard]] tl::unexpected<Error> failure(std::string operation, std::string object,
                                            std::string cause, std::string hint = {});

}  // namespace sextant
