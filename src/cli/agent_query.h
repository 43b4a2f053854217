// One question to an agent, its answer as JSON.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

#include "base/result.h"

namespace sextant::cli {

/// GET of `target` on the agent's socket. Errors: no agent, or one that answers with an error,
/// whose words are kept.
[[nodiscard]] Result<boost::json::value> ask_agent(const std::string& socket,
                                                   const std::string& target);

}  // namespace sextant::cli
