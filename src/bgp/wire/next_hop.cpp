#include "bgp/wire/next_hop.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace sextant::bgp {
namespace {

constexpr std::size_t kDistinguisher = 8;  // RFC 4364 section 4.3.2: zero, in front of each address

}  // namespace

std::optional<NextHop> decode_next_hop(Family family, std::span<const std::uint8_t> bytes) {
  const std::size_t extra = family.safi == Safi::kMplsVpn ? kDistinguisher : 0;
  ByteReader reader(bytes);
  reader.take(extra);
  NextHop next_hop;
  if (bytes.size() == extra + 4) {
    // Only IPv6 routes cannot have one; SR policies of IPv6 endpoints can (RFC 9830 section 2.1).
    if (family.afi == Afi::kIpv6 && family.safi != Safi::kSrPolicy) return std::nullopt;
    next_hop.address = reader.ipv4();
    return next_hop;
  }
  next_hop.address = reader.ipv6();
  if (bytes.size() == extra + 16) return next_hop;
  // RFC 2545 section 3; RFC 8950 section 3
  reader.take(extra);
  next_hop.link_local = reader.ipv6();
  if (bytes.size() != 2 * (extra + 16)) return std::nullopt;
  return next_hop;
}

void encode_next_hop(Family family, const NextHop& next_hop, std::vector<std::uint8_t>& out) {
  const std::size_t extra = family.safi == Safi::kMplsVpn ? kDistinguisher : 0;
  const auto put = [&](std::span<const std::uint8_t> address) {
    out.insert(out.end(), extra, 0);
    out.insert(out.end(), address.begin(), address.end());
  };
  put(next_hop.address.bytes());
  if (next_hop.link_local && next_hop.address.is_v6()) put(next_hop.link_local->bytes());
}

bool is_usable(const NextHop& next_hop) {
  const auto bytes = next_hop.address.bytes();
  if (next_hop.address.is_v4()) return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224;
  if (next_hop.address.v6().is_multicast()) return false;
  // Neither :: nor ::1
  return !std::ranges::all_of(bytes.first(15), [](auto byte) { return byte == 0; }) ||
         bytes[15] > 1;
}

}  // namespace sextant::bgp
