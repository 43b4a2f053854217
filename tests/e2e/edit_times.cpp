#include "e2e/edit_times.h"

#include <fmt/format.h>

#include <algorithm>

#include "e2e/path_watch.h"

namespace sextant::e2e {
namespace {

constexpr std::chrono::seconds kPatience{10};

Spread spread_of(std::vector<std::chrono::microseconds> times) {
  if (times.empty()) return {};
  std::ranges::sort(times);
  const auto at = [&](std::size_t percent) { return times[(times.size() - 1) * percent / 100]; };
  return {.median = at(50), .p99 = at(99), .max = times.back()};
}

std::string describe(const Spread& spread) {
  const auto ms = [](std::chrono::microseconds time) {
    return static_cast<double>(time.count()) / 1000.0;
  };
  return fmt::format("median {:.2f} ms, 99th percentile {:.2f} ms, longest {:.2f} ms",
                     ms(spread.median), ms(spread.p99), ms(spread.max));
}

}  // namespace

std::string EditTimes::to_string() const {
  return fmt::format(
      "{} edits, file written to first packet on the new path:\n  IPv4: {}\n  IPv6: {}", edits,
      describe(ipv4), describe(ipv6));
}

Result<EachEdit> time_edits(const Lab& lab, int edits) {
  return time_edits(lab, edits, [&](const Path& path) { return lab.take(path); });
}

Result<EachEdit> time_edits(const Lab& lab, int edits, const Edit& apply) {
  auto north = PathWatch::start(lab.netns(kNorth.router));
  if (!north) return tl::unexpected(north.error());
  auto south = PathWatch::start(lab.netns(kSouth.router));
  if (!south) return tl::unexpected(south.error());
  EachEdit times;
  for (int edit = 0; edit < edits; ++edit) {
    const bool to_south = edit % 2 == 0;
    const Path& path = to_south ? kSouth : kNorth;
    PathWatch& watch = to_south ? *south : *north;
    const auto begun = std::chrono::system_clock::now();
    watch.arm(begun);
    if (auto taken = apply(path); !taken) return tl::unexpected(taken.error());
    const auto seen = watch.wait(kPatience);
    if (!seen) {
      return failure(fmt::format("edit {} of {}", edit + 1, edits), std::string(path.name),
                     "no packet came by the new path");
    }
    for (std::size_t family = 0; family < 2; ++family) {
      times[family].push_back(
          std::chrono::duration_cast<std::chrono::microseconds>((*seen)[family] - begun));
    }
  }
  return times;
}

Result<EditTimes> measure_edits(const Lab& lab, int edits) {
  auto times = time_edits(lab, edits);
  if (!times) return tl::unexpected(times.error());
  return EditTimes{.edits = edits,
                   .ipv4 = spread_of(std::move((*times)[0])),
                   .ipv6 = spread_of(std::move((*times)[1]))};
}

}  // namespace sextant::e2e
