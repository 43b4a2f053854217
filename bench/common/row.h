// One result of a benchmark, as a line of JSON and as a line of a table.
//
//   {"bench":"dataplane","case":"udp64-ipv6","unit":"packets/s","ours":N,
//    "peer":"vxlan","theirs":N,"ratio":R,"runs":5}
//
// `peer`, `theirs` and `ratio` only where there is a peer; a peer that could not do it has
// `failed`, the reason, in place of the latter two. A ratio above 1 is in our favour, whether much
// or little of the unit is good.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "common/statistics.h"

namespace sextant::bench {

enum class Better { kMore, kLess };

struct Row {
  struct Peer {
    std::string name;
    Figure theirs = {};
    std::string failure = {};  // why there is no figure; empty: there is
  };
  std::string bench;
  std::string name;  // of the case
  std::string unit;
  Better better = Better::kMore;
  Figure ours;
  std::optional<Peer> peer = {};
};

/// ours/theirs where more is better, theirs/ours where less is. None without a peer or where it
/// failed, and where the divisor is 0.
[[nodiscard]] std::optional<double> ratio(const Row& row);

/// Without a line break.
[[nodiscard]] std::string to_json(const Row& row);
/// For people: with the lowest and highest of the runs.
[[nodiscard]] std::string to_table(std::span<const Row> rows);

}  // namespace sextant::bench
