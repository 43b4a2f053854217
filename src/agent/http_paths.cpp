#include "agent/http_paths.h"

#include <string_view>
#include <utility>

namespace sextant::agent {

HttpHandler serve(HttpPaths paths) {
  return [paths = std::move(paths)](const HttpRequest& request) {
    const auto path = std::string_view(request.target).substr(0, request.target.find('?'));
    const auto found = paths.find(path);
    if (found == paths.end()) {
      std::string known;
      for (const auto& [name, unused] : paths) known += (known.empty() ? "" : ", ") + name;
      return error_response(404, "no such path; there are " + known);
    }
    const auto method = found->second.find(request.method);
    if (method != found->second.end()) return method->second(request);
    std::string allowed;
    for (const auto& [name, unused] : found->second)
      allowed += (allowed.empty() ? "" : ", ") + name;
    auto refusal = error_response(405, "only " + allowed + " is allowed");
    refusal.allow = allowed;
    return refusal;
  };
}

}  // namespace sextant::agent
