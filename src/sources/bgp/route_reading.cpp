#include "sources/bgp/route_reading.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace sextant::bgp_source {
namespace {

using bgp::SrPolicyDialect;

// RFC 9256 section 8.2, in the flags of RFC 9830 sections 2.4.2 and 2.4.3.
constexpr std::uint8_t kDropUponInvalid = 0x40;
constexpr std::uint32_t kColorOfIpv4 = 4;
constexpr std::uint32_t kColorOfIpv6 = 6;

/// The behavior announced with the list's last segment, where it is a known one.
std::optional<srv6::Behavior> last_behavior(const bgp::WeightedSegmentList& list) {
  if (list.segments.empty() || !list.segments.back().behavior) return std::nullopt;
  return srv6::behavior_of(static_cast<std::uint16_t>(list.segments.back().behavior->behavior));
}

/// What Calico-VPP means by a policy to the node itself with a single SID.
std::optional<NodeSid> node_sid(const bgp::SrPolicyNlri& nlri, const IpAddress& next_hop,
                                const bgp::SrPolicyTunnel& tunnel, SrPolicyDialect dialect) {
  if (dialect == SrPolicyDialect::kStandard || nlri.distinguisher != 0) return std::nullopt;
  const auto color = nlri.color.value;
  if (color != kColorOfIpv4 && color != kColorOfIpv6 && color != 0) return std::nullopt;
  if (nlri.endpoint != next_hop || !nlri.endpoint.is_v6()) return std::nullopt;
  if (tunnel.lists.size() != 1 || tunnel.lists.front().segments.size() != 1) return std::nullopt;
  const auto behavior = last_behavior(tunnel.lists.front());
  if (!behavior || !srv6::decapsulates(*behavior)) return std::nullopt;
  return NodeSid{nlri.endpoint.v6(), srv6::Sid(tunnel.lists.front().segments.front().sid),
                 *behavior};
}

/// RFC 9830 section 4.2.1. Without a route target the policy is for the neighbor it was sent to:
/// that NO_ADVERTISE is there was checked where the route was decoded.
std::string not_for(Ipv4Address self, const bgp::Attributes& attributes) {
  bool targets = false;
  for (const auto& community : attributes.extended_communities) {
    if (!community.is_route_target()) continue;
    if (community.target_address() == self) return {};
    targets = true;
  }
  if (!targets) return {};
  return "its route targets name other headends, not " + self.to_string() +
         " (RFC 9830 section 4.2.1)";
}

/// RFC 9256 section 2.6 wants printable characters. Peers send what they like, and a name goes into
/// JSON, metrics and terminals.
std::string readable(std::string_view name) {
  constexpr std::size_t kMost = 255;
  auto text = as_utf8(name.substr(0, kMost));
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return text;
}

/// Weight 0, where the dialect lets it pass, is SRv6-PI's: one list that takes all.
overlay::WeightedSegments segments_of(const bgp::WeightedSegmentList& list) {
  overlay::WeightedSegments segments{.segments = {},
                                     .weight = std::max(list.weight.value_or(1), 1U),
                                     .last_behavior = last_behavior(list)};
  for (const auto& segment : list.segments) segments.segments.emplace_back(srv6::Sid(segment.sid));
  return segments;
}

}  // namespace

overlay::ObjectKey policy_key(const bgp::SrPolicyNlri& nlri) { return {"BGP", nlri.to_string()}; }

std::uint32_t preference_of(const bgp::SrPolicyTunnel& tunnel, SrPolicyDialect dialect) {
  if (dialect != SrPolicyDialect::kStandard && tunnel.priority) return *tunnel.priority;
  return tunnel.preference.value_or(srv6::kDefaultPreference);
}

srv6::Originator originator_of(const bgp::Attributes& attributes, const RouteOrigin& origin) {
  const auto address = attributes.originator_id.value_or(origin.peer_identifier);
  Ipv6Address::Bytes bytes{};
  std::ranges::copy(address.bytes(), bytes.begin() + 12);
  std::uint32_t asn = origin.asn;
  for (const auto& segment : attributes.as_path.segments) {
    if (segment.type == bgp::AsSegment::Type::kSequence) asn = segment.asns.back();
  }
  return {asn, Ipv6Address(bytes)};
}

bool drops_upon_invalid(const bgp::SrPolicyTunnel& tunnel) {
  return (tunnel.binding_sid && (tunnel.binding_sid->flags & kDropUponInvalid) != 0) ||
         std::ranges::any_of(tunnel.srv6_binding_sids, [](const bgp::Srv6BindingSid& sid) {
           return (sid.flags & kDropUponInvalid) != 0;
         });
}

UnicastRoute read_unicast(const IpAddress& next_hop, const bgp::Attributes& attributes,
                          const RouteOrigin& origin) {
  UnicastRoute route{.next_hop = next_hop,
                     .color = attributes.color(),
                     .service = std::nullopt,
                     .calico_vpp = origin.dialect != SrPolicyDialect::kStandard};
  if (attributes.prefix_sid.empty()) return route;
  const auto prefix_sid = bgp::decode_prefix_sid(attributes.prefix_sid);
  if (prefix_sid && !prefix_sid->l3_services.empty()) {
    route.service = prefix_sid->l3_services.front();
  }
  return route;
}

PolicyReading read_sr_policy(const bgp::SrPolicyNlri& nlri, const IpAddress& next_hop,
                             const bgp::Attributes& attributes, const RouteOrigin& origin,
                             Ipv4Address self) {
  if (auto reason = not_for(self, attributes); !reason.empty())
    return Unusable{std::move(reason), true};
  const auto tunnel = bgp::decode_sr_policy(attributes.tunnel_encapsulation);
  if (!tunnel) return Unusable{tunnel.error().cause};
  if (auto sid = node_sid(nlri, next_hop, *tunnel, origin.dialect)) return *sid;
  if (auto reason = tunnel->unusable(origin.dialect); !reason.empty())
    return Unusable{std::move(reason)};
  if (nlri.color.value == 0) return Unusable{"color 0 is not a color (RFC 9256 section 2.1)"};

  overlay::Policy policy;
  policy.key = policy_key(nlri);
  policy.location = "BGP peer " + origin.peer;
  policy.endpoint = nlri.endpoint;
  policy.color = nlri.color;
  if (const auto sid = tunnel->srv6_bsid()) policy.binding_sid = srv6::Sid(*sid);
  if (drops_upon_invalid(*tunnel)) policy.fallback = overlay::Fallback::kDrop;
  auto& path = policy.paths.emplace_back();
  path.key = {.origin = srv6::kOriginBgp,
              .originator = originator_of(attributes, origin),
              .discriminator = nlri.distinguisher};
  path.name = tunnel->candidate_path_name.empty() ? nlri.to_string()
                                                  : readable(tunnel->candidate_path_name);
  path.preference = preference_of(*tunnel, origin.dialect);
  bool ipv4 = false;
  bool ipv6 = false;
  for (const auto& list : tunnel->lists) {
    if (!list.unusable(origin.dialect).empty()) continue;
    auto segments = segments_of(list);
    // A list that is only transport takes both families.
    const auto last = segments.last_behavior;
    const bool any = !last || !srv6::decapsulates(*last);
    ipv4 = ipv4 || any || srv6::decapsulates(*last, Family::kIpv4);
    ipv6 = ipv6 || any || srv6::decapsulates(*last, Family::kIpv6);
    path.lists.push_back(std::move(segments));
  }
  policy.ipv4 = ipv4;
  policy.ipv6 = ipv6;
  return policy;
}

}  // namespace sextant::bgp_source
