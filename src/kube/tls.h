// TLS contexts from PEM text. Private to this room.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace boost::asio::ssl {
class context;
}

namespace sextant::kube {

struct TlsMaterial {
  std::string ca = {};  // empty: the system's authorities
  std::string cert = {};
  std::string key = {};
  bool insecure = false;
};

/// TLS 1.2 or later; the server is verified against `ca` unless `insecure`. Any certificate in `ca`
/// is trusted, also an intermediate one, as in client-go.
[[nodiscard]] Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(
    const TlsMaterial& material);

/// What OpenSSL's queue of errors says, which it empties.
[[nodiscard]] std::string tls_errors();

}  // namespace sextant::kube
