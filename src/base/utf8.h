// Text that may come from anywhere, as UTF-8: what JSON (RFC 8259) and Prometheus' format require.
#pragma once

#include <string>
#include <string_view>

namespace sextant {

/// `bytes` with U+FFFD in place of each byte that belongs to no well-formed sequence (RFC 3629: no
/// surrogates, no overlong forms, nothing above U+10FFFF).
[[nodiscard]] std::string as_utf8(std::string_view bytes);

}  // namespace sextant
