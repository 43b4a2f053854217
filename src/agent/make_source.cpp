#include "agent/make_source.h"

#include "sources/manifest_source.h"

namespace sextant::agent {

Result<std::unique_ptr<sources::Source>> make_source(const Options& options,
                                                     boost::asio::io_context& io) {
  if (options.kubernetes.wanted()) {
    return tl::unexpected(Error{.operation = "read",
                                .object = "the Kubernetes API",
                                .cause = "this build of sextantd cannot yet",
                                .hint = "use --manifests"});
  }
  return sources::open_manifests(io, options.manifests);
}

}  // namespace sextant::agent
