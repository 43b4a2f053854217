// Files and folders of policies.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "injector/policy_set.h"

namespace sextant::injector {

/// Of a folder: *.yaml, *.yml and *.json directly in it, hidden ones aside, in the order of their
/// names. "-": standard input. Error: a path that is not there or cannot be read.
[[nodiscard]] Result<std::vector<NamedText>> load_texts(const std::vector<std::string>& paths);

/// The policies of all of them. Errors: those of load_texts; every mistake in them, a line each.
[[nodiscard]] Result<PolicySet> load_policies(const std::vector<std::string>& paths);

/// The mistakes of a set as one Error: a line each. None: there are none.
[[nodiscard]] Result<void> verdict_of(const PolicySet& set);

}  // namespace sextant::injector
