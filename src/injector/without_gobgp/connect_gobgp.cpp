// In place of the room `gobgp` where it is not built.
#include "injector/gobgp_backend.h"

namespace sextant::injector {

Result<std::unique_ptr<Backend>> connect_gobgp(GobgpOptions options) {
  return failure(
      "use", "GoBGP at " + options.host, "this sextant was built without GoBGP's API",
      "build it with cmake -DSEXTANT_WITH_GOBGP=ON, which names the packages it needs; or use "
      "the injector's own daemon, sextantd --injector");
}

}  // namespace sextant::injector
