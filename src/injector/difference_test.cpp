// What a replacement does, and that answers of the daemon are read as they were meant.
#include "injector/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "injector/backend.h"
#include "injector/report_json.h"

namespace sextant::injector {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

InjectedPolicy policy(std::uint32_t color, std::string_view first = "fcff:6::1") {
  InjectedPolicy made{.name = "p" + std::to_string(color),
                      .key = {.distinguisher = 1,
                              .color = {color},
                              .endpoint = IpAddress::parse("fd12::1000").value()}};
  made.tunnel.lists.push_back({.segments = {bgp::Segment::of(Ipv6Address::parse(first).value())}});
  return made;
}

TEST(Difference, TellsWhatIsNewOtherAndGone) {
  const auto found =
      difference({policy(3), policy(1), policy(2)}, {policy(4), policy(2, "fcff:7::1"), policy(1)});
  EXPECT_THAT(found.added, ElementsAre(policy(4)));
  EXPECT_THAT(found.changed, ElementsAre(policy(2, "fcff:7::1")));
  EXPECT_THAT(found.removed, ElementsAre(policy(3)));
  EXPECT_EQ(found.unchanged, 1U);
  EXPECT_THAT(found.announcements(), ElementsAre(policy(4), policy(2, "fcff:7::1")));
  EXPECT_THAT(found.withdrawals(), ElementsAre(policy(3).key));
  EXPECT_TRUE(difference({policy(1)}, {policy(1)}).empty());
}

TEST(Difference, IsNoneWhereTheSameIsMeant) {
  auto explicitly = policy(1);
  explicitly.tunnel.lists[0].weight = 1;
  explicitly.tunnel.policy_name = "p1";
  EXPECT_TRUE(difference({explicitly}, {policy(1)}).empty());
  explicitly.tunnel.lists[0].weight = 2;
  EXPECT_EQ(difference({explicitly}, {policy(1)}).changed.size(), 1U);
}

/// Keeps what it is asked to do.
class Recorder final : public Backend {
 public:
  Result<std::vector<PolicyReport>> list() override {
    std::vector<PolicyReport> reports;
    for (const auto& one : present) reports.push_back({.policy = one});
    return reports;
  }
  Result<void> announce(const std::vector<InjectedPolicy>& policies) override {
    calls.push_back("announce " + std::to_string(policies.size()));
    if (refuses) return failure("announce", "", "refused");
    return {};
  }
  Result<void> withdraw(const std::vector<PolicyKey>& keys) override {
    calls.push_back("withdraw " + std::to_string(keys.size()));
    return {};
  }
  Result<void> watch(const std::function<bool(const PolicyEvent&)>&) override { return {}; }

  std::vector<InjectedPolicy> present;
  std::vector<std::string> calls;
  bool refuses = false;
};

TEST(Backend, ReplacesNewBeforeOldAndOnlyWhatDiffers) {
  Recorder backend;
  backend.present = {policy(1), policy(2), policy(3)};
  ASSERT_TRUE(backend.replace({policy(1), policy(2, "fcff:7::1"), policy(4)}));
  EXPECT_THAT(backend.calls, ElementsAre("announce 2", "withdraw 1"));
  backend.calls.clear();
  ASSERT_TRUE(backend.replace(backend.present));
  EXPECT_THAT(backend.calls, IsEmpty());
  backend.refuses = true;
  EXPECT_FALSE(backend.replace({policy(9)}));
  EXPECT_THAT(backend.calls, ElementsAre("announce 1")) << "then nothing goes";
}

TEST(ReportJson, IsReadAsItWasWritten) {
  const std::vector<PolicyReport> reports{
      {.policy = policy(1),
       .peers = {{.peer = "fd10::1", .established = true, .sent = true},
                 {.peer = "fd11::1", .reason = "the session is Active: no route"}},
       .peers_known = true,
       .headends = {{.headend = "10.0.0.1", .accepted = true, .active = true},
                    {.headend = "10.0.0.3", .pending = true, .reason = "not evaluated yet"},
                    {.headend = "10.0.0.2", .reason = "its segment list is empty"}},
       .headends_known = true},
      {.policy = policy(2)}};
  boost::json::array items;
  for (const auto& report : reports) items.push_back(to_json(report));
  const auto read =
      read_reports(boost::json::serialize(boost::json::value{{"items", std::move(items)}}));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, reports);

  const auto event = read_event(
      boost::json::serialize(to_json(PolicyEvent{PolicyEvent::Kind::kChanged, reports[0]})));
  ASSERT_TRUE(event) << event.error().message();
  EXPECT_EQ(event->kind, PolicyEvent::Kind::kChanged);
  EXPECT_EQ(event->report, reports[0]);
  EXPECT_FALSE(read_event(R"({"type": "Odd", "policy": {}})"));
  EXPECT_FALSE(read_reports("{\"items\": [{\"spec\": 1}]}"));
  EXPECT_FALSE(read_reports("{"));
}

}  // namespace
}  // namespace sextant::injector
