// What a burst's injector announces to a headend: for each of 100 endpoints 100 prefixes of
// different colors, and for each color an SR Policy, so that each policy steers a prefix.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"

namespace sextant::bench {

inline constexpr std::size_t kEndpoints = 100;
inline constexpr std::size_t kColors = 100;
inline constexpr std::size_t kHeadendPolicies = kEndpoints * kColors;

[[nodiscard]] IpPrefix steered_prefix(std::size_t endpoint, std::size_t color);
/// UPDATEs with the prefixes: IPv6, with the endpoint's service SID and a Color community.
[[nodiscard]] std::vector<std::uint8_t> steered_prefixes();
/// UPDATEs with all policies, for the headend of that identifier. A generation differs from the
/// others in the first segment of each list.
[[nodiscard]] std::vector<std::uint8_t> steering_policies(Ipv4Address headend,
                                                          std::uint8_t generation);
/// That segment, as the kernel's tools print it.
[[nodiscard]] std::string first_segment(std::uint8_t generation);

}  // namespace sextant::bench
