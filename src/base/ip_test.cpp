#include "base/ip.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <unordered_set>

namespace sextant {
namespace {

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }
IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(Ipv6AddressText, IsWrittenAsRfc5952Asks) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"FCDD:0:0:AA::", "fcdd:0:0:aa::"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},     // section 4.2.3: the first of equal runs
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // section 4.2.2: no :: for one zero
      {"2001:0db8::0001", "2001:db8::1"},                // section 4.1
      {"::", "::"},
      {"::1", "::1"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},  // section 5
  };
  for (const auto& [in, out] : rows) {
    const auto parsed = Ipv6Address::parse(in);
    ASSERT_TRUE(parsed) << in;
    EXPECT_EQ(parsed->to_string(), out);
  }
}

TEST(IpAddressText, RejectsWhatIsNoAddress) {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, " "sv, "1.2.3"sv, "1.2.3.4.5"sv, "1.2.3.256"sv, "01.2.3.4"sv, "1.2.3.4 "sv,
        "1.2.3.4/32"sv, ":::"sv, "1::2::3"sv, "12345::"sv, "fe80::1%eth0"sv, "::1\0"sv,
        "1.2.3.4\0"sv, "g::"sv, "1:2:3:4:5:6:7"sv, "1:2:3:4:5:6:7:8:9"sv}) {
    const auto parsed = IpAddress::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().object, "'" + std::string(text) + "'");
  }
}

TEST(Ipv6AddressText, SaysThatAnIpv4AddressIsTheWrongFamily) {
  const auto parsed = Ipv6Address::parse("10.0.0.1");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message(),
            "read IPv6 address '10.0.0.1': an IPv4 address where IPv6 is needed");
}

TEST(Ipv6AddressKinds, FollowTheirPrefixes) {
  const auto v6 = [](std::string_view text) { return Ipv6Address::parse(text).value(); };
  EXPECT_TRUE(v6("::").is_unspecified());
  EXPECT_FALSE(v6("::1").is_unspecified());
  EXPECT_TRUE(v6("ff02::1").is_multicast());
  EXPECT_FALSE(v6("fe02::1").is_multicast());
  EXPECT_TRUE(v6("fe80::1").is_link_local());
  EXPECT_TRUE(v6("febf::1").is_link_local());
  EXPECT_FALSE(v6("fec0::1").is_link_local());
  EXPECT_FALSE(v6("fe7f::1").is_link_local());
}

TEST(IpAddressValue, KeepsItsFamilyAndBytes) {
  const auto v4 = address("192.0.2.1");
  EXPECT_EQ(v4.family(), Family::kIpv4);
  EXPECT_EQ(v4.bytes().size(), 4U);
  EXPECT_EQ(v4.v4().to_string(), "192.0.2.1");
  const auto v6 = address("2001:db8::1");
  EXPECT_EQ(v6.family(), Family::kIpv6);
  EXPECT_EQ(v6.bytes().size(), 16U);
  EXPECT_EQ(v6.v6().to_string(), "2001:db8::1");
  EXPECT_NE(v4, address("c000:201::"));  // the same leading bytes, another family
  EXPECT_LT(v4, v6);
  EXPECT_LT(address("10.0.0.9"), address("10.0.0.10"));
}

TEST(IpPrefixText, IsReadAndWritten) {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"::/0", "::/0"},
      {"10.0.1.0/24", "10.0.1.0/24"},
      {"172.16.0.64/26", "172.16.0.64/26"},
      {"10.0.1.7", "10.0.1.7/32"},
      {"fd10::1", "fd10::1/128"},
      {"fdfb:af47:32af::/48", "fdfb:af47:32af::/48"},
  };
  for (const auto& [in, out] : rows) {
    const auto parsed = IpPrefix::parse(in);
    ASSERT_TRUE(parsed) << in << ": " << parsed.error().message();
    EXPECT_EQ(parsed->to_string(), out);
  }
}

TEST(IpPrefixText, RejectsWhatIsNoPrefix) {
  for (const auto* text : {"", "/", "/24", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1",
                           "10.0.0.0/+8", "10.0.0.0/8x", "10.0.0.0/ 8", "10.0.0.0/8/8",
                           "10.0.0.0/99999999999999999999", "10.0.0/8", "pods"}) {
    EXPECT_FALSE(IpPrefix::parse(text)) << text;
  }
}

TEST(IpPrefixText, NamesTheMaskedFormWhereHostBitsAreSet) {
  const auto parsed = IpPrefix::parse("10.0.1.7/24");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().message(),
            "read prefix '10.0.1.7/24': host bits are set; write 10.0.1.0/24");
}

TEST(IpPrefixValue, ClearsHostBitsAndCutsTheLength) {
  EXPECT_EQ(IpPrefix(address("10.255.255.255"), 9).to_string(), "10.128.0.0/9");
  EXPECT_EQ(IpPrefix(address("ffff:ffff::1"), 31).to_string(), "ffff:fffe::/31");
  EXPECT_EQ(IpPrefix(address("10.0.0.1"), 200), IpPrefix::host(address("10.0.0.1")));
  EXPECT_TRUE(IpPrefix::host(address("10.0.0.1")).is_host());
}

TEST(IpPrefixValue, ContainsAndOverlaps) {
  EXPECT_TRUE(prefix("10.0.0.0/8").contains(address("10.255.255.255")));
  EXPECT_FALSE(prefix("10.0.0.0/8").contains(address("11.0.0.0")));
  EXPECT_TRUE(prefix("0.0.0.0/0").contains(address("255.0.0.1")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("::1")));
  EXPECT_FALSE(prefix("::/0").contains(address("1.2.3.4")));
  EXPECT_TRUE(prefix("10.0.0.0/8").contains(prefix("10.0.0.0/8")));
  EXPECT_TRUE(prefix("10.0.0.0/8").contains(prefix("10.1.0.0/16")));
  EXPECT_FALSE(prefix("10.1.0.0/16").contains(prefix("10.0.0.0/8")));
  EXPECT_TRUE(prefix("10.1.0.0/16").overlaps(prefix("10.0.0.0/8")));
  EXPECT_FALSE(prefix("10.1.0.0/16").overlaps(prefix("10.2.0.0/16")));
  EXPECT_FALSE(prefix("::/0").overlaps(prefix("0.0.0.0/0")));
}

TEST(IpPrefixValue, GivesAddressesByOffset) {
  EXPECT_EQ(prefix("172.16.0.64/26").at(1), address("172.16.0.65"));
  EXPECT_EQ(prefix("172.16.0.64/26").at(63), address("172.16.0.127"));
  EXPECT_EQ(prefix("172.16.0.64/26").at(64), std::nullopt);
  EXPECT_EQ(prefix("10.0.0.255/32").at(0), address("10.0.0.255"));
  EXPECT_EQ(prefix("10.0.0.255/32").at(1), std::nullopt);
  EXPECT_EQ(prefix("10.0.0.0/8").at(0x01ff), address("10.0.1.255"));
  EXPECT_EQ(prefix("255.255.255.0/24").at(256), std::nullopt);  // beyond the last address
  EXPECT_EQ(prefix("255.255.255.0/24").at(~std::uint64_t{0}), std::nullopt);
  EXPECT_EQ(prefix("fd00::/64").at(~std::uint64_t{0}), address("fd00::ffff:ffff:ffff:ffff"));
  EXPECT_EQ(prefix("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0/124").at(16), std::nullopt);
}

TEST(IpPrefixProperty, MaskingContainsAndTextAgree) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    Ipv6Address::Bytes bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const IpAddress any = random() % 2 == 0
                              ? IpAddress(Ipv6Address(bytes))
                              : IpAddress(Ipv4Address({bytes[0], bytes[1], bytes[2], bytes[3]}));
    const auto bits = address_bits(any.family());
    const auto length = static_cast<std::uint8_t>(random() % (bits + 1U));
    const IpPrefix masked(any, length);
    ASSERT_TRUE(masked.contains(any));
    ASSERT_EQ(IpPrefix::parse(masked.to_string()), masked);
    ASSERT_EQ(IpAddress::parse(any.to_string()), any);
    ASSERT_TRUE(IpPrefix(any, static_cast<std::uint8_t>(length / 2)).contains(masked));
    ASSERT_EQ(masked.at(0), masked.address());
  }
}

TEST(IpHash, TellsFamiliesAndLengthsApart) {
  const std::unordered_set<IpPrefix> prefixes = {prefix("10.0.0.0/8"), prefix("10.0.0.0/9"),
                                                 prefix("10.0.0.0/8"), prefix("a00::/8")};
  EXPECT_EQ(prefixes.size(), 3U);
  std::set<std::size_t> hashes;
  for (std::uint8_t length = 0; length <= 128; ++length) {
    hashes.insert(std::hash<IpPrefix>{}(IpPrefix(address("::"), length)));
  }
  EXPECT_EQ(hashes.size(), 129U);
}

TEST(FamilyText, IsTheFieldsName) {
  EXPECT_EQ(to_string(Family::kIpv4), "IPv4");
  EXPECT_EQ(to_string(Family::kIpv6), "IPv6");
}

}  // namespace
}  // namespace sextant
