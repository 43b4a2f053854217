// Errors as the CNI specification wants them (section 5, "Error"): a code, a short message,
// details.
#pragma once

#include <string>
#include <tl/expected.hpp>

#include "base/result.h"

namespace sextant::cni {

/// Well-known codes below 100 are the specification's; the rest is ours.
enum class ErrorCode : unsigned {
  kIncompatibleVersion = 1,
  kUnsupportedField = 2,
  kUnknownContainer = 3,
  kInvalidEnvironment = 4,
  kIo = 5,
  kDecode = 6,
  kInvalidConfig = 7,
  kTryAgainLater = 11,
  kNotAvailable = 50,         // STATUS: no pod can be added
  kLimitedConnectivity = 51,  // STATUS: and the pods that are there may not reach everything
  kNetwork = 100,             // the kernel refused a part of the attachment
  kIpam = 101,                // the IPAM plugin broke the protocol
  kCheckFailed = 102,         // something of the attachment is missing or wrong
};

struct CniError {
  ErrorCode code = ErrorCode::kNetwork;
  std::string message;
  std::string details = {};
  friend bool operator==(const CniError&, const CniError&) = default;
};

template <typename T>
using Outcome = tl::expected<T, CniError>;

[[nodiscard]] inline tl::unexpected<CniError> refuse(ErrorCode code, std::string message,
                                                     std::string details = {}) {
  return tl::unexpected(CniError{code, std::move(message), std::move(details)});
}

/// `message` says which part of the work failed, the Error why.
[[nodiscard]] inline tl::unexpected<CniError> refuse(ErrorCode code, std::string message,
                                                     const Error& error) {
  return refuse(code, std::move(message), error.message());
}

}  // namespace sextant::cni
