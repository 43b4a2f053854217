// A directory of manifests on the loop: polls it when the directory's descriptor is readable.
#pragma once

#include <memory>
#include <string>

#include "sources/source.h"

namespace boost::asio {
class io_context;
}

namespace sextant::sources {

/// Reads the directory at once. Errors: no inotify instance to be had. `io` must outlive it.
[[nodiscard]] Result<std::unique_ptr<Source>> open_manifests(boost::asio::io_context& io,
                                                             std::string directory);

}  // namespace sextant::sources
