#include "agent/policy_labels.h"

#include <set>
#include <string>

namespace sextant::agent {

std::vector<LabelledPolicy> labelled_policies(const overlay::Resolver& resolver) {
  std::vector<LabelledPolicy> all;
  all.reserve(resolver.policies().size());
  for (const auto& [path, policy] : resolver.policies()) {
    std::set<std::string_view> objects;
    for (const auto& candidate : policy.candidates) objects.insert(candidate.object.name);
    std::string names;
    for (const auto& name : objects) names.append(names.empty() ? "" : ",").append(name);
    all.push_back({{{"policy", names},
                    {"color", path.color ? std::to_string(path.color->value) : ""},
                    {"endpoint", path.endpoint.to_string()},
                    {"endpoint_node", policy.endpoint_node},
                    {"family", to_string(path.family)}},
                   &policy});
  }
  return all;
}

}  // namespace sextant::agent
