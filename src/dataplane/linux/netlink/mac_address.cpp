#include "dataplane/linux/netlink/mac_address.h"

#include <charconv>
#include <cstdio>

namespace sextant::netlink {

Result<MacAddress> MacAddress::parse(std::string_view text) {
  Bytes bytes{};
  bool ok = text.size() == 17;
  for (std::size_t i = 0; ok && i < bytes.size(); ++i) {
    const char* begin = text.data() + 3 * i;
    const auto [end, error] = std::from_chars(begin, begin + 2, bytes[i], 16);
    ok = error == std::errc{} && end == begin + 2 && (i == 5 || *end == ':');
  }
  if (!ok) {
    return failure("read MAC address", "'" + std::string(text) + "'", "not a MAC address",
                   "write six bytes in hex, as 02:00:00:00:00:01");
  }
  return MacAddress(bytes);
}

std::string MacAddress::to_string() const {
  char text[18];
  std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes_[0], bytes_[1], bytes_[2],
                bytes_[3], bytes_[4], bytes_[5]);
  return text;
}

}  // namespace sextant::netlink
