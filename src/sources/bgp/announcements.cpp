#include "sources/bgp/announcements.h"

#include <utility>

#include "bgp/wire/prefix_sid.h"
#include "bgp/wire/sr_policy_tunnel.h"

namespace sextant::bgp_source {
namespace {

using srv6::Behavior;

// Calico-VPP's numbers.
constexpr std::uint32_t kPreference = 11;
constexpr std::uint8_t kPriority = 10;
constexpr std::uint32_t kWeight = 12;

struct Service {
  Family family;
  srv6::Sid sid;
  Behavior behavior;
};

std::optional<Service> service_of(const Self& self, Family family) {
  const auto& own = family == Family::kIpv4 ? self.dt4 : self.dt6;
  if (own)
    return Service{family, *own, family == Family::kIpv4 ? Behavior::kEndDt4 : Behavior::kEndDt6};
  if (self.dt46) return Service{family, *self.dt46, Behavior::kEndDt46};
  return std::nullopt;
}

/// The structure of a SID of the node; none where it lies outside of the locator.
std::optional<srv6::SidStructure> structure_of(const Self& self, const srv6::Sid& sid) {
  if (!self.locator || !self.locator->contains(sid)) return std::nullopt;
  return self.locator->structure();
}

bgp::Attributes own_route() { return {.origin = bgp::Origin::kIgp}; }

Announcement unicast(const Self& self, const IpPrefix& prefix) {
  return {prefix.family() == Family::kIpv4 ? bgp::kIpv4Unicast : bgp::kIpv6Unicast,
          prefix,
          own_route(),
          {self.address}};
}

/// Under the End.B6.Encaps code point in the function's high byte, the color in the low one: where
/// no derived SID lies (their functions are the code points themselves).
srv6::Sid binding_sid(const srv6::Locator& locator, std::uint32_t color) {
  return locator.sid((static_cast<std::uint32_t>(Behavior::kEndB6Encaps) << 8) | color);
}

Announcement own_sid(const Self& self, const Service& service) {
  const std::uint32_t color = service.family == Family::kIpv4 ? 4 : 6;
  bgp::SrPolicyTunnel tunnel{.preference = kPreference, .priority = kPriority};
  if (self.locator) {
    tunnel.binding_sid = bgp::BindingSid{.sid = binding_sid(*self.locator, color).address()};
  }
  bgp::SidBehavior behavior{.behavior = service.behavior};
  if (const auto structure = structure_of(self, service.sid)) behavior.structure = *structure;
  tunnel.lists = {
      {.weight = kWeight, .segments = {{.sid = service.sid.address(), .behavior = behavior}}}};
  auto attributes = own_route();
  attributes.tunnel_encapsulation = bgp::encode_sr_policy(tunnel).value();  // one list, no name
  return {bgp::kSrPolicyIpv6,
          bgp::SrPolicyNlri{0, {color}, self.address},
          std::move(attributes),
          {self.address}};
}

}  // namespace

std::vector<Announcement> announcements(const Self& self, bool calico_vpp) {
  std::vector<Announcement> all;
  if (self.locator) all.push_back(unicast(self, self.locator->prefix()));
  for (const auto& prefix : self.pod_prefixes) {
    auto route = unicast(self, prefix);
    if (const auto service = service_of(self, prefix.family())) {
      route.attributes.prefix_sid = bgp::encode(
          bgp::PrefixSid{.l3_services = {{.sid = service->sid.address(),
                                          .behavior = service->behavior,
                                          .structure = structure_of(self, service->sid)}}});
    }
    all.push_back(std::move(route));
  }
  if (!calico_vpp) return all;
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    if (const auto service = service_of(self, family)) all.push_back(own_sid(self, *service));
  }
  return all;
}

}  // namespace sextant::bgp_source
