// SR policies, their candidate paths and the choice of the active one. RFC 9256 section 2.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "srv6/segment_list.h"
#include "srv6/sid.h"

namespace sextant::srv6 {

/// RFC 9256 section 2.1: a non-zero 32-bit number that stands for an intent.
struct Color {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(const Color&, const Color&) = default;
};

/// RFC 9256 section 2.3; higher wins. A policy may set its own.
struct ProtocolOrigin {
  std::uint8_t value = 0;
  friend constexpr auto operator<=>(const ProtocolOrigin&, const ProtocolOrigin&) = default;
};
inline constexpr ProtocolOrigin kOriginPcep{10};
inline constexpr ProtocolOrigin kOriginBgp{20};
inline constexpr ProtocolOrigin kOriginConfiguration{30};  // manifests and Kubernetes objects

/// RFC 9256 section 2.4. Ordered by AS, then by address (128 bits; IPv4 in the low ones).
struct Originator {
  std::uint32_t asn = 0;
  Ipv6Address address;
  friend constexpr auto operator<=>(const Originator&, const Originator&) = default;
};

/// RFC 9256 section 2.6: what tells candidate paths of one policy apart.
struct CandidatePathKey {
  ProtocolOrigin origin = kOriginConfiguration;
  Originator originator;
  std::uint32_t discriminator = 0;  // RFC 9256 section 2.5; of BGP: the distinguisher
  friend constexpr auto operator<=>(const CandidatePathKey&, const CandidatePathKey&) = default;
};

inline constexpr std::uint32_t kDefaultPreference = 100;  // RFC 9256 section 2.7

struct CandidatePath {
  CandidatePathKey key;
  std::string name;
  std::uint32_t preference = kDefaultPreference;
  std::vector<SegmentList> lists;
  std::optional<Sid> binding_sid;
  /// Why the path is not valid (RFC 9256 sections 2.8 and 5); empty where nothing but its lists
  /// decides.
  std::string invalid_reason;
  /// RFC 9256 section 5.1: at least one valid list. Invalid lists beside it carry no traffic.
  [[nodiscard]] bool valid() const {
    return invalid_reason.empty() && std::ranges::any_of(lists, &SegmentList::valid);
  }
  friend bool operator==(const CandidatePath&, const CandidatePath&) = default;
};

/// RFC 9256 section 2.9: the valid path of the highest preference; among several the tie-breaks in
/// its order: 1. higher protocol origin; 2. the installed path, where it is given; 3. lower
/// originator; 4. higher discriminator. The index of the active path, none where no path is valid.
/// Does not depend on the order of `paths`: should two sources use one key (the RFC wants keys
/// unique), name, lists and binding SID decide, in that order, lower first.
[[nodiscard]] std::optional<std::size_t> select_active(
    std::span<const CandidatePath> paths,
    const std::optional<CandidatePathKey>& installed = std::nullopt);

}  // namespace sextant::srv6
