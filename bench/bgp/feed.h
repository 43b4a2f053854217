// What a benchmark's peer announces: whole UPDATE messages in one buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "bgp/wire/family.h"
#include "bgp/wire/nlri.h"

namespace sextant::bench {

inline constexpr std::uint32_t kLocalAs = 64512;
inline constexpr std::size_t kPrefixes = 500000;  // /64
inline constexpr std::size_t kPrefixesAMessage = 200;
inline constexpr std::size_t kAttributeSets = 1000;
inline constexpr std::size_t kPolicies = 100000;  // two lists of four segments each

struct Feed {
  bgp::Family family;
  std::size_t routes = 0;
  std::vector<std::uint8_t> announce;
  std::vector<std::uint8_t> withdraw;
};

/// Which one of the feed: 0 to kPolicies.
[[nodiscard]] std::size_t policy_number(const bgp::SrPolicyNlri& nlri);
/// The same prefixes and policies whatever the next hop.
[[nodiscard]] Feed prefix_feed(const IpAddress& next_hop);
[[nodiscard]] Feed policy_feed(const IpAddress& next_hop);

}  // namespace sextant::bench
