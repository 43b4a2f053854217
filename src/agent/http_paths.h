// Which path of an HTTP API answers which method.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "agent/http_server.h"

namespace sextant::agent {

using HttpAnswer = std::function<HttpResponse(const HttpRequest&)>;
using HttpMethods = std::map<std::string, HttpAnswer, std::less<>>;  // by "GET", "PUT" ...
using HttpPaths = std::map<std::string, HttpMethods, std::less<>>;   // by "/v1/status"

/// What follows a '?' is the answer's business. Other paths get 404 with those that there are,
/// other methods 405 with those of the path.
[[nodiscard]] HttpHandler serve(HttpPaths paths);

}  // namespace sextant::agent
