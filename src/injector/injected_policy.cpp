#include "injector/injected_policy.h"

namespace sextant::injector {

std::string to_string(const PolicyKey& key) {
  return std::to_string(key.color.value) + "," + key.endpoint.to_string() + "," +
         std::to_string(key.distinguisher);
}

}  // namespace sextant::injector
