// What a benchmark says of its measurements.
#pragma once

#include <cstddef>
#include <span>

namespace sextant::bench {

/// The value below which `percent` of the values lie, by linear interpolation between the two
/// nearest. Precondition: there is a value, 0 <= percent <= 100.
[[nodiscard]] double percentile(std::span<const double> values, double percent);
[[nodiscard]] double median(std::span<const double> values);

/// One figure and the measurements that it stands for.
struct Figure {
  double value = 0;
  double lowest = 0;
  double highest = 0;
  std::size_t runs = 0;
};
/// The median, with the spread. Precondition: there is a value.
[[nodiscard]] Figure median_of(std::span<const double> values);
[[nodiscard]] Figure percentile_of(std::span<const double> values, double percent);

}  // namespace sextant::bench
