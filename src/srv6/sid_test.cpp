#include "srv6/sid.h"

#include <gtest/gtest.h>

#include <random>

namespace sextant::srv6 {
namespace {

Locator locator(std::string_view text) { return Locator::parse(text).value(); }
IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

TEST(SidText, IsReadAndWritten) {
  for (const auto* text : {"fcff:6::1", "fcdd::aa:34b8:247c:36da:db44", "2001:db8::", "::2"}) {
    const auto sid = Sid::parse(text);
    ASSERT_TRUE(sid) << text;
    EXPECT_EQ(sid->to_string(), text);
  }
}

TEST(SidText, RejectsAddressesThatCannotBeSids) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", "not an IPv6 address"},
      {"fcff:6::1/128", "not an IPv6 address"},
      {"10.0.0.1", "an IPv4 address where IPv6 is needed"},
      {"::", "the unspecified address cannot be a SID"},
      {"::1", "the loopback address cannot be a SID"},
      {"ff02::1", "a multicast address cannot be a SID"},
      {"fe80::1", "a link-local address cannot be a SID"},
      {"::ffff:10.0.0.1", "an IPv4-mapped address cannot be a SID"},
  };
  for (const auto& [text, cause] : rows) {
    const auto sid = Sid::parse(text);
    ASSERT_FALSE(sid) << text;
    EXPECT_EQ(sid.error().message(), "read SID '" + std::string(text) + "': " + std::string(cause));
  }
}

TEST(LocatorStructure, IsTheCustomaryOneByDefault) {
  struct Row {
    std::string_view prefix;
    SidStructure structure;
  };
  for (const auto& [text, structure] : {
           Row{"fcdd:0:0:aa::/64", {48, 16, 16, 0}},
           Row{"fcff:1::/32", {16, 16, 16, 0}},
           Row{"fcff:2:1::/48", {32, 16, 16, 0}},
           Row{"fcff::/16", {8, 8, 16, 0}},
           Row{"fc00::/8", {4, 4, 16, 0}},
           Row{"fcdd::aa:1:2:3:0/112", {96, 16, 16, 0}},
       }) {
    const auto made = Locator::parse(text);
    ASSERT_TRUE(made) << text << ": " << made.error().message();
    EXPECT_EQ(made->structure(), structure) << text;
    EXPECT_EQ(made->to_string(), text);
  }
}

TEST(LocatorText, RejectsPrefixesThatCannotBeLocators) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"10.0.0.0/24", "an IPv4 prefix where IPv6 is needed"},
      {"fcdd::aa:0:0:0:0/113", "the length is not from 8 to 112"},
      {"fcdd::1", "the length is not from 8 to 112"},
      {"::/0", "the length is not from 8 to 112"},
      {"::/64", "the unspecified address cannot be a SID"},
      {"ff02::/64", "a multicast address cannot be a SID"},
      {"fe80::/64", "a link-local address cannot be a SID"},
      {"fcdd:0:0:aa::1/64", "host bits are set"},
      {"locator", "not an IP prefix"},
  };
  for (const auto& [text, cause] : rows) {
    const auto made = Locator::parse(text);
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().operation, "read locator");
    EXPECT_EQ(made.error().cause, cause) << text;
  }
}

TEST(LocatorStructure, MustAddUp) {
  struct Row {
    SidStructure structure;
    std::string_view cause;  // empty: good
  };
  for (const auto& [structure, cause] : {
           Row{{40, 24, 16, 0}, ""},
           Row{{64, 0, 16, 0}, ""},
           Row{{48, 16, 64, 0}, ""},
           Row{{48, 16, 32, 32}, ""},
           Row{{48, 16, 8, 0}, ""},
           Row{{48, 8, 16, 0}, "block 48 and node 8 bits do not add up to the prefix length"},
           Row{{200, 120, 16, 0}, "block 200 and node 120 bits do not add up to the prefix length"},
           Row{{48, 16, 7, 0}, "a function of 7 bits, at least 8 are needed"},
           Row{{48, 16, 0, 0}, "a function of 0 bits, at least 8 are needed"},
           Row{{48, 16, 65, 0}, "locator, function and argument are 129 bits, more than 128"},
           Row{{48, 16, 255, 255}, "locator, function and argument are 574 bits, more than 128"},
       }) {
    const auto made = Locator::make(prefix("fcdd:0:0:aa::/64"), structure);
    EXPECT_EQ(made.has_value(), cause.empty());
    if (!made) {
      EXPECT_EQ(made.error().cause, cause);
    }
  }
}

TEST(LocatorSid, PutsTheFunctionBehindTheLocator) {
  EXPECT_EQ(locator("fcdd:0:0:aa::/64").sid(0x13).to_string(), "fcdd:0:0:aa:13::");
  EXPECT_EQ(locator("fcff:1::/32").sid(1).to_string(), "fcff:1:1::");
  EXPECT_EQ(locator("fcdd::aa:1:2:3:0/112").sid(0xabcd).to_string(), "fcdd::aa:1:2:3:abcd");
  // Not at a byte's border: 52 + 16 bits.
  EXPECT_EQ(locator("fcdd:0:0:a000::/52").sid(0x1234).to_string(), "fcdd:0:0:a123:4000::");
  EXPECT_EQ(locator("fcdd:0:0:aa::/64").sid(0).to_string(), "fcdd:0:0:aa::");
}

TEST(LocatorSid, CutsTheFunctionToItsBits) {
  EXPECT_EQ(locator("fcdd:0:0:aa::/64").sid(0x50013), locator("fcdd:0:0:aa::/64").sid(0x13));
  const auto narrow = Locator::make(prefix("fcdd:0:0:aa::/64"), {48, 16, 12, 4}).value();
  EXPECT_EQ(narrow.sid(0xffff).to_string(), "fcdd:0:0:aa:fff0::");
  const auto wide = Locator::make(prefix("fcdd:0:0:aa::/64"), {48, 16, 64, 0}).value();
  EXPECT_EQ(wide.sid(0xffffffff).to_string(), "fcdd::aa:0:0:ffff:ffff");
}

TEST(LocatorSid, LiesInTheLocatorAndTellsFunctionsApart) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    Ipv6Address::Bytes bytes{0xfc};
    for (std::size_t i = 1; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(random());
    const auto length = static_cast<std::uint8_t>(8 + random() % 105);
    const auto made = Locator::make(IpPrefix(Ipv6Address(bytes), length));
    ASSERT_TRUE(made);
    const auto one = static_cast<std::uint32_t>(random() & 0xffff);
    const auto other = static_cast<std::uint32_t>(random() & 0xffff);
    ASSERT_TRUE(made->contains(made->sid(one)));
    ASSERT_EQ(made->sid(one) == made->sid(other), one == other);
    ASSERT_EQ(made->sid(one) < made->sid(other), one < other);
  }
}

TEST(LocatorContains, FollowsThePrefix) {
  EXPECT_TRUE(
      locator("fcdd:0:0:aa::/64").contains(Sid::parse("fcdd::aa:34b8:247c:36da:db44").value()));
  EXPECT_FALSE(
      locator("fcdd:0:0:aa::/64").contains(Sid::parse("fcdd::11aa:c11:b42f:f17e:a682").value()));
}

}  // namespace
}  // namespace sextant::srv6
