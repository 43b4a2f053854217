// BGP as JSON (docs/reference-api.md): the speaker and its peers, the routes that it did not take.
#pragma once

#include <boost/json/fwd.hpp>

namespace sextant::bgp {
class Speaker;
}
namespace sextant::bgp_source {
class BgpSource;
}

namespace sextant::agent {

// `source` may be null: the agent does not speak BGP.
[[nodiscard]] boost::json::value bgp_peers_view(const bgp_source::BgpSource* source);
[[nodiscard]] boost::json::value bgp_rejected_view(const bgp_source::BgpSource* source);

// The same of any speaker.
[[nodiscard]] boost::json::value speaker_peers_view(const bgp::Speaker& speaker);
[[nodiscard]] boost::json::value speaker_rejected_view(const bgp::Speaker& speaker);

}  // namespace sextant::agent
