// The manual: sextant(1), sextantd(8), sextant-cni(8).
#pragma once

#include <string>

namespace sextant::cli {

/// roff of the page "sextant", "sextantd" or "sextant-cni".
[[nodiscard]] std::string manual(const std::string& page);

}  // namespace sextant::cli
