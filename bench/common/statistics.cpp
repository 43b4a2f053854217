#include "common/statistics.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sextant::bench {

double percentile(std::span<const double> values, double percent) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const double place = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(std::floor(place));
  const auto above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

double median(std::span<const double> values) { return percentile(values, 50); }

Figure percentile_of(std::span<const double> values, double percent) {
  const auto [lowest, highest] = std::ranges::minmax(values);
  return {.value = percentile(values, percent),
          .lowest = lowest,
          .highest = highest,
          .runs = values.size()};
}

Figure median_of(std::span<const double> values) { return percentile_of(values, 50); }

}  // namespace sextant::bench
