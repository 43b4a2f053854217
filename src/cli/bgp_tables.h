// The agent's answers about BGP as tables for people.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

namespace sextant::cli {

/// Of /v1/bgp/peers: the speaker in a line, then its peers.
[[nodiscard]] std::string bgp_peers_table(const boost::json::value& answer);
/// Of /v1/bgp/routes. A destination's best path is marked with `*`.
[[nodiscard]] std::string bgp_routes_table(const boost::json::value& answer);
/// Of /v1/bgp/rejected.
[[nodiscard]] std::string bgp_rejected_table(const boost::json::value& answer);

}  // namespace sextant::cli
