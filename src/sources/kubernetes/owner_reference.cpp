#include "sources/kubernetes/owner_reference.h"

#include <boost/json/value.hpp>

namespace sextant::kubernetes {

boost::json::array owned_by_node(const std::string& name, const std::string& uid) {
  return {{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", name}, {"uid", uid}}};
}

}  // namespace sextant::kubernetes
