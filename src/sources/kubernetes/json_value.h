// JSON of the API server -> the Value tree that the manifests' readers read.
#pragma once

#include <boost/json/fwd.hpp>

#include "sources/value.h"

namespace sextant::kubernetes {

/// Lines are not known, but those inside of a string count from its beginning. Numbers are written
/// as JSON writes them.
[[nodiscard]] sources::Value value_of(const boost::json::value& json);

}  // namespace sextant::kubernetes
