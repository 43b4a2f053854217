// `sextant pi edit`: announced policies as text in somebody's editor, until they are good or given
// up.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "injector/difference.h"
#include "injector/policy_set.h"

namespace sextant::cli {

/// The policies as documents, behind lines that say what this is.
[[nodiscard]] std::string edit_text(const std::vector<injector::InjectedPolicy>& policies);

struct Edited {
  injector::Difference difference;  // empty: nothing was changed
  std::string file = {};            // holds the text, for the case that it cannot be announced
};

/// Opens the editor ($VISUAL, $EDITOR, vi) on `policies` and reads what it leaves, again and again
/// while there are mistakes. An empty text and one that was not changed give up. Errors: the editor
/// cannot be run or failed, mistakes that were left in place; the text's file is named.
[[nodiscard]] Result<Edited> edit_policies(const std::vector<injector::InjectedPolicy>& policies);

}  // namespace sextant::cli
