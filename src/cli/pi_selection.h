// How policies are named on the command line. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "injector/injected_policy.h"

namespace sextant::cli {

/// Those that `text` means: by name, all candidate paths that have it; else by
/// COLOR,ENDPOINT[,DISTINGUISHER]. Error: none.
[[nodiscard]] Result<std::vector<injector::PolicyReport>> select_policies(
    const std::vector<injector::PolicyReport>& reports, const std::string& text);

/// "gold (94,fd12::1000,4)"; without a name the key alone.
[[nodiscard]] std::string full_title(const injector::InjectedPolicy& policy);

}  // namespace sextant::cli
