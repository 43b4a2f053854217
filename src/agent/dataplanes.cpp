#include "agent/dataplanes.h"

#include "dataplane/linux/linux_dataplane.h"

namespace sextant::agent {

Result<std::unique_ptr<dataplane::Dataplane>> make_dataplane(const Options& options) {
  // The command line admits no other name.
  return dataplane::make_linux_dataplane({.max_segments = options.max_segments,
                                          .encap = options.encap,
                                          .uplinks = options.uplinks,
                                          .sid_sources = options.sid_sources,
                                          .nat_outgoing = options.nat_outgoing});
}

}  // namespace sextant::agent
