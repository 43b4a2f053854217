// The version of all of Sextant's programs: that of the build.
#pragma once

#include <string_view>

namespace sextant {

/// "0.1.0"
[[nodiscard]] std::string_view version();

}  // namespace sextant
