#include "srv6/behavior.h"

#include <gtest/gtest.h>

#include <set>

namespace sextant::srv6 {
namespace {

TEST(BehaviorName, IsIanasForEachCodePoint) {
  // https://www.iana.org/assignments/segment-routing, "SRv6 Endpoint Behaviors"
  const std::pair<std::uint16_t, std::string_view> rows[] = {
      {1, "End"},
      {4, "End with PSP & USP"},
      {5, "End.X"},
      {8, "End.X with PSP & USP"},
      {14, "End.B6.Encaps"},
      {16, "End.DX6"},
      {17, "End.DX4"},
      {18, "End.DT6"},
      {19, "End.DT4"},
      {20, "End.DT46"},
      {27, "End.B6.Encaps.Red"},
      {28, "End with USD"},
      {31, "End with PSP, USP & USD"},
      {32, "End.X with USD"},
      {35, "End.X with PSP, USP & USD"},
      {43, "End with NEXT-CSID"},
      {44, "End with NEXT-CSID & PSP"},
      {50, "End with NEXT-CSID, PSP, USP & USD"},
      {52, "End.X with NEXT-CSID"},
      {59, "End.X with NEXT-CSID, PSP, USP & USD"},
      {60, "End.DX6 with NEXT-CSID"},
      {61, "End.DX4 with NEXT-CSID"},
      {62, "End.DT6 with NEXT-CSID"},
      {63, "End.DT4 with NEXT-CSID"},
      {64, "End.DT46 with NEXT-CSID"},
      {65535, "Opaque"},
  };
  for (const auto& [code_point, name] : rows) {
    const auto behavior = behavior_of(code_point);
    ASSERT_TRUE(behavior) << code_point;
    EXPECT_EQ(static_cast<std::uint16_t>(*behavior), code_point);
    EXPECT_EQ(to_string(*behavior), name);
  }
}

TEST(BehaviorName, LeadsBackToItsCodePoint) {
  std::set<std::string_view> names;
  for (unsigned code_point = 0; code_point <= 0xffff; ++code_point) {
    const auto behavior = behavior_of(static_cast<std::uint16_t>(code_point));
    if (!behavior) continue;
    EXPECT_TRUE(names.insert(to_string(*behavior)).second) << code_point;
    EXPECT_EQ(behavior_of(to_string(*behavior)), behavior) << code_point;
  }
  EXPECT_EQ(names.size(), 45U);
}

TEST(BehaviorName, IsUnknownForOtherCodePoints) {
  EXPECT_EQ(behavior_of(std::uint16_t{0}), std::nullopt);
  EXPECT_EQ(behavior_of(std::uint16_t{51}), std::nullopt);  // NEXT-ONLY-CSID, withdrawn
  EXPECT_EQ(behavior_of("End.DT5"), std::nullopt);
  EXPECT_EQ(behavior_of("unknown"), std::nullopt);
  EXPECT_EQ(behavior_of(""), std::nullopt);
  EXPECT_EQ(to_string(static_cast<Behavior>(51)), "unknown");
}

TEST(BehaviorDecapsulates, ByInnerFamily) {
  struct Row {
    Behavior behavior;
    bool ipv4, ipv6;
  };
  for (const auto& [behavior, ipv4, ipv6] : {
           Row{Behavior::kEndDt4, true, false},
           Row{Behavior::kEndDx4, true, false},
           Row{Behavior::kEndDt4NextCsid, true, false},
           Row{Behavior::kEndDt6, false, true},
           Row{Behavior::kEndDx6, false, true},
           Row{Behavior::kEndDx6NextCsid, false, true},
           Row{Behavior::kEndDt46, true, true},
           Row{Behavior::kEndDt46NextCsid, true, true},
           Row{Behavior::kEnd, false, false},
           Row{Behavior::kEndUsd, false, false},  // only where it is last: not a service SID
           Row{Behavior::kEndB6Encaps, false, false},
           Row{Behavior::kOpaque, false, false},
       }) {
    EXPECT_EQ(decapsulates(behavior, Family::kIpv4), ipv4) << to_string(behavior);
    EXPECT_EQ(decapsulates(behavior, Family::kIpv6), ipv6) << to_string(behavior);
    EXPECT_EQ(decapsulates(behavior), ipv4 || ipv6) << to_string(behavior);
  }
}

TEST(DerivedSid, HasTheCodePointAsFunction) {
  const auto locator = Locator::parse("fcdd:0:0:aa::/64").value();
  EXPECT_EQ(derived_sid(locator, Behavior::kEnd).to_string(), "fcdd:0:0:aa:1::");
  EXPECT_EQ(derived_sid(locator, Behavior::kEndDt6).to_string(), "fcdd:0:0:aa:12::");
  EXPECT_EQ(derived_sid(locator, Behavior::kEndDt4).to_string(), "fcdd:0:0:aa:13::");
  EXPECT_EQ(derived_sid(locator, Behavior::kEndDt46).to_string(), "fcdd:0:0:aa:14::");
}

TEST(DerivedSid, DiffersByBehaviorInTheNarrowestFunction) {
  const auto narrow =
      Locator::make(IpPrefix::parse("fcdd:0:0:aa::/64").value(), {48, 16, 8, 0}).value();
  std::set<Sid> sids;
  for (std::uint16_t code_point = 1; code_point <= 64; ++code_point) {
    if (const auto behavior = behavior_of(code_point)) {
      EXPECT_TRUE(sids.insert(derived_sid(narrow, *behavior)).second) << code_point;
    }
  }
}

}  // namespace
}  // namespace sextant::srv6
