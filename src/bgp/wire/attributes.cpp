#include "bgp/wire/attributes.h"

#include <algorithm>
#include <utility>

namespace sextant::bgp {

std::string to_string(AttributeType type) {
  switch (type) {
    case AttributeType::kOrigin:
      return "ORIGIN";
    case AttributeType::kAsPath:
      return "AS_PATH";
    case AttributeType::kNextHop:
      return "NEXT_HOP";
    case AttributeType::kMed:
      return "MULTI_EXIT_DISC";
    case AttributeType::kLocalPref:
      return "LOCAL_PREF";
    case AttributeType::kAtomicAggregate:
      return "ATOMIC_AGGREGATE";
    case AttributeType::kAggregator:
      return "AGGREGATOR";
    case AttributeType::kCommunities:
      return "COMMUNITIES";
    case AttributeType::kOriginatorId:
      return "ORIGINATOR_ID";
    case AttributeType::kClusterList:
      return "CLUSTER_LIST";
    case AttributeType::kMpReach:
      return "MP_REACH_NLRI";
    case AttributeType::kMpUnreach:
      return "MP_UNREACH_NLRI";
    case AttributeType::kExtendedCommunities:
      return "EXTENDED COMMUNITIES";
    case AttributeType::kAs4Path:
      return "AS4_PATH";
    case AttributeType::kAs4Aggregator:
      return "AS4_AGGREGATOR";
    case AttributeType::kTunnelEncapsulation:
      return "TUNNEL_ENCAPSULATION";
    case AttributeType::kBgpLs:
      return "BGP-LS";
    case AttributeType::kLargeCommunities:
      return "LARGE_COMMUNITY";
    case AttributeType::kPrefixSid:
      return "PREFIX_SID";
  }
  return "attribute " + std::to_string(static_cast<unsigned>(type));
}

bool Attributes::has(Community community) const {
  return std::ranges::find(communities, community) != communities.end();
}

std::optional<ColorCommunity> Attributes::color() const {
  std::optional<ColorCommunity> highest;
  for (const auto& community : extended_communities) {
    const auto color = community.color();
    if (color && (!highest || color->color > highest->color)) highest = color;
  }
  return highest;
}

std::optional<Fault> check(const SrPolicyNlri& nlri, const SessionFacts& facts) {
  const auto fault = [&](const std::string& cause) {
    return Fault{Verdict::kTreatAsWithdraw,
                 static_cast<std::uint8_t>(AttributeType::kMpReach),
                 "SR policy " + nlri.to_string() + ": " + cause,
                 UpdateError::kOptionalAttribute,
                 {}};
  };
  if (nlri.color.value == 0 && facts.dialect != SrPolicyDialect::kOldCalicoVpp) {
    return fault("color 0 (RFC 9256 section 2.1)");
  }
  const auto bytes = nlri.endpoint.bytes();
  if (nlri.endpoint.is_v4() ? bytes[0] >= 224 && bytes[0] < 240 : bytes[0] == 0xff) {
    return fault("a multicast endpoint (RFC 9256 section 2.1)");
  }
  return std::nullopt;
}

}  // namespace sextant::bgp
