// From an edit of a policy's file to the first packet on the new path, on the wire.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "e2e/lab.h"

namespace sextant::e2e {

/// IPv4, IPv6: one an edit.
using EachEdit = std::array<std::vector<std::chrono::microseconds>, 2>;

struct Spread {
  std::chrono::microseconds median{0};
  std::chrono::microseconds p99{0};
  std::chrono::microseconds max{0};
};

struct EditTimes {
  int edits = 0;
  Spread ipv4;
  Spread ipv6;
  /// "1000 edits, file written to first packet on the new path: IPv4 median 1.2 ms, ..."
  [[nodiscard]] std::string to_string() const;
};

/// Tells the agent, somehow, to take the path.
using Edit = std::function<Result<void>(const Path&)>;

/// Moves both families between the two paths `edits` times, each time waiting for the packets,
/// starting from kNorth. Needs streams of both families at work. The time counts from before the
/// edit, by packets sent after that. Errors: no packet came by the new path.
[[nodiscard]] Result<EachEdit> time_edits(const Lab& lab, int edits, const Edit& apply);
/// Edits of the manifest: from before the file is written.
[[nodiscard]] Result<EachEdit> time_edits(const Lab& lab, int edits);
/// The same in short.
[[nodiscard]] Result<EditTimes> measure_edits(const Lab& lab, int edits);

}  // namespace sextant::e2e
