// Whose objects are: what a Node owns goes with it, by the API server's garbage collection.
#pragma once

#include <boost/json/array.hpp>
#include <string>

namespace sextant::kubernetes {

/// metadata.ownerReferences of an object that the Node of this name and uid owns.
[[nodiscard]] boost::json::array owned_by_node(const std::string& name, const std::string& uid);

}  // namespace sextant::kubernetes
