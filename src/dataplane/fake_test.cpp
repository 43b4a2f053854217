#include "dataplane/fake.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace sextant::dataplane {
namespace {

overlay::Forwarding forwarding(const char* pods) {
  overlay::Forwarding wanted;
  wanted.routes[{.prefix = IpPrefix::parse(pods).value()}] = overlay::Unreachable{};
  return wanted;
}

bool readable(int fd) {
  pollfd poll_fd{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&poll_fd, 1, 0) == 1;
}

TEST(FakeDataplane, InstallsWhatItIsToldAndCountsTheDifference) {
  FakeDataplane fake;
  EXPECT_EQ(fake.reconcile(forwarding("10.0.0.0/24")).value().writes, 1U);
  EXPECT_EQ(fake.reconcile(forwarding("10.0.0.0/24")).value().writes, 0U);
  const auto change = overlay::diff(fake.installed(), forwarding("10.0.1.0/24"));
  EXPECT_EQ(fake.apply(change).value().writes, 2U);
  EXPECT_EQ(fake.installed(), forwarding("10.0.1.0/24"));
  EXPECT_EQ(fake.reconciles(), 2U);
  EXPECT_EQ(fake.applies(), 1U);
  ASSERT_TRUE(fake.remove_all());
  EXPECT_EQ(fake.installed(), overlay::Forwarding{});
}

TEST(FakeDataplane, FailsOnDemandAndThenChangesNothing) {
  FakeDataplane fake;
  const Error error{"open", "netlink", "no privilege"};
  fake.fail_with(error);
  const auto report = fake.reconcile(forwarding("10.0.0.0/24"));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error(), error);
  EXPECT_EQ(fake.installed(), overlay::Forwarding{});
  EXPECT_FALSE(fake.counters());
  EXPECT_FALSE(fake.remove_all());
}

TEST(FakeDataplane, CountsForASegmentListAcrossEditsOfItsPath) {
  const auto list = [](const char* sid) {
    return srv6::SegmentList{.segments = {srv6::Sid::parse(sid).value()}};
  };
  const overlay::PathKey path{.endpoint = Ipv6Address::parse("fd12::1000").value()};
  const auto through = [&](std::vector<srv6::SegmentList> lists) {
    overlay::Forwarding wanted;
    wanted.paths[path] = {.lists = std::move(lists)};
    return wanted;
  };
  FakeDataplane fake;
  ASSERT_TRUE(fake.reconcile(through({list("fcff:1::1"), list("fcff:2::1")})));
  fake.carry(path, 0, {.packets = 1, .bytes = 100});
  fake.carry(path, 1, {.packets = 2, .bytes = 200});
  ASSERT_TRUE(
      fake.apply(overlay::diff(fake.installed(), through({list("fcff:2::1"), list("fcff:3::1")}))));
  const auto count = fake.counters().value().paths.at(path);
  EXPECT_EQ(count.all, (Count{.packets = 3, .bytes = 300})) << "the list that is gone counts";
  ASSERT_EQ(count.lists.size(), 2U);
  EXPECT_EQ(count.lists[0], (Count{.packets = 2, .bytes = 200})) << "it was the second one before";
  EXPECT_EQ(count.lists[1], Count{});
  ASSERT_TRUE(fake.reconcile({}));
  EXPECT_TRUE(fake.counters().value().paths.empty());
}

TEST(FakeDataplane, ShowsDamageOnce) {
  FakeDataplane fake;
  EXPECT_FALSE(readable(fake.event_fd()));
  EXPECT_FALSE(fake.damaged());
  fake.damage();
  fake.damage();
  EXPECT_TRUE(readable(fake.event_fd()));
  EXPECT_TRUE(fake.damaged());
  EXPECT_FALSE(fake.damaged());
  EXPECT_FALSE(readable(fake.event_fd()));
}

}  // namespace
}  // namespace sextant::dataplane
