#include <cstdlib>

#include "kube/config.h"
#include "kube/credentials.h"
#include "kube/endpoint.h"

namespace sextant::kube {
namespace {

std::string environment(const char* name) {
  const auto* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

Result<Config> in_cluster_config(const InClusterPlaces& places) {
  auto host = places.host.empty() ? environment("KUBERNETES_SERVICE_HOST") : places.host;
  const auto port = places.port.empty() ? environment("KUBERNETES_SERVICE_PORT") : places.port;
  if (host.empty() || port.empty())
    return failure("find", "the cluster's API server",
                   "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
                   "this is not a pod: use a kubeconfig");
  if (host.find(':') != std::string::npos) host = "[" + host + "]";

  Config config{.server = "https://" + host + ":" + port,
                .ca = {.file = places.directory + "/ca.crt"},
                .token_file = places.directory + "/token"};
  if (const auto endpoint = parse_server(config.server); !endpoint)
    return tl::unexpected(endpoint.error());
  if (auto checked = check_credentials(config); !checked) {
    auto error = checked.error();
    if (error.hint.empty())
      error.hint = "does the pod mount its service account (automountServiceAccountToken)?";
    return tl::unexpected(std::move(error));
  }
  FollowedFile ns(places.directory + "/namespace");
  config.ns = ns.refresh() && !ns.text().empty() ? ns.text() : "default";
  return config;
}

}  // namespace sextant::kube
