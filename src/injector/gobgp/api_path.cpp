#include "injector/gobgp/api_path.h"

#include <algorithm>
#include <span>
#include <utility>

#include "attribute.pb.h"
#include "base/bytes.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/community.h"
#include "bgp/wire/next_hop.h"
#include "gobgp.pb.h"
#include "injector/gobgp/tunnel_messages.h"

namespace sextant::injector {
namespace {

constexpr std::uint32_t kRouteTarget = 2;  // sub-type, RFC 4360 section 4

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

template <typename Message>
void add(apipb::Path& path, const Message& message) {
  path.add_pattrs()->PackFrom(message);
}

/// Where none is named, GoBGP puts in its own address of each session.
std::string next_hop_of(const InjectedPolicy& policy) {
  if (policy.next_hop) return policy.next_hop->to_string();
  return policy.key.endpoint.is_v4() ? "0.0.0.0" : "::";
}

void add_audience(apipb::Path& path, const InjectedPolicy& policy, Convention convention) {
  if (!policy.headends.empty()) {
    apipb::ExtendedCommunitiesAttribute targets;
    for (const Ipv4Address& headend : policy.headends) {
      apipb::IPv4AddressSpecificExtended target;
      target.set_is_transitive(true);
      target.set_sub_type(kRouteTarget);
      target.set_address(headend.to_string());
      targets.add_communities()->PackFrom(target);
    }
    add(path, targets);
  } else if (policy.convention.value_or(convention) == Convention::kStandard) {
    apipb::CommunitiesAttribute communities;
    communities.add_communities(bgp::kNoAdvertise.value);
    add(path, communities);
  }
}

tl::unexpected<Error> unreadable(const std::string& object, std::string cause) {
  return failure("read the route from GoBGP", object, std::move(cause));
}

/// A path attribute as on the wire. RFC 4271 section 4.3.
struct RawAttribute {
  bgp::AttributeType type{};
  std::span<const std::uint8_t> value;
};

Result<RawAttribute> split(std::span<const std::uint8_t> bytes) {
  ByteReader in(bytes);
  const std::uint8_t flags = in.u8();
  RawAttribute attribute;
  attribute.type = static_cast<bgp::AttributeType>(in.u8());
  const std::size_t length = (flags & bgp::kFlagExtendedLength) != 0 ? in.u16() : in.u8();
  attribute.value = in.take(length);
  if (!in.ok()) return unreadable(to_string(attribute.type), "it is cut short");
  return attribute;
}

/// RFC 4760 section 3: AFI, SAFI, length and next hop.
std::optional<IpAddress> next_hop_of(bgp::Family family, std::span<const std::uint8_t> value) {
  ByteReader in(value);
  in.u16();
  in.u8();
  const auto hop = bgp::decode_next_hop(family, in.take(in.u8()));
  if (!hop || hop->address == IpAddress{Ipv4Address{}} ||
      hop->address == IpAddress{Ipv6Address{}}) {
    return std::nullopt;  // GoBGP's own
  }
  return hop->address;
}

std::vector<Ipv4Address> targets_of(std::span<const std::uint8_t> value) {
  std::vector<Ipv4Address> targets;
  ByteReader in(value);
  while (in.remaining() >= 8) {
    bgp::ExtendedCommunity community;
    std::ranges::copy(in.take(8), community.bytes.begin());
    if (!community.is_route_target()) continue;
    if (const auto address = community.target_address()) targets.push_back(*address);
  }
  return targets;
}

bool says_no_advertise(std::span<const std::uint8_t> value) {
  ByteReader in(value);
  while (in.remaining() >= 4) {
    if (bgp::Community{in.u32()} == bgp::kNoAdvertise) return true;
  }
  return false;
}

}  // namespace

apipb::Path path_of(const PolicyKey& key) {
  const bgp::Family family = family_of(key);
  apipb::Path path;
  path.mutable_family()->set_afi(static_cast<apipb::Family_Afi>(family.afi));
  path.mutable_family()->set_safi(static_cast<apipb::Family_Safi>(family.safi));
  apipb::SRPolicyNLRI nlri;
  const auto endpoint = key.endpoint.bytes();
  nlri.set_length(static_cast<std::uint32_t>(8 * (8 + endpoint.size())));
  nlri.set_distinguisher(key.distinguisher);
  nlri.set_color(key.color.value);
  nlri.set_endpoint(std::string(endpoint.begin(), endpoint.end()));
  path.mutable_nlri()->PackFrom(nlri);
  return path;
}

Result<apipb::Path> path_of(const InjectedPolicy& policy, Convention convention) {
  apipb::Path path = path_of(policy.key);
  add(path, apipb::OriginAttribute{});  // IGP
  apipb::NextHopAttribute next_hop;
  next_hop.set_next_hop(next_hop_of(policy));
  add(path, next_hop);
  add_audience(path, policy, convention);

  apipb::TunnelEncapAttribute attribute;
  if (auto written = write_tunnel(spelled_out(policy).tunnel, attribute); !written) {
    Error error = written.error();
    error.object = "policy " + policy.title() + ": " + error.object;
    return tl::unexpected(std::move(error));
  }
  add(path, attribute);
  return path;
}

bool is_local(const apipb::Path& path) {
  // GoBGP prints the address of no neighbor as "<nil>".
  return !IpAddress::parse(path.neighbor_ip()).has_value();
}

Result<PolicyKey> key_of(const apipb::Path& path) {
  const bgp::Afi afi =
      path.family().afi() == apipb::Family::AFI_IP ? bgp::Afi::kIpv4 : bgp::Afi::kIpv6;
  bgp::SrPolicyNlriCursor cursor(afi, bytes_of(path.nlri_binary()));
  PolicyKey key;
  if (!cursor.next(key)) return unreadable("an SR Policy", "its NLRI is malformed");
  return key;
}

Result<InjectedPolicy> policy_of(const apipb::Path& path, Convention convention) {
  const auto key = key_of(path);
  if (!key) return tl::unexpected(key.error());
  InjectedPolicy policy{.key = *key};
  Convention told = Convention::kCalicoVpp;
  for (const std::string& bytes : path.pattrs_binary()) {
    const auto attribute = split(bytes_of(bytes));
    if (!attribute) return tl::unexpected(attribute.error());
    switch (attribute->type) {
      case bgp::AttributeType::kMpReach:
        policy.next_hop = next_hop_of(policy.family(), attribute->value);
        break;
      case bgp::AttributeType::kCommunities:
        if (says_no_advertise(attribute->value)) told = Convention::kStandard;
        break;
      case bgp::AttributeType::kExtendedCommunities:
        policy.headends = targets_of(attribute->value);
        break;
      case bgp::AttributeType::kTunnelEncapsulation: {
        auto tunnel = bgp::decode_sr_policy(attribute->value);
        if (!tunnel) return unreadable(to_string(*key), tunnel.error().message());
        policy.tunnel = std::move(*tunnel);
        break;
      }
      default:
        break;
    }
  }
  policy.name = policy.tunnel.policy_name;
  if (policy.headends.empty() && told != convention) policy.convention = told;
  return policy;
}

}  // namespace sextant::injector
