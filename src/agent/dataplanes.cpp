#include "agent/dataplanes.h"

#if __has_include("dataplane/linux/linux_dataplane.h")
#include "dataplane/linux/linux_dataplane.h"
#else
#include "dataplane/fake.h"
#endif

namespace sextant::agent {

Result<std::unique_ptr<dataplane::Dataplane>> make_dataplane(const Options& options) {
#if __has_include("dataplane/linux/linux_dataplane.h")
  return dataplane::make_linux_dataplane(
      {.max_segments = options.max_segments, .encap = options.encap});
#else
  static_cast<void>(options);
  return std::make_unique<dataplane::FakeDataplane>();
#endif
}

}  // namespace sextant::agent
