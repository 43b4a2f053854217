// What a running process costs.
#pragma once

#include <sys/types.h>

namespace sextant::bench {

/// On a processor until now, of all its threads. Time of threads that have ended is lost: measure
/// processes whose threads stay.
[[nodiscard]] double processor_seconds(pid_t process);

/// Megabytes of 1,000,000 bytes. Throws where the process has ended.
[[nodiscard]] double resident_megabytes(pid_t process);
/// The most that it ever had.
[[nodiscard]] double peak_megabytes(pid_t process);

}  // namespace sextant::bench
