// The source that the command line names.
#pragma once

#include <memory>

#include "agent/options.h"
#include "base/result.h"
#include "sources/source.h"

namespace boost::asio {
class io_context;
}

namespace sextant::kubernetes {
class KubernetesSource;
}

namespace sextant::bgp_source {
class BgpSource;
}

namespace sextant::agent {

struct MadeSource {
  std::unique_ptr<sources::Source> source;
  kubernetes::KubernetesSource* kubernetes = nullptr;  // `source` or beneath it, where there is one
  bgp_source::BgpSource* bgp = nullptr;                // `source`, where it is one
};

/// `io` must outlive it. `restarting`: an earlier agent's forwarding is in place. Errors: the
/// directory cannot be watched; the credentials are not usable; what is wrong in BGP's settings.
[[nodiscard]] Result<MadeSource> make_source(const Options& options, boost::asio::io_context& io,
                                             bool restarting);

}  // namespace sextant::agent
