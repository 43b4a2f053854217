// FRRouting on the testbed's routers: zebra, staticd and isisd of Debian's package, one set in each
// router's namespace, with configuration, sockets and logs of its own. The system's FRR service is
// never touched.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "testbed/testbed.h"

namespace sextant::testbed {

/// Where a router's configuration, logs, pid files and vty sockets lie (vtysh --vty_socket).
[[nodiscard]] std::filesystem::path frr_directory(const Id& id, std::string_view router);

/// The configuration of one daemon ("zebra", "staticd", "isisd").
[[nodiscard]] std::string frr_configuration(const Topology& lab, const Router& router,
                                            std::string_view daemon);

/// Starts what does not run yet, and names it ("isisd on r3").
[[nodiscard]] Result<std::vector<std::string>> start_frr(const Id& id, const Topology& lab);

/// The daemons that should run and do not: "isisd on r3".
[[nodiscard]] std::vector<std::string> stopped_frr(const Id& id, const Topology& lab);

}  // namespace sextant::testbed
