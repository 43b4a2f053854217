#include "testbed/cluster/kubeconfig.h"

#include <fmt/format.h>

namespace sextant::cluster {

std::string kubeconfig_text(const Settings& settings, const std::string& user,
                            const Credentials& credentials) {
  return fmt::format(R"(apiVersion: v1
kind: Config
current-context: testbed
contexts:
- name: testbed
  context: {{cluster: testbed, user: {user}}}
clusters:
- name: testbed
  cluster:
    server: {server}
    certificate-authority: {ca}
users:
- name: {user}
  user:
    client-certificate: {certificate}
    client-key: {key}
)",
                     fmt::arg("user", user), fmt::arg("server", api_url(settings)),
                     fmt::arg("ca", credentials.authority.string()),
                     fmt::arg("certificate", credentials.certificate.string()),
                     fmt::arg("key", credentials.key.string()));
}

}  // namespace sextant::cluster
