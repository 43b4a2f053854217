// kubectl, run in the cluster's network as its administrator.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "testbed/cluster/daemons.h"

namespace sextant::cluster {

[[nodiscard]] testbed::Command kubectl_command(const Plan& plan,
                                               std::vector<std::string> arguments);

/// Standard output; a bad exit status is an Error with what it said.
[[nodiscard]] Result<std::string> kubectl(const Plan& plan, std::vector<std::string> arguments,
                                          std::string input = {},
                                          std::chrono::seconds limit = std::chrono::seconds{60});

/// Again and again until it succeeds; the last Error after `patience`.
[[nodiscard]] Result<std::string> kubectl_until(const Plan& plan,
                                                const std::vector<std::string>& arguments,
                                                std::chrono::milliseconds patience);

}  // namespace sextant::cluster
