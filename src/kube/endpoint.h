// The address of an API server, read from its URL. Private to this room.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant::kube {

struct Endpoint {
  std::string host;  // a name or an address, without brackets
  std::uint16_t port = 443;
  std::string path;  // before each request's own; empty or "/x", without a slash at the end
  bool is_address = false;

  /// For the Host header: "[fd00::1]:6443", "api.example", "10.0.0.1:6443".
  [[nodiscard]] std::string authority() const;
};

[[nodiscard]] Result<Endpoint> parse_server(std::string_view url);

}  // namespace sextant::kube
