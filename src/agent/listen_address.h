// Where a TCP server listens, as the command line says it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"

namespace sextant::agent {

struct ListenAddress {
  std::optional<IpAddress> address;  // none: every address of the node, both families
  std::uint16_t port = 0;            // 0: a free one

  /// "127.0.0.1:9617", "[fd11::1000]:9617", ":9617". Errors: anything else, names of hosts too.
  [[nodiscard]] static Result<ListenAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

}  // namespace sextant::agent
