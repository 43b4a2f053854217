// Routes of families other than unicast, from one peer through the RIB to another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bgp/rib/exporter.h"
#include "bgp/rib/nlri_key.h"
#include "bgp/rib/test_support.h"
#include "bgp/wire/sr_policy_tunnel.h"

namespace sextant::bgp {
namespace {

SrPolicyNlri policy(std::uint32_t distinguisher, std::string_view endpoint = "fd12::1000") {
  return {.distinguisher = distinguisher, .color = {94}, .endpoint = address_of(endpoint)};
}

VpnNlri vpn(std::string_view prefix, std::uint32_t label) {
  VpnNlri nlri;
  nlri.distinguisher = {0, 0, 0xfd, 0xe8, 0, 0, 0, 1};
  nlri.prefix = PrefixNlri::of(prefix_of(prefix));
  nlri.label = label;
  return nlri;
}

TEST(RouteKeys, NameTheDestinationOfEachFamilyAndLeadBack) {
  EXPECT_EQ(sr_policy_nlri(key_of(policy(4))), policy(4));
  EXPECT_EQ(sr_policy_nlri(key_of(policy(4, "192.0.2.1"))), policy(4, "192.0.2.1"));
  EXPECT_NE(key_of(policy(4)), key_of(policy(5)));
  EXPECT_EQ(to_string(kSrPolicyIpv6, key_of(policy(4))), "4:94:fd12::1000");
  EXPECT_EQ(filter_prefix(kSrPolicyIpv6, key_of(policy(4))), prefix_of("fd12::1000/128"));

  EXPECT_EQ(vpn_nlri(key_of(vpn("10.1.0.0/16", 0))), vpn("10.1.0.0/16", 0));
  EXPECT_EQ(key_of(vpn("10.1.0.0/16", 1)), key_of(vpn("10.1.0.0/16", 2)))
      << "a label does not make another route (RFC 8277 section 2.4)";
  EXPECT_NE(key_of(vpn("10.1.0.0/16", 1)), key_of(vpn("10.1.0.0/17", 1)));
  EXPECT_EQ(vpn_nlri(key_of(vpn("2001:db8::1/128", 0))), vpn("2001:db8::1/128", 0));
  EXPECT_EQ(filter_prefix(kVpnv4, key_of(vpn("10.1.0.0/16", 0))), prefix_of("10.1.0.0/16"));

  EXPECT_EQ(prefix_nlri(key_of("10.0.0.0/8")).prefix(Afi::kIpv4), prefix_of("10.0.0.0/8"));
  EXPECT_EQ(to_string(kIpv6Unicast, key_of("::/0")), "::/0");
}

Attributes policy_attributes(std::uint32_t preference) {
  SrPolicyTunnel tunnel{.preference = preference};
  tunnel.lists.push_back({.weight = 1, .segments = {Segment::of(address_of("fcff:6::1").v6())}});
  auto attributes = attributes_of();
  attributes.tunnel_encapsulation = encode_sr_policy(tunnel).value();
  attributes.extended_communities = {
      ExtendedCommunity::route_target(Ipv4Address({10, 0, 0, 100}), 0)};
  return attributes;
}

template <typename Nlri>
std::vector<std::uint8_t> message(Family family, const Nlri& nlri, const Attributes& attributes) {
  std::vector<std::uint8_t> bytes;
  UpdateWriter writer(bytes, family, kMaxMessage);
  EXPECT_TRUE(writer.begin(encode_attributes(attributes, {}),
                           NextHop{.address = address_of("fd00:0:1::1")}));
  writer.announce(nlri);
  writer.finish();
  return bytes;
}

TEST(SrPolicies, AWatcherOfAllPathsHearsOfEachCandidatePath) {
  Rib rib(test_config());
  const auto one = rib.add_peer(internal_peer(1));
  const auto two = rib.add_peer(internal_peer(2));
  const auto queue = rib.open_queue(kSrPolicyIpv6, ChangeQueue::Interest::kAllPaths);
  const auto heard = [&] {
    std::vector<EntryId> changes;
    queue->take(100, changes);
    std::vector<std::string> text;
    for (const auto entry : changes) {
      text.push_back(to_string(kSrPolicyIpv6, rib.table(kSrPolicyIpv6).key(entry)) + " paths " +
                     std::to_string(rib.table(kSrPolicyIpv6).paths(entry).size()));
      queue->done(entry);
    }
    return text;
  };
  feed(rib, one, message(kSrPolicyIpv6, policy(4), policy_attributes(100)));
  EXPECT_EQ(heard(), std::vector<std::string>{"4:94:fd12::1000 paths 1"});
  // The second is not better for BGP, but is a candidate path of its own.
  feed(rib, two, message(kSrPolicyIpv6, policy(4), policy_attributes(200)));
  EXPECT_EQ(best_peer(rib, kSrPolicyIpv6, key_of(policy(4))), one);
  EXPECT_EQ(heard(), std::vector<std::string>{"4:94:fd12::1000 paths 2"});
  rib.drop(one);
  EXPECT_FALSE(rib.step(100));
  EXPECT_EQ(heard(), std::vector<std::string>{"4:94:fd12::1000 paths 1"});
  rib.drop(two);
  EXPECT_FALSE(rib.step(100));
  EXPECT_EQ(heard(), std::vector<std::string>{"4:94:fd12::1000 paths 0"});
  EXPECT_EQ(rib.table(kSrPolicyIpv6).size(), 0U);
}

TEST(SrPolicies, Color0IsRejectedAlone) {  // RFC 9256 section 2.1
  Rib rib(test_config());
  const auto peer = rib.add_peer(internal_peer(1));
  auto zero = policy(4);
  zero.color = {0};
  const auto received = feed(rib, peer, message(kSrPolicyIpv6, zero, policy_attributes(100)));
  EXPECT_EQ(received.rejected, 1U);
  EXPECT_EQ(rib.table(kSrPolicyIpv6).size(), 0U);
  EXPECT_FALSE(rib.rejected().routes().front().reason.empty());
}

/// What a client of reflection hears, split into UPDATEs.
std::vector<UpdateView> reflected(Exporter& exporter, PeerId client, Family family,
                                  std::vector<MessageBytes>& kept) {
  std::vector<UpdateView> updates;
  while (exporter.pending(client, family)) {
    const auto bytes = exporter.next(client, family);
    if (!bytes) continue;
    kept.push_back(bytes);
    for_each_update(*bytes, [&](const UpdateView& update) {
      if (!update.end_of_rib()) updates.push_back(update);
    });
  }
  return updates;
}

TEST(SrPolicies, AreReflectedByteForByte) {
  Rib rib(test_config());
  Exporter exporter(rib);
  const auto source = rib.add_peer(internal_peer(1));
  const auto client = rib.add_peer(internal_peer(2));
  exporter.add(client, {.family = kSrPolicyIpv6, .reflect_client = true});
  const auto sent = policy_attributes(100);
  feed(rib, source, message(kSrPolicyIpv6, policy(4), sent));
  std::vector<MessageBytes> kept;
  const auto updates = reflected(exporter, client, kSrPolicyIpv6, kept);
  ASSERT_EQ(updates.size(), 1U);
  std::vector<std::uint8_t> block;
  updates[0].shared.append_to(block);
  const auto told = decode_attributes(block, {}, {.family = kSrPolicyIpv6}).attributes;
  EXPECT_EQ(told.tunnel_encapsulation, sent.tunnel_encapsulation);
  SrPolicyNlriCursor cursor(Afi::kIpv6, updates[0].reach->nlri);
  SrPolicyNlri nlri;
  ASSERT_TRUE(cursor.next(nlri));
  EXPECT_EQ(nlri, policy(4));
}

TEST(VpnRoutes, AreReflectedWithTheLabelThatTheyHaveNow) {
  Rib rib(test_config());
  Exporter exporter(rib);
  const auto source = rib.add_peer(internal_peer(1));
  const auto client = rib.add_peer(internal_peer(2));
  exporter.add(client, {.family = kVpnv4, .reflect_client = true});
  auto attributes = attributes_of();
  attributes.extended_communities = {ExtendedCommunity::route_target(64512, 7)};
  for (const std::uint32_t label : {0x000641U, 0x000651U}) {
    std::vector<std::uint8_t> bytes;
    UpdateWriter writer(bytes, kVpnv4, kMaxMessage);
    ASSERT_TRUE(writer.begin(encode_attributes(attributes, {}),
                             NextHop{.address = address_of("192.0.2.9")}));
    writer.announce(vpn("10.1.0.0/16", label));
    writer.announce(vpn("10.2.0.0/16", 0x000991));
    writer.finish();
    feed(rib, source, bytes);
    EXPECT_EQ(rib.table(kVpnv4).size(), 2U);
    std::vector<MessageBytes> kept;
    std::vector<VpnNlri> told;
    for (const auto& update : reflected(exporter, client, kVpnv4, kept)) {
      VpnNlriCursor cursor(Afi::kIpv4, update.reach->nlri);
      for (VpnNlri one; cursor.next(one);) told.push_back(one);
    }
    EXPECT_THAT(told, ::testing::Contains(vpn("10.1.0.0/16", label)));
  }
  rib.drop(source);
  EXPECT_FALSE(rib.step(100));
  std::vector<MessageBytes> kept;
  std::size_t withdrawn = 0;
  for (const auto& update : reflected(exporter, client, kVpnv4, kept)) {
    VpnNlriCursor cursor(Afi::kIpv4, update.unreach->nlri);
    for (VpnNlri one; cursor.next(one);) ++withdrawn;
  }
  EXPECT_EQ(withdrawn, 2U);
  EXPECT_EQ(rib.pool().size(), 0U);
}

}  // namespace
}  // namespace sextant::bgp
