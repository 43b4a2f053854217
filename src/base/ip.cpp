#include "base/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cassert>
#include <charconv>

namespace sextant {
namespace {

template <typename Bytes>
bool parse_bytes(int af, std::string_view text, Bytes& bytes) {
  std::string terminated(text);
  return terminated.find('\0') == std::string::npos &&
         inet_pton(af, terminated.c_str(), bytes.data()) == 1;
}

std::string format_bytes(int af, const std::uint8_t* bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(af, bytes, text, sizeof text);
  return text;
}

std::size_t hash_bytes(std::span<const std::uint8_t> bytes, std::size_t seed) {
  return std::hash<std::string_view>{}(
             {reinterpret_cast<const char*>(bytes.data()), bytes.size()}) ^
         (seed * 0x9e3779b97f4a7c15ULL);
}

}  // namespace

std::string_view to_string(Family family) { return family == Family::kIpv4 ? "IPv4" : "IPv6"; }

Result<Ipv4Address> Ipv4Address::parse(std::string_view text) {
  Bytes bytes{};
  if (!parse_bytes(AF_INET, text, bytes)) {
    return failure("read IPv4 address", "'" + std::string(text) + "'", "not an IPv4 address");
  }
  return Ipv4Address(bytes);
}

std::string Ipv4Address::to_string() const { return format_bytes(AF_INET, bytes_.data()); }

Result<Ipv6Address> Ipv6Address::parse(std::string_view text) {
  Bytes bytes{};
  if (!parse_bytes(AF_INET6, text, bytes)) {
    return failure(
        "read IPv6 address", "'" + std::string(text) + "'",
        Ipv4Address::parse(text) ? "an IPv4 address where IPv6 is needed" : "not an IPv6 address");
  }
  return Ipv6Address(bytes);
}

std::string Ipv6Address::to_string() const { return format_bytes(AF_INET6, bytes_.data()); }

Result<IpAddress> IpAddress::parse(std::string_view text) {
  if (auto v4 = Ipv4Address::parse(text)) return IpAddress(*v4);
  if (auto v6 = Ipv6Address::parse(text)) return IpAddress(*v6);
  return failure("read IP address", "'" + std::string(text) + "'", "not an IP address");
}

Ipv4Address IpAddress::v4() const {
  assert(is_v4());
  return Ipv4Address({bytes_[0], bytes_[1], bytes_[2], bytes_[3]});
}

Ipv6Address IpAddress::v6() const {
  assert(is_v6());
  return Ipv6Address(bytes_);
}

std::string IpAddress::to_string() const {
  return format_bytes(is_v4() ? AF_INET : AF_INET6, bytes_.data());
}

IpPrefix::IpPrefix(const IpAddress& address, std::uint8_t length)
    : length_(std::min(length, address_bits(address.family()))) {
  Ipv6Address::Bytes bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t first_bit = i * 8;
    if (first_bit >= length_) {
      bytes[i] = 0;
    } else if (first_bit + 8 > length_) {
      bytes[i] &= static_cast<std::uint8_t>(0xff00U >> (length_ - first_bit));
    }
  }
  address_ = address.is_v4() ? IpAddress(Ipv4Address({bytes[0], bytes[1], bytes[2], bytes[3]}))
                             : IpAddress(Ipv6Address(bytes));
}

Result<IpPrefix> IpPrefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) {
    return failure("read prefix", "'" + std::string(text) + "'", "not an IP prefix");
  }
  if (slash == std::string_view::npos) return host(*address);
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc{} || end != digits.data() + digits.size() ||
      length > address_bits(address->family())) {
    return failure("read prefix", "'" + std::string(text) + "'",
                   "the prefix length is not a number from 0 to " +
                       std::to_string(address_bits(address->family())));
  }
  IpPrefix prefix(*address, static_cast<std::uint8_t>(length));
  if (prefix.address() != *address) {
    return failure("read prefix", "'" + std::string(text) + "'", "host bits are set",
                   "write " + prefix.to_string());
  }
  return prefix;
}

IpPrefix IpPrefix::host(const IpAddress& address) {
  return IpPrefix(address, address_bits(address.family()));
}

bool IpPrefix::contains(const IpAddress& address) const {
  return address.family() == family() && IpPrefix(address, length_).address_ == address_;
}

bool IpPrefix::contains(const IpPrefix& other) const {
  return other.length_ >= length_ && contains(other.address_);
}

std::optional<IpAddress> IpPrefix::at(std::uint64_t offset) const {
  Ipv6Address::Bytes bytes{};
  const auto base = address_.bytes();
  std::ranges::copy(base, bytes.begin());
  std::uint64_t carry = offset;
  for (std::size_t i = base.size(); i-- > 0 && carry != 0;) {
    const std::uint64_t sum = bytes[i] + (carry & 0xff);
    bytes[i] = static_cast<std::uint8_t>(sum);
    carry = (carry >> 8) + (sum >> 8);
  }
  if (carry != 0) return std::nullopt;
  IpAddress address = address_.is_v4()
                          ? IpAddress(Ipv4Address({bytes[0], bytes[1], bytes[2], bytes[3]}))
                          : IpAddress(Ipv6Address(bytes));
  if (!contains(address)) return std::nullopt;
  return address;
}

std::string IpPrefix::to_string() const {
  return address_.to_string() + "/" + std::to_string(length_);
}

}  // namespace sextant

std::size_t std::hash<sextant::IpAddress>::operator()(
    const sextant::IpAddress& address) const noexcept {
  return sextant::hash_bytes(address.bytes(), static_cast<std::size_t>(address.family()));
}
std::size_t std::hash<sextant::Ipv6Address>::operator()(
    const sextant::Ipv6Address& address) const noexcept {
  return sextant::hash_bytes(address.bytes(), 6);
}
std::size_t std::hash<sextant::IpPrefix>::operator()(
    const sextant::IpPrefix& prefix) const noexcept {
  return sextant::hash_bytes(prefix.address().bytes(), prefix.length());
}
