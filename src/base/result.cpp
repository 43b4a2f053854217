#include "base/result.h"

#include <cstring>

namespace sextant {

std::string Error::message() const {
  std::string text = operation;
  if (!object.empty()) text += " " + object;
  text += ": " + cause;
  if (!hint.empty()) text += "; " + hint;
  return text;
}

tl::unexpected<Error> system_error(std::string operation, std::string object, int errno_value) {
  const char* name = strerrorname_np(errno_value);
  auto failed =
      failure(std::move(operation), std::move(object),
              std::string(strerrordesc_np(errno_value) ? strerrordesc_np(errno_value) : "error") +
                  " (" + (name ? std::string(name) : std::to_string(errno_value)) + ")");
  failed.value().errno_value = errno_value;
  return failed;
}

tl::unexpected<Error> failure(std::string operation, std::string object, std::string cause,
                              std::string hint) {
  return tl::unexpected(
      Error{std::move(operation), std::move(object), std::move(cause), std::move(hint)});
}

}  // namespace sextant
