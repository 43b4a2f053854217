// A burst of SR Policies at a real agent with the real data plane.
#pragma once

namespace sextant::bench {

/// ms, from the first byte of the burst until the kernel has told of the last policy's new path.
struct BurstCosts {
  double programmed = 0;
  double processor = 0;  // the agent's processor time for it
};
/// Throws where a prefix does not take its policy's new path in the end.
[[nodiscard]] BurstCosts measure_burst();

}  // namespace sextant::bench
