#include "bgp/negotiation.h"

#include <gtest/gtest.h>

#include "bgp/wire/message.h"

namespace sextant::bgp {
namespace {

SpeakerConfig speaker() {
  SpeakerConfig config;
  config.asn = 64512;
  config.router_id = Ipv4Address({10, 0, 0, 1});
  return config;
}

PeerConfig internal_peer() {
  PeerConfig peer;
  peer.address = IpPrefix::parse("fd10::2").value();
  peer.remote_as = 64512;
  peer.families = {{.family = kIpv4Unicast, .extended_next_hop = true}, {.family = kSrPolicyIpv6}};
  return peer;
}

Open theirs() {
  Open open;
  open.asn = 64512;
  open.hold_time = 30;
  open.identifier = Ipv4Address({10, 0, 0, 2});
  open.capabilities.families = {kSrPolicyIpv6, kIpv4Unicast, kIpv6Unicast};
  open.capabilities.four_octet_as = 64512;
  return open;
}

Open ours(const PeerConfig& peer = internal_peer()) { return make_open(speaker(), peer, {}); }

TEST(Negotiation, TakesWhatBothSidesHave) {
  auto open = theirs();
  open.capabilities.extended_message = true;
  open.capabilities.extended_next_hops = {{kIpv4Unicast, Afi::kIpv6}, {kVpnv4, Afi::kIpv6}};
  open.capabilities.graceful_restart = GracefulRestart{.seconds = 77};
  const auto result = negotiate(ours(), open, internal_peer());
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->internal);
  EXPECT_EQ(result->hold_time.count(), 30);  // the smaller one, RFC 4271 section 4.2
  EXPECT_EQ(result->families, (std::vector{kIpv4Unicast, kSrPolicyIpv6}));
  EXPECT_TRUE(result->four_octet_as);
  EXPECT_EQ(result->send_limit, kMaxExtendedMessage);
  EXPECT_EQ(result->extended_next_hop, std::vector{kIpv4Unicast});
  EXPECT_EQ(result->graceful_restart->seconds, 77);
  EXPECT_FALSE(result->route_refresh);  // theirs lacks it
}

TEST(Negotiation, LeavesOutWhatOneSideLacks) {
  auto peer = internal_peer();
  peer.extended_messages = false;
  peer.graceful_restart.enabled = false;
  auto open = theirs();
  open.capabilities.extended_message = true;
  open.capabilities.four_octet_as.reset();
  open.capabilities.graceful_restart = GracefulRestart{};
  open.hold_time = 0;
  const auto result = negotiate(ours(peer), open, peer);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->receive_limit, kMaxMessage);  // we did not offer it
  EXPECT_EQ(result->send_limit, kMaxExtendedMessage);
  EXPECT_FALSE(result->four_octet_as);
  EXPECT_FALSE(result->graceful_restart);
  EXPECT_EQ(result->hold_time.count(), 0);
}

TEST(Negotiation, APeerWithoutFamiliesSpeaksIpv4Unicast) {  // RFC 4760 section 8
  auto open = theirs();
  open.capabilities = {};
  const auto result = negotiate(ours(), open, internal_peer());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->families, std::vector{kIpv4Unicast});
}

TEST(Negotiation, SaysWhyThereIsNoSession) {
  auto other_as = theirs();
  other_as.asn = 64513;
  EXPECT_EQ(negotiate(ours(), other_as, internal_peer()).error(),
            notification(OpenError::kBadPeerAs));

  auto our_id = theirs();
  our_id.identifier = speaker().router_id;
  EXPECT_EQ(negotiate(ours(), our_id, internal_peer()).error(),
            notification(OpenError::kBadIdentifier));

  auto other_family = theirs();
  other_family.capabilities.families = {kVpnv4};
  const auto refused = negotiate(ours(), other_family, internal_peer());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().subcode, static_cast<int>(OpenError::kUnsupportedCapability));
  // RFC 5492 section 5: the capabilities that are missed, two of four bytes each.
  EXPECT_EQ(refused.error().data, (std::vector<std::uint8_t>{1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 73}));
}

TEST(Negotiation, AnyExternalAsStandsForEveryOneButOurs) {
  auto peer = internal_peer();
  peer.remote_as = 0;
  EXPECT_FALSE(negotiate(ours(peer), theirs(), peer));
  auto open = theirs();
  open.asn = 4200000000;
  const auto result = negotiate(ours(peer), open, peer);
  ASSERT_TRUE(result);
  EXPECT_FALSE(result->internal);
  EXPECT_EQ(result->remote_as, 4200000000);
}

TEST(Negotiation, AnExternalPeerMayHaveOurIdentifier) {  // RFC 6286 section 2.1
  auto peer = internal_peer();
  peer.remote_as = 64513;
  auto open = theirs();
  open.asn = 64513;
  open.identifier = speaker().router_id;
  EXPECT_TRUE(negotiate(ours(peer), open, peer));
}

TEST(Negotiation, RestartBitsSayWhatHappened) {  // RFC 4724 section 3
  const auto fresh = *ours().capabilities.graceful_restart;
  EXPECT_FALSE(fresh.restarted);
  EXPECT_FALSE(fresh.families.at(0).forwarding_preserved);
  const auto back =
      *make_open(speaker(), internal_peer(), {.restarting = true, .forwarding_preserved = true})
           .capabilities.graceful_restart;
  EXPECT_TRUE(back.restarted);
  EXPECT_TRUE(back.families.at(1).forwarding_preserved);
  EXPECT_EQ(back.families.size(), 2U);
}

TEST(Negotiation, LinkStateDoesNotOutliveTheSession) {
  auto peer = internal_peer();
  peer.families.push_back({.family = kLinkState});
  const auto open = make_open(speaker(), peer, {});
  EXPECT_EQ(open.capabilities.families.size(), 3U);
  for (const auto& kept : open.capabilities.graceful_restart->families) {
    EXPECT_NE(kept.family, kLinkState);
  }
}

TEST(Negotiation, TheHigherIdentifiersConnectionStays) {  // RFC 4271 section 6.8, RFC 6286
  auto peer = theirs();
  EXPECT_FALSE(keeps_own_connection(ours(), peer));
  EXPECT_TRUE(keeps_own_connection(peer, ours()));
  peer.identifier = speaker().router_id;
  peer.asn = 64513;
  EXPECT_FALSE(keeps_own_connection(ours(), peer));
  EXPECT_TRUE(keeps_own_connection(peer, ours()));
}

struct BadPeer {
  std::string_view cause;
  void (*spoil)(PeerConfig&);
};

TEST(Configuration, SaysWhatDoesNotFit) {
  const BadPeer rows[] = {
      {"no address family", [](PeerConfig& p) { p.families.clear(); }},
      {"family ipv4-unicast twice", [](PeerConfig& p) { p.families.push_back({kIpv4Unicast}); }},
      {"unknown family afi 25 safi 70",
       [](PeerConfig& p) {
         p.families.push_back({{Afi{25}, Safi{70}}});
       }},
      {"hold time of 2 s", [](PeerConfig& p) { p.hold_time = std::chrono::seconds(2); }},
      {"hold time of 70000 s", [](PeerConfig& p) { p.hold_time = std::chrono::seconds(70000); }},
      {"restart time of 4096 s",
       [](PeerConfig& p) { p.graceful_restart.restart_time = std::chrono::seconds(4096); }},
      {"MD5 password of 81 bytes", [](PeerConfig& p) { p.md5_password = std::string(81, 'x'); }},
      {"GTSM over 0 hops", [](PeerConfig& p) { p.gtsm_hops = 0; }},
      {"both GTSM and a TTL",
       [](PeerConfig& p) {
         p.gtsm_hops = 1;
         p.ttl = 5;
       }},
      {"port 0", [](PeerConfig& p) { p.port = 0; }},
      {"local address 10.0.0.1 of another family",
       [](PeerConfig& p) { p.local_address = IpAddress::parse("10.0.0.1").value(); }},
      {"a link-local address without a device",
       [](PeerConfig& p) { p.address = IpPrefix::parse("fe80::1").value(); }},
      {"not the address of a host",
       [](PeerConfig& p) { p.address = IpPrefix::parse("::").value(); }},
      {"a dynamic neighbour cannot be connected to",
       [](PeerConfig& p) {
         p.address = IpPrefix::parse("fd10::/64").value();
         p.mode = ConnectMode::kActive;
       }},
      {"extended next hops for ipv6-srpolicy",
       [](PeerConfig& p) { p.families[1].extended_next_hop = true; }},
      {"shutdown text that is not UTF-8", [](PeerConfig& p) { p.shutdown_text = "\xff"; }},
  };
  ASSERT_TRUE(validate(internal_peer()));
  for (const auto& row : rows) {
    auto peer = internal_peer();
    row.spoil(peer);
    const auto checked = validate(peer);
    ASSERT_FALSE(checked) << row.cause;
    EXPECT_EQ(checked.error().cause, row.cause);
  }
}

TEST(Configuration, ASpeakerNeedsAnAsAndAnIdentifier) {
  auto config = speaker();
  config.peers = {internal_peer()};
  EXPECT_TRUE(validate(config));
  config.peers.push_back(internal_peer());
  EXPECT_EQ(validate(config).error().cause, "configured twice");
  config = speaker();
  config.asn = 0;
  EXPECT_EQ(validate(config).error().cause, "no AS number");
  config = speaker();
  config.router_id = {};
  EXPECT_EQ(validate(config).error().cause, "no router identifier");
}

TEST(Configuration, KnowsWhatEndsASession) {
  const auto peer = internal_peer();
  auto other = peer;
  other.description = "other";
  other.families[0].max_prefixes.limit = 5;
  other.import_filter.accept_others = false;
  EXPECT_TRUE(peer.same_session(other));
  other.hold_time = std::chrono::seconds(9);
  EXPECT_FALSE(peer.same_session(other));
  other = peer;
  other.families.pop_back();
  EXPECT_FALSE(peer.same_session(other));
}

}  // namespace
}  // namespace sextant::bgp
