// One sextantd a node, left running when `up` has ended.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "testbed/testbed.h"

namespace sextant::testbed {

/// 0 where it does not run.
[[nodiscard]] pid_t agent_process(const Id& id, std::string_view node);

/// Starts the agents that do not run, and names them ("sextantd on worker1"). `bgp`: see bgp.h.
[[nodiscard]] Result<std::vector<std::string>> start_agents(const Id& id, const Topology& lab,
                                                            bool bgp,
                                                            const std::filesystem::path& programs);

/// The body of what the API on that socket answers with 200 by then; else empty.
[[nodiscard]] std::string ask_agent(const std::filesystem::path& socket, std::string_view target,
                                    std::chrono::steady_clock::time_point end);

/// Until each agent's /healthz answers 200. An Error tells what it said last, or how it ended.
[[nodiscard]] Result<void> await_agents(const Id& id, const Topology& lab,
                                        std::chrono::milliseconds patience);

}  // namespace sextant::testbed
