#include "bgp/rib/nlri_key.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace sextant::bgp {

namespace {

constexpr std::size_t kDistinguisher = 8;

std::size_t address_bytes(Afi afi) { return afi == Afi::kIpv4 ? 4 : 16; }

}  // namespace

std::size_t key_bytes(Family family) {
  if (family == kLinkState) return sizeof(std::uint32_t);
  const auto address = address_bytes(family.afi);
  return family.safi == Safi::kUnicast ? address : kDistinguisher + address;
}

RouteKey key_of(const SrPolicyNlri& nlri) {
  ByteWriter out;
  out.u32(nlri.distinguisher);
  out.u32(nlri.color.value);
  out.put(nlri.endpoint.bytes());
  return RouteKey::make(out.bytes(), static_cast<std::uint8_t>(out.size() * 8));
}

RouteKey key_of(const VpnNlri& nlri) {
  std::array<std::uint8_t, kDistinguisher + 16> bytes{};
  std::ranges::copy(nlri.distinguisher, bytes.begin());
  std::ranges::copy(nlri.prefix.bytes, bytes.begin() + kDistinguisher);
  return RouteKey::make(bytes, static_cast<std::uint8_t>(kDistinguisher * 8 + nlri.prefix.length));
}

SrPolicyNlri sr_policy_nlri(const RouteKey& key) {
  ByteReader in(key.bytes());
  SrPolicyNlri nlri;
  nlri.distinguisher = in.u32();
  nlri.color = srv6::Color{in.u32()};
  nlri.endpoint = in.remaining() == 4 ? IpAddress(in.ipv4()) : IpAddress(in.ipv6());
  return nlri;
}

VpnNlri vpn_nlri(const RouteKey& key) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(key.words.data());
  VpnNlri nlri;
  std::copy_n(bytes, kDistinguisher, nlri.distinguisher.begin());
  std::copy_n(bytes + kDistinguisher, nlri.prefix.bytes.size(), nlri.prefix.bytes.begin());
  nlri.prefix.length = static_cast<std::uint8_t>(key.length - kDistinguisher * 8);
  return nlri;
}

std::string to_string(Family family, const RouteKey& key) {
  switch (family.safi) {
    case Safi::kSrPolicy:
      return sr_policy_nlri(key).to_string();
    case Safi::kMplsVpn:
      return vpn_nlri(key).to_string(family.afi);
    case Safi::kLinkState:
      return "link-state route " + std::to_string(ByteReader(key.bytes()).u32());
    case Safi::kUnicast:
      break;
  }
  return prefix_nlri(key).prefix(family.afi).to_string();
}

IpPrefix filter_prefix(Family family, const RouteKey& key) {
  switch (family.safi) {
    case Safi::kSrPolicy:
      return IpPrefix::host(sr_policy_nlri(key).endpoint);
    case Safi::kMplsVpn:
      return vpn_nlri(key).prefix.prefix(family.afi);
    case Safi::kLinkState:
      return IpPrefix(Ipv6Address(), 0);
    case Safi::kUnicast:
      break;
  }
  return prefix_nlri(key).prefix(family.afi);
}

}  // namespace sextant::bgp
