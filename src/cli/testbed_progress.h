// How the testbeds' commands tell of their steps.
#pragma once

#include "testbed/testbed.h"

namespace sextant::cli {

/// Prints each step with the seconds since it was made.
[[nodiscard]] testbed::Progress testbed_progress();

}  // namespace sextant::cli
