// Routes of BGP-LS, whose keys are numbers, from one peer through the RIB to another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "bgp/rib/exporter.h"
#include "bgp/rib/test_support.h"
#include "bgp/wire/link_state_policy.h"

namespace sextant::bgp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

LinkStateNlri route(std::uint32_t number) {
  PolicyPath path;
  path.headend = {
      .asn = 64512, .router_id = Ipv4Address({10, 0, 0, 1}), .ipv6 = address_of("fd10::1000").v6()};
  path.endpoint = address_of("fd12::1000");
  path.color = {94};
  path.originator = address_of("10.0.0.99");
  path.discriminator = number;
  return encode(path);
}

std::string name(std::uint32_t number) { return LinkStateNlri{route(number)}.to_string(); }

Attributes with_state(std::uint16_t flags, const std::string& reason = {}) {
  auto attributes = attributes_of();
  attributes.link_state = encode(PolicyPathState{.flags = flags, .reason = reason});
  return attributes;
}

std::vector<std::uint8_t> told(const std::vector<LinkStateNlri>& routes,
                               const Attributes& attributes) {
  std::vector<std::uint8_t> bytes;
  UpdateWriter writer(bytes, kLinkState, kMaxMessage);
  EXPECT_TRUE(writer.begin(encode_attributes(attributes, {}),
                           NextHop{.address = address_of("fd10::1000")}, 200));
  for (const auto& one : routes) writer.announce(one);
  writer.finish();
  return bytes;
}

std::vector<std::uint8_t> withdrawn(const std::vector<LinkStateNlri>& routes) {
  std::vector<std::uint8_t> bytes;
  UpdateWriter writer(bytes, kLinkState, kMaxMessage);
  for (const auto& one : routes) writer.withdraw(one);
  writer.finish();
  return bytes;
}

/// What a peer hears: "+route" with the size of its BGP-LS attribute, "-route".
std::vector<std::string> heard(Exporter& exporter, PeerId client) {
  std::vector<std::string> all;
  while (exporter.pending(client, kLinkState)) {
    const auto bytes = exporter.next(client, kLinkState);
    if (!bytes) continue;
    for_each_update(*bytes, [&](const UpdateView& update) {
      EXPECT_EQ(update.judgement.verdict(), Verdict::kAccept) << update.judgement.reasons();
      const auto each = [&](std::span<const std::uint8_t> nlri, const std::string& sign,
                            const std::string& behind) {
        LinkStateNlriCursor cursor(nlri);
        for (std::span<const std::uint8_t> one; cursor.next(one);) {
          all.push_back(sign + LinkStateNlri{{one.begin(), one.end()}}.to_string() + behind);
        }
      };
      if (update.unreach) each(update.unreach->nlri, "-", "");
      if (!update.reach) return;
      std::vector<std::uint8_t> block;
      update.shared.append_to(block);
      const auto attributes = decode_attributes(block, {}, {.family = kLinkState}).attributes;
      each(update.reach->nlri, "+", " " + std::to_string(attributes.link_state.size()));
    });
  }
  return all;
}

class LinkStateRib : public testing::Test {
 protected:
  Rib rib{test_config()};
  Exporter exporter{rib};
  PeerId source = rib.add_peer(internal_peer(1));
  PeerId client = rib.add_peer(internal_peer(2));
  void SetUp() override { exporter.add(client, {.family = kLinkState, .reflect_client = true}); }
};

TEST_F(LinkStateRib, ReflectsRoutesWithTheirAttribute) {
  EXPECT_THAT(heard(exporter, client), IsEmpty());
  const auto received = feed(rib, source, told({route(1), route(2)}, with_state(kPathEvaluated)));
  EXPECT_EQ(received.judgement.verdict(), Verdict::kAccept) << received.judgement.reasons();
  EXPECT_EQ(received.announced, 2U);
  EXPECT_THAT(heard(exporter, client), ElementsAre("+" + name(1) + " 12", "+" + name(2) + " 12"));
  EXPECT_EQ(rib.name_of(kLinkState, rib.link_state_key(route(1).bytes)), name(1));
  feed(rib, source, told({route(2)}, with_state(kPathEvaluated | kPathValid, "why")));
  EXPECT_THAT(heard(exporter, client), ElementsAre("+" + name(2) + " 23"));
  EXPECT_EQ(feed(rib, source, withdrawn({route(1), route(7)})).withdrawn, 2U);
  EXPECT_THAT(heard(exporter, client), ElementsAre("-" + name(1)));
  rib.drop(source);
  EXPECT_FALSE(rib.step(100));
  EXPECT_THAT(heard(exporter, client), ElementsAre("-" + name(2)));
  EXPECT_EQ(rib.table(kLinkState).size(), 0U);
}

TEST_F(LinkStateRib, TellsItsOwnRoutesToo) {
  rib.announce(kLinkState, rib.link_state_key(route(1).bytes), with_state(kPathEvaluated),
               {.address = address_of("fd10::1000")});
  EXPECT_THAT(heard(exporter, client), ElementsAre("+" + name(1) + " 12"));
  rib.withdraw(kLinkState, rib.link_state_key(route(1).bytes));
  EXPECT_THAT(heard(exporter, client), ElementsAre("-" + name(1)));
}

TEST_F(LinkStateRib, KeepsNothingOfPeersWhoseRoutesAreIgnored) {
  auto peer = internal_peer(1);
  peer.ignored = {kLinkState};
  rib.set_peer(source, peer);
  const auto received = feed(rib, source, told({route(1)}, with_state(kPathEvaluated)));
  EXPECT_EQ(received.announced, 0U);
  EXPECT_EQ(rib.table(kLinkState).size(), 0U);
}

// RFC 9552 section 5.3: what does not fit goes on without its attribute.
TEST_F(LinkStateRib, PassesOnWhatFitsTheMessage) {
  auto large = attributes_of();
  large.link_state = encode(PolicyPathState{.flags = kPathEvaluated});
  large.link_state.insert(large.link_state.end(), {0x03, 0xe7, 0x0f, 0x80});  // 3,968 bytes of 999
  large.link_state.insert(large.link_state.end(), 0x0f80, 0);
  std::vector<std::uint8_t> bytes;
  UpdateWriter writer(bytes, kLinkState, kMaxExtendedMessage);
  ASSERT_TRUE(writer.begin(encode_attributes(large, {}),
                           NextHop{.address = address_of("fd10::1000")}, 200));
  writer.announce(route(1));
  writer.finish();
  feed(rib, source, bytes);
  EXPECT_THAT(heard(exporter, client), ElementsAre("+" + name(1) + " 0"));
}

TEST_F(LinkStateRib, ForgetsTheNamesOfRoutesThatAreGone) {
  feed(rib, source, told({route(0)}, with_state(kPathEvaluated)));
  const auto key = rib.link_state_key(route(0).bytes);
  std::set<std::uint32_t> numbers;
  for (std::uint32_t i = 1; i <= 5000; ++i) {
    feed(rib, source, told({route(i)}, with_state(kPathEvaluated)));
    const auto one = rib.link_state_key(route(i).bytes);
    numbers.insert(ByteReader(one.bytes()).u32());
    feed(rib, source, withdrawn({route(i)}));
    (void)heard(exporter, client);  // until then the route is somebody's business
  }
  EXPECT_LE(numbers.size(), 1024U);
  EXPECT_EQ(rib.link_state_key(route(0).bytes), key) << "it is still there";
  EXPECT_EQ(rib.name_of(kLinkState, key), name(0));
}

TEST_F(LinkStateRib, HoldsRejectedRoutesUnderTheirNames) {
  auto bad = with_state(kPathEvaluated);
  bad.origin.reset();
  feed(rib, source, told({route(1)}, bad));
  for (std::uint32_t i = 2; i < 2000; ++i) (void)rib.link_state_key(route(i).bytes);
  ASSERT_EQ(rib.rejected().routes().size(), 1U);
  const auto& rejected = rib.rejected().routes().front();
  EXPECT_TRUE(rejected.malformed);
  EXPECT_EQ(rib.name_of(rejected.family, rejected.key), name(1));
}

}  // namespace
}  // namespace sextant::bgp
