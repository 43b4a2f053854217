// Namespaces, veth pairs, addresses and static routes of a testbed: the cables, before any daemon.
#pragma once

#include "base/result.h"
#include "testbed/testbed.h"

namespace sextant::testbed {

/// Device MTU on every link.
inline constexpr std::uint32_t kUnderlayMtu = 1500;

/// Builds all of it from nothing. Precondition: none of its namespaces is there.
[[nodiscard]] Result<void> build_underlay(const Id& id, const Topology& lab);

/// Takes one machine out, its cables with it. Precondition: no process is left in it.
[[nodiscard]] Result<void> remove_machine(const Id& id, const Topology& lab,
                                          const std::string& machine);

/// Builds one machine that was taken out, with its cables to the others.
[[nodiscard]] Result<void> rebuild_machine(const Id& id, const Topology& lab,
                                           const std::string& machine);

}  // namespace sextant::testbed
