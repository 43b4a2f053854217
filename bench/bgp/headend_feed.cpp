#include "bgp/headend_feed.h"

#include <stdexcept>

#include "bgp/wire/attributes.h"
#include "bgp/wire/message.h"
#include "bgp/wire/prefix_sid.h"
#include "bgp/wire/sr_policy_tunnel.h"
#include "bgp/wire/update_writer.h"
#include "common/program.h"
#include "srv6/behavior.h"

namespace sextant::bench {
namespace {

constexpr std::uint32_t kFirstColor = 1000;
constexpr srv6::SidStructure kStructure{48, 16, 16, 0};

/// fdXX:0:0:N::last
Ipv6Address numbered(std::uint8_t second, std::size_t endpoint, std::uint8_t last) {
  Ipv6Address::Bytes bytes{0xfc, second};
  bytes[7] = static_cast<std::uint8_t>(endpoint + 1);
  bytes[15] = last;
  return Ipv6Address(bytes);
}

Ipv6Address endpoint_address(std::size_t endpoint) { return numbered(0xee, endpoint, 1); }

/// Function 0x12: End.DT6.
Ipv6Address service_sid(std::size_t endpoint) {
  auto bytes = numbered(0xdd, endpoint, 0).bytes();
  bytes[9] = 0x12;
  return Ipv6Address(bytes);
}

Ipv6Address segment(std::uint8_t router, std::uint8_t last) {
  Ipv6Address::Bytes bytes{0xfc, 0xff, 0, router};
  bytes[15] = last;
  return Ipv6Address(bytes);
}

bgp::PrefixNlri prefix(std::size_t endpoint, std::size_t color) {
  return {.bytes = {0xfd, 0xfb, 0, static_cast<std::uint8_t>(endpoint + 1), 0,
                    static_cast<std::uint8_t>(color + 1)},
          .length = 64};
}

srv6::Color color_of(std::size_t number) {
  return {static_cast<std::uint32_t>(kFirstColor + number)};
}

bgp::Attributes common_attributes() {
  bgp::Attributes attributes{.origin = bgp::Origin::kIgp};
  attributes.local_pref = 100;
  return attributes;
}

template <typename Nlri>
void add(std::vector<std::uint8_t>& out, bgp::Family family, const bgp::Attributes& attributes,
         std::size_t endpoint, const Nlri& nlri) {
  bgp::UpdateWriter writer(out, family, bgp::kMaxMessage);
  if (!writer.begin(bgp::encode_attributes(attributes, {}),
                    {.address = endpoint_address(endpoint)})) {
    throw std::runtime_error("the attributes of the feed do not fit a message");
  }
  writer.announce(nlri);
  writer.finish();
}

}  // namespace

IpPrefix steered_prefix(std::size_t endpoint, std::size_t color) {
  return prefix(endpoint, color).prefix(bgp::Afi::kIpv6);
}

std::vector<std::uint8_t> steered_prefixes() {
  std::vector<std::uint8_t> out;
  for (std::size_t endpoint = 0; endpoint < kEndpoints; ++endpoint) {
    auto attributes = common_attributes();
    attributes.prefix_sid =
        bgp::encode(bgp::PrefixSid{.l3_services = {{.sid = service_sid(endpoint),
                                                    .behavior = srv6::Behavior::kEndDt6,
                                                    .structure = kStructure}}});
    for (std::size_t color = 0; color < kColors; ++color) {
      attributes.extended_communities = {bgp::ExtendedCommunity::of({.color = color_of(color)})};
      add(out, bgp::kIpv6Unicast, attributes, endpoint, prefix(endpoint, color));
    }
  }
  return out;
}

std::vector<std::uint8_t> steering_policies(Ipv4Address headend, std::uint8_t generation) {
  std::vector<std::uint8_t> out;
  for (std::size_t endpoint = 0; endpoint < kEndpoints; ++endpoint) {
    for (std::size_t color = 0; color < kColors; ++color) {
      bgp::WeightedSegmentList list{.weight = 1};
      list.segments = {bgp::Segment::of(segment(generation, 1)),
                       bgp::Segment::of(segment(0x80, static_cast<std::uint8_t>(color + 1))),
                       bgp::Segment::of(service_sid(endpoint),
                                        bgp::SidBehavior{.behavior = srv6::Behavior::kEndDt6})};
      auto attributes = common_attributes();
      attributes.extended_communities = {bgp::ExtendedCommunity::route_target(headend, 0)};
      attributes.tunnel_encapsulation =
          must(bgp::encode_sr_policy({.preference = 100, .lists = {list}}));
      add(out, bgp::kSrPolicyIpv6, attributes, endpoint,
          bgp::SrPolicyNlri{1, color_of(color), endpoint_address(endpoint)});
    }
  }
  return out;
}

std::string first_segment(std::uint8_t generation) { return segment(generation, 1).to_string(); }

}  // namespace sextant::bench
