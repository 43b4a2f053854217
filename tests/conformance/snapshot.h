// What a node's kernel holds, as lines to compare: links, addresses, routes, rules, nexthops,
// permanent neighbours, queueing disciplines, nft rules. What the kernel makes by itself
// (link-local, multicast) is left out. Namespaces that a data plane made beside the node's (named
// NODE-...) belong to the node.
#pragma once

#include <string>
#include <vector>

#include "lab_netns.h"

namespace sextant::conformance {

/// One object: the kind as a word of `ip`, e.g. "-6 route", and its line as that prints it. A
/// namespace itself is of the kind "netns".
struct KernelObject {
  std::string netns;  // its name
  std::string kind;
  std::string line;
  friend auto operator<=>(const KernelObject&, const KernelObject&) = default;
};

using Snapshot = std::vector<KernelObject>;  // sorted

[[nodiscard]] Snapshot take_snapshot(const LabNetns& node);
/// What `after` has and `before` has not.
[[nodiscard]] Snapshot added(const Snapshot& before, const Snapshot& after);
/// The same with nexthops known by what they do instead of by their numbers, which a repair may
/// change.
[[nodiscard]] Snapshot without_handles(const Snapshot& snapshot);
/// For messages; one object a line.
[[nodiscard]] std::string to_string(const Snapshot& snapshot);

/// The word after `key` in a line; empty where it is not there.
[[nodiscard]] std::string word_after(const std::string& line, std::string_view key);

}  // namespace sextant::conformance
