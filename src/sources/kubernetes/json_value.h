// JSON of the API server -> the Value tree that the manifests' readers read.
#pragma once

#include <boost/json/fwd.hpp>

#include "sources/value.h"

namespace sextant::sources {

/// Lines are not known. Numbers are written as JSON writes them.
[[nodiscard]] Value value_of(const boost::json::value& json);

}  // namespace sextant::sources
