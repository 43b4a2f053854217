// Base64 (RFC 4648 section 4), as in a kubeconfig's *-data fields and in Secrets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sextant {

/// Spaces and line ends are skipped; padding is required. None where `text` is something else.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
[[nodiscard]] std::string to_base64(std::string_view bytes);

}  // namespace sextant
