// UPDATEs for the tests of the RIB, and what it holds as text.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bgp/rib/rib.h"
#include "bgp/wire/message.h"
#include "bgp/wire/update_writer.h"

namespace sextant::bgp {

inline IpPrefix prefix_of(std::string_view text) { return IpPrefix::parse(text).value(); }
inline IpAddress address_of(std::string_view text) { return IpAddress::parse(text).value(); }
inline RouteKey key_of(std::string_view prefix) { return key_of(prefix_of(prefix)); }

inline AsPath as_path(std::vector<std::uint32_t> asns) {
  AsPath path;
  if (!asns.empty()) {
    path.segments.push_back({.type = AsSegment::Type::kSequence, .asns = std::move(asns)});
  }
  return path;
}

/// Attributes as an internal peer sends them.
inline Attributes attributes_of(std::vector<std::uint32_t> asns = {},
                                std::uint32_t local_pref = 100) {
  Attributes attributes;
  attributes.origin = Origin::kIgp;
  attributes.as_path = as_path(std::move(asns));
  attributes.local_pref = local_pref;
  return attributes;
}

/// Calls `each` with every UPDATE in `bytes`, whole messages.
inline void for_each_update(const std::vector<std::uint8_t>& bytes,
                            const std::function<void(const UpdateView&)>& each) {
  std::span<const std::uint8_t> rest(bytes);
  while (!rest.empty()) {
    const auto message = next_message(rest, kMaxExtendedMessage);
    ASSERT_TRUE(message.has_value() && message->has_value());
    each(split_update((*message)->body));
    rest = rest.subspan((*message)->size);
  }
}

/// What a peer sends to announce IPv6 prefixes (IPv4 ones where the first is one).
inline std::vector<std::uint8_t> announcement(const std::vector<std::string>& prefixes,
                                              const Attributes& attributes,
                                              std::string_view next_hop = "fd00:0:1::1",
                                              const SessionFacts& facts = {}) {
  std::vector<std::uint8_t> bytes;
  const bool v4 = prefix_of(prefixes.front()).family() == sextant::Family::kIpv4;
  UpdateWriter writer(bytes, v4 ? kIpv4Unicast : kIpv6Unicast, kMaxMessage);
  EXPECT_TRUE(
      writer.begin(encode_attributes(attributes, facts), NextHop{.address = address_of(next_hop)}));
  for (const auto& prefix : prefixes) writer.announce(PrefixNlri::of(prefix_of(prefix)));
  writer.finish();
  return bytes;
}

inline std::vector<std::uint8_t> withdrawal(const std::vector<std::string>& prefixes) {
  std::vector<std::uint8_t> bytes;
  const bool v4 = prefix_of(prefixes.front()).family() == sextant::Family::kIpv4;
  UpdateWriter writer(bytes, v4 ? kIpv4Unicast : kIpv6Unicast, kMaxMessage);
  for (const auto& prefix : prefixes) writer.withdraw(PrefixNlri::of(prefix_of(prefix)));
  writer.finish();
  return bytes;
}

/// The last UPDATE's outcome.
inline Received feed(Rib& rib, PeerId peer, const std::vector<std::uint8_t>& bytes) {
  Received received;
  for_each_update(bytes, [&](const UpdateView& update) { received = rib.receive(peer, update); });
  return received;
}

inline RibPeer internal_peer(std::uint8_t number) {
  RibPeer peer;
  peer.asn = 64512;
  peer.router_id = Ipv4Address({10, 0, 0, number});
  peer.address = address_of("fd00::" + std::to_string(number));
  return peer;
}

inline RibPeer external_peer(std::uint8_t number, std::uint32_t asn) {
  auto peer = internal_peer(number);
  peer.asn = asn;
  peer.facts.internal = false;
  return peer;
}

inline RibConfig test_config() {
  return {.local_as = 64512, .router_id = Ipv4Address({10, 0, 0, 100})};
}

/// The peer of the best path; none where there is none.
inline std::optional<PeerId> best_peer(const Rib& rib, Family family, const RouteKey& key) {
  const auto entry = rib.table(family).find(key);
  if (!entry) return std::nullopt;
  const auto best = rib.table(family).best(*entry);
  if (!best) return std::nullopt;
  return best->peer;
}

inline std::optional<PeerId> best_peer(const Rib& rib, std::string_view prefix) {
  const auto parsed = prefix_of(prefix);
  return best_peer(rib, parsed.family() == sextant::Family::kIpv4 ? kIpv4Unicast : kIpv6Unicast,
                   key_of(parsed));
}

}  // namespace sextant::bgp
