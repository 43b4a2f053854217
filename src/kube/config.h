// Where the API server is and how to prove who we are: from a kubeconfig or from the pod.
//
// What a file holds is read again when the file changes (tokens, client certificates, the CA), so
// rotation needs no restart. Not supported, each with an error that says what to use instead: exec
// and auth-provider plugins, proxies, passwords (gone from Kubernetes since 1.19), plain HTTP.
#pragma once

#include <string>

#include "base/result.h"

namespace sextant::kube {

/// PEM text, or the file that it is read from, again whenever it changes. Both empty: none.
struct Pem {
  std::string text;
  std::string file;

  [[nodiscard]] bool empty() const { return text.empty() && file.empty(); }
  friend bool operator==(const Pem&, const Pem&) = default;
};

struct Config {
  std::string server;       // "https://[fd00::1]:6443", may have a path
  std::string server_name;  // instead of the server's host for the certificate's check and SNI
  Pem ca;                   // empty: the system's authorities
  bool insecure_skip_tls_verify = false;
  Pem client_cert;
  Pem client_key;
  std::string token;
  std::string token_file;  // goes before `token`
  std::string ns;          // of the context or the pod; "default" where none is named
};

/// `path` may be a list separated by ':' as in KUBECONFIG: the first that says something counts.
/// Empty: $KUBECONFIG, else ~/.kube/config. `context` empty: the current one. Relative file names
/// are relative to the file that holds them. Certificates and keys are tried, so that bad ones
/// end here and not at the first request.
[[nodiscard]] Result<Config> load_kubeconfig(const std::string& path = {},
                                             const std::string& context = {});

struct InClusterPlaces {
  std::string directory = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::string host = {};  // empty: $KUBERNETES_SERVICE_HOST
  std::string port = {};  // empty: $KUBERNETES_SERVICE_PORT
};
/// A pod's ServiceAccount: its token and CA are followed as kubelet rotates them.
[[nodiscard]] Result<Config> in_cluster_config(const InClusterPlaces& places = {});

}  // namespace sextant::kube
