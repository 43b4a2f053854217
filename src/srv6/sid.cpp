#include "srv6/sid.h"

#include <algorithm>

namespace sextant::srv6 {
namespace {

constexpr unsigned kMinLocatorBits = 8;
constexpr unsigned kMaxLocatorBits = 112;
constexpr unsigned kMinFunctionBits = 8;
constexpr unsigned kCustomaryNodeBits = 16;
constexpr unsigned kCustomaryFunctionBits = 16;

/// Why an address cannot be a SID; empty where it can. RFC 8402 section 3.1 wants a routable IPv6
/// address.
std::string_view no_sid_reason(const Ipv6Address& address) {
  const auto& bytes = address.bytes();
  if (address.is_multicast()) return "a multicast address cannot be a SID";
  if (address.is_link_local()) return "a link-local address cannot be a SID";
  if (std::ranges::all_of(bytes.begin(), bytes.begin() + 10, [](auto b) { return b == 0; })) {
    if (bytes[10] == 0xff && bytes[11] == 0xff) return "an IPv4-mapped address cannot be a SID";
    if (address.is_unspecified()) return "the unspecified address cannot be a SID";
    Ipv6Address::Bytes loopback{};
    loopback[15] = 1;
    if (bytes == loopback) return "the loopback address cannot be a SID";
  }
  return {};
}

auto locator_failure(const IpPrefix& prefix, std::string cause, std::string hint = {}) {
  return failure("read locator", prefix.to_string(), std::move(cause), std::move(hint));
}

}  // namespace

Result<Sid> Sid::parse(std::string_view text) {
  const std::string object = "'" + std::string(text) + "'";
  const auto address = Ipv6Address::parse(text);
  if (!address) return failure("read SID", object, address.error().cause, address.error().hint);
  if (const auto reason = no_sid_reason(*address); !reason.empty()) {
    return failure("read SID", object, std::string(reason));
  }
  return Sid(*address);
}

Result<Locator> Locator::make(const IpPrefix& prefix, const SidStructure& structure) {
  if (prefix.family() != Family::kIpv6) {
    return locator_failure(prefix, "an IPv4 prefix where IPv6 is needed");
  }
  const unsigned length = prefix.length();
  if (length < kMinLocatorBits || length > kMaxLocatorBits) {
    return locator_failure(prefix,
                           "the length is not from " + std::to_string(kMinLocatorBits) + " to " +
                               std::to_string(kMaxLocatorBits),
                           length > kMaxLocatorBits ? "leave room for a function of 16 bits" : "");
  }
  const auto first = prefix.address().v6();
  // The first address of a locator at the start of ::/8 is unspecified, and those addresses are
  // reserved.
  if (const auto reason = no_sid_reason(first); !reason.empty()) {
    return locator_failure(prefix, std::string(reason));
  }
  const unsigned block = structure.block;
  const unsigned node = structure.node;
  const unsigned function = structure.function;
  const unsigned argument = structure.argument;
  if (block + node != length) {
    return locator_failure(prefix, "block " + std::to_string(block) + " and node " +
                                       std::to_string(node) +
                                       " bits do not add up to the prefix length");
  }
  if (function < kMinFunctionBits) {
    return locator_failure(prefix, "a function of " + std::to_string(function) +
                                       " bits, at least " + std::to_string(kMinFunctionBits) +
                                       " are needed");
  }
  if (length + function + argument > 128) {
    return locator_failure(prefix, "locator, function and argument are " +
                                       std::to_string(length + function + argument) +
                                       " bits, more than 128");
  }
  Locator locator;
  locator.prefix_ = prefix;
  locator.structure_ = structure;
  return locator;
}

Result<Locator> Locator::make(const IpPrefix& prefix) {
  const unsigned length = prefix.length();
  const unsigned node = std::min(kCustomaryNodeBits, length / 2);
  return make(prefix, SidStructure{.block = static_cast<std::uint8_t>(length - node),
                                   .node = static_cast<std::uint8_t>(node),
                                   .function = kCustomaryFunctionBits,
                                   .argument = 0});
}

Result<Locator> Locator::parse(std::string_view text) {
  const auto prefix = IpPrefix::parse(text);
  if (!prefix) {
    return failure("read locator", "'" + std::string(text) + "'", prefix.error().cause,
                   prefix.error().hint);
  }
  return make(*prefix);
}

Sid Locator::sid(std::uint32_t function) const {
  auto bytes = prefix_.address().v6().bytes();
  // Bit by bit from the function's last bit upwards: the field need not begin or end at a byte.
  const unsigned begin = prefix_.length();
  unsigned bit = begin + structure_.function;
  for (std::uint32_t rest = function; rest != 0 && bit > begin; rest >>= 1) {
    --bit;
    if ((rest & 1) != 0) bytes[bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  }
  return Sid(Ipv6Address(bytes));
}

}  // namespace sextant::srv6
