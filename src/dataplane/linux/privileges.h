// What the data plane needs of process and kernel, asked before anything is touched.
#pragma once

#include "base/result.h"

namespace sextant::dataplane {

/// Errors name the missing capability (CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN) or the missing
/// part of the kernel.
[[nodiscard]] Result<void> check_privileges();

}  // namespace sextant::dataplane
