// An Ethernet address as a value.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant::netlink {

class MacAddress {
 public:
  using Bytes = std::array<std::uint8_t, 6>;
  constexpr MacAddress() = default;
  constexpr explicit MacAddress(Bytes bytes) : bytes_(bytes) {}
  /// "02:00:00:00:00:01"
  [[nodiscard]] static Result<MacAddress> parse(std::string_view text);
  [[nodiscard]] constexpr const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] std::string to_string() const;
  friend constexpr auto operator<=>(const MacAddress&, const MacAddress&) = default;

 private:
  Bytes bytes_{};
};

}  // namespace sextant::netlink
