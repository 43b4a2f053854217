#include "bgp/feed.h"

#include <stdexcept>

#include "bgp/wire/attributes.h"
#include "bgp/wire/message.h"
#include "bgp/wire/sr_policy_tunnel.h"
#include "bgp/wire/update_writer.h"
#include "common/program.h"

namespace sextant::bench {
namespace {

bgp::PrefixNlri prefix(std::size_t number) {
  bgp::PrefixNlri nlri{.bytes = {0x20, 0x01, 0x0d, 0xb8}, .length = 64};
  for (unsigned i = 0; i < 4; ++i) {
    nlri.bytes[4 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  }
  return nlri;
}

Ipv6Address sid(std::size_t router, std::size_t policy) {
  Ipv6Address::Bytes bytes{0xfc, 0xff, static_cast<std::uint8_t>(router >> 8U),
                           static_cast<std::uint8_t>(router)};
  bytes[12] = static_cast<std::uint8_t>(policy >> 24U);
  bytes[13] = static_cast<std::uint8_t>(policy >> 16U);
  bytes[14] = static_cast<std::uint8_t>(policy >> 8U);
  bytes[15] = static_cast<std::uint8_t>(policy);
  return Ipv6Address(bytes);
}

bgp::Attributes common_attributes() {
  bgp::Attributes attributes;
  attributes.origin = bgp::Origin::kIgp;
  attributes.local_pref = 100;
  return attributes;
}

/// Distinct by AS path, MED and community, as routes of a real network are.
bgp::Attributes attribute_set(std::size_t number) {
  const auto n = static_cast<std::uint32_t>(number);
  auto attributes = common_attributes();
  attributes.as_path.segments = {{.type = bgp::AsSegment::Type::kSequence,
                                  .asns = {65000 + n % 10, 100000 + n % 100, 200000 + n}}};
  attributes.med = n;
  attributes.communities = {{kLocalAs << 16U | 1U}, {kLocalAs << 16U | (n & 0xffffU)}};
  return attributes;
}

bgp::SrPolicyNlri policy(std::size_t number) {
  return {.distinguisher = 1,
          .color = {static_cast<std::uint32_t>(100 + number % 100)},
          .endpoint = sid(0xd000 + number / 100 % 100, number / 10000)};
}

bgp::Attributes policy_attributes(std::size_t number) {
  bgp::SrPolicyTunnel tunnel{.preference = 100, .priority = 10};
  tunnel.srv6_binding_sids = {bgp::Srv6BindingSid::of(sid(0xcafe, number))};
  for (std::size_t list = 0; list < 2; ++list) {
    auto& made = tunnel.lists.emplace_back();
    made.weight = static_cast<std::uint32_t>(list + 1);
    for (std::size_t i = 0; i < 4; ++i) {
      made.segments.push_back(bgp::Segment::of(sid(1 + (number + list * 4 + i) % 200, 1)));
    }
  }
  auto attributes = common_attributes();
  attributes.tunnel_encapsulation = must(bgp::encode_sr_policy(tunnel));
  attributes.extended_communities = {
      bgp::ExtendedCommunity::route_target(Ipv4Address({10, 0, 0, 1}), 0)};
  return attributes;
}

void begin(bgp::UpdateWriter& writer, const bgp::Attributes& attributes,
           const IpAddress& next_hop) {
  if (!writer.begin(bgp::encode_attributes(attributes, {}), {.address = next_hop})) {
    throw std::runtime_error("the attributes of the feed do not fit a message");
  }
}

}  // namespace

std::size_t policy_number(const bgp::SrPolicyNlri& nlri) {
  const auto bytes = nlri.endpoint.bytes();
  const auto router = static_cast<std::size_t>(bytes[2]) << 8U | bytes[3];
  return nlri.color.value - 100 + (router - 0xd000) * 100 + std::size_t{bytes[15]} * 10000;
}

Feed prefix_feed(const IpAddress& next_hop) {
  Feed feed{.family = bgp::kIpv6Unicast, .routes = kPrefixes};
  bgp::UpdateWriter announce(feed.announce, feed.family, bgp::kMaxMessage);
  bgp::UpdateWriter withdraw(feed.withdraw, feed.family, bgp::kMaxMessage);
  for (std::size_t i = 0; i < kPrefixes; ++i) {
    if (i % kPrefixesAMessage == 0) {
      announce.finish();
      begin(announce, attribute_set(i / kPrefixesAMessage % kAttributeSets), next_hop);
    }
    announce.announce(prefix(i));
    withdraw.withdraw(prefix(i));
  }
  announce.finish();
  withdraw.finish();
  return feed;
}

Feed policy_feed(const IpAddress& next_hop) {
  Feed feed{.family = bgp::kSrPolicyIpv6, .routes = kPolicies};
  bgp::UpdateWriter announce(feed.announce, feed.family, bgp::kMaxMessage);
  bgp::UpdateWriter withdraw(feed.withdraw, feed.family, bgp::kMaxMessage);
  for (std::size_t i = 0; i < kPolicies; ++i) {
    begin(announce, policy_attributes(i), next_hop);
    announce.announce(policy(i));
    announce.finish();
    withdraw.withdraw(policy(i));
  }
  withdraw.finish();
  return feed;
}

}  // namespace sextant::bench
