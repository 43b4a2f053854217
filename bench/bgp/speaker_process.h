// The speaker under measurement: a process that reflects to its clients, as the daemons do.
#pragma once

#include <cstddef>

#include "bgp/wire/family.h"

namespace sextant::bench {

/// Runs until SIGTERM. Exit status.
[[nodiscard]] int run_speaker(bgp::Family family, std::size_t clients);

}  // namespace sextant::bench
