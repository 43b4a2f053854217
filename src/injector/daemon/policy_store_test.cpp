// What survives a restart of the injector, and what watchers hear.
#include "injector/daemon/policy_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "injector/daemon/announcer.h"
#include "injector/daemon/watchers.h"
#include "injector/report_json.h"

namespace sextant::injector {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

InjectedPolicy policy(std::uint32_t color) {
  InjectedPolicy made{.name = "p" + std::to_string(color),
                      .key = {.distinguisher = 1,
                              .color = {color},
                              .endpoint = IpAddress::parse("fd12::1000").value()}};
  made.tunnel.lists.push_back(
      {.segments = {bgp::Segment::of(Ipv6Address::parse("fcff:6::1").value())}});
  return made;
}

class Store : public ::testing::Test {
 protected:
  void SetUp() override {
    auto name = (fs::temp_directory_path() / "policy-store-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { fs::remove_all(folder); }
  fs::path folder;
};

TEST_F(Store, KeepsThePoliciesOverARestart) {
  {
    auto store = PolicyStore::open(folder / "state");
    ASSERT_TRUE(store) << store.error().message();
    EXPECT_THAT(store->list(), IsEmpty());
    ASSERT_TRUE(store->apply(difference({}, {policy(2), policy(1), policy(3)})));
    ASSERT_TRUE(store->apply(difference({policy(3)}, {})));
  }
  const auto again = PolicyStore::open(folder / "state");
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_THAT(again->list(), ElementsAre(policy(1), policy(2)));
}

TEST_F(Store, IsNotBegunAnewWhereItCannotBeRead) {
  std::ofstream(folder / "policies.json") << "{\"items\": [{\"kind\": ";
  const auto broken = PolicyStore::open(folder);
  ASSERT_FALSE(broken) << "to begin without policies would withdraw them all";
  EXPECT_THAT(broken.error().message(), HasSubstr("policies.json"));
  EXPECT_THAT(broken.error().hint, HasSubstr("move it away"));
}

TEST_F(Store, ChangesNothingThatCannotBeWritten) {
  auto store = PolicyStore::open(folder);
  ASSERT_TRUE(store);
  ASSERT_TRUE(store->apply(difference({}, {policy(1)})));
  fs::rename(folder, folder.string() + ".away");
  std::ofstream(folder) << "a file where the folder was";
  const auto failed = store->apply(difference({policy(1)}, {policy(2)}));
  fs::remove(folder);
  fs::rename(folder.string() + ".away", folder);
  ASSERT_FALSE(failed);
  EXPECT_THAT(store->list(), ElementsAre(policy(1)));
}

TEST(Attributes, NameTheHeadendsOrKeepTheRouteWithTheNeighbor) {  // RFC 9830 section 4.2.1
  auto one = policy(1);
  EXPECT_TRUE(attributes_of(one, Convention::kStandard).has(bgp::kNoAdvertise));
  EXPECT_FALSE(attributes_of(one, Convention::kCalicoVpp).has(bgp::kNoAdvertise));
  one.convention = Convention::kCalicoVpp;
  EXPECT_FALSE(attributes_of(one, Convention::kStandard).has(bgp::kNoAdvertise));
  one.headends = {Ipv4Address::parse("10.0.0.1").value()};
  one.convention.reset();
  const auto attributes = attributes_of(one, Convention::kStandard);
  EXPECT_FALSE(attributes.has(bgp::kNoAdvertise));
  ASSERT_EQ(attributes.extended_communities.size(), 1U);
  EXPECT_EQ(attributes.extended_communities[0].target_address(), one.headends[0]);
  EXPECT_EQ(bgp::decode_sr_policy(attributes.tunnel_encapsulation).value(),
            spelled_out(one.tunnel));
}

TEST(Attributes, FollowCalicoVppWhereAllPeersDo) {
  bgp::PeerConfig standard{.address = IpPrefix::parse("fd10::1/128").value()};
  auto calico_vpp = standard;
  calico_vpp.dialect = bgp::SrPolicyDialect::kCalicoVpp;
  EXPECT_EQ(usual_convention({}), Convention::kStandard);
  EXPECT_EQ(usual_convention({calico_vpp, standard}), Convention::kStandard);
  EXPECT_EQ(usual_convention({calico_vpp, calico_vpp}), Convention::kCalicoVpp);
}

std::vector<std::string> heard(agent::HttpStream& stream) {
  std::vector<std::string> lines;
  const auto text = stream.take();
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find('\n', begin);
    const auto event = read_event(text.substr(begin, end - begin)).value();
    lines.push_back(std::string(to_string(event.kind)) + " " + event.report.policy.name);
    begin = end + 1;
  }
  return lines;
}

TEST(Watchers, HearWhatIsThereAndThenWhatChanges) {
  Watchers watchers;
  EXPECT_FALSE(watchers.any());
  const PolicyReport one{.policy = policy(1)};
  const PolicyReport two{.policy = policy(2)};
  const auto first = watchers.add({one});
  EXPECT_THAT(heard(*first), ElementsAre("Present p1"));
  watchers.publish({one});
  EXPECT_THAT(heard(*first), IsEmpty());
  auto sent = two;
  sent.peers = {{.peer = "fd10::1", .established = true, .sent = true}};
  watchers.publish({one, two});
  const auto second = watchers.add({sent});
  EXPECT_THAT(heard(*first), ElementsAre("Announced p2", "Withdrawn p1", "Changed p2"));
  EXPECT_THAT(heard(*second), ElementsAre("Present p2"));
  first->leave();
  watchers.publish({});
  EXPECT_THAT(heard(*first), IsEmpty());
  EXPECT_THAT(heard(*second), ElementsAre("Withdrawn p2"));
  second->leave();
  EXPECT_FALSE(watchers.any());
}

TEST(Watchers, GiveUpWhoTakesNothing) {
  agent::HttpStream stream(10);
  int woken = 0;
  stream.on_ready([&woken] { ++woken; });
  stream.push("12345");
  EXPECT_FALSE(stream.gone());
  stream.push("123456");
  EXPECT_TRUE(stream.gone());
  EXPECT_EQ(woken, 2);
}

}  // namespace
}  // namespace sextant::injector
