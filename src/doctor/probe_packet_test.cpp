#include "doctor/probe_packet.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "trace/sighting.h"

namespace sextant::doctor {
namespace {

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
srv6::Sid sid(const char* text) { return srv6::Sid::parse(text).value(); }

TEST(ProbePacket, IsAsLongAsWantedAndReadableAgain) {
  const Echo echo{.source = ip("fd10::1"),
                  .destination = ip("fd12::1"),
                  .identifier = 7,
                  .number = 300,
                  .size = 1000};
  const auto inner = make_echo(echo);
  EXPECT_EQ(inner.size(), 1000U);
  EXPECT_EQ(make_echo({.source = ip("10.0.0.1"), .destination = ip("10.0.0.2")}).size(), 28U)
      << "never less than the headers";

  const auto srh = srh_near_its_end(sid("fc00::1"), sid("fc00::2"), sid("fc00::3"), 6);
  const auto packet = encapsulate(
      {.source = ip("fd10::2").v6(), .destination = ip("fc00::2").v6(), .srh = srh, .number = 300},
      Family::kIpv6, inner);
  ASSERT_TRUE(packet) << packet.error().message();
  EXPECT_EQ(packet->size(), 40U + 8 + 6 * 16 + 1000);
  std::span<const std::uint8_t> carried;
  const auto outer = trace::read_encapsulation(*packet, carried);
  ASSERT_TRUE(outer);
  EXPECT_EQ(outer->flow_label, 300U);
  EXPECT_EQ(outer->segments_left(), 1);
  EXPECT_EQ(outer->srh->segments.front(), sid("fc00::3")) << "the last one is visited next";
  EXPECT_EQ(outer->srh->segments[1], sid("fc00::2"));
  EXPECT_TRUE(std::equal(carried.begin(), carried.end(), inner.begin(), inner.end()));
}

/// The reply's ICMP message to an echo request: RFC 792, RFC 4443 section 4.2.
Bytes reply_to(Bytes echo, std::size_t header, std::uint8_t type) {
  echo.erase(echo.begin(), echo.begin() + static_cast<std::ptrdiff_t>(header));
  echo[0] = type;
  return echo;
}

TEST(ProbePacket, KnowsItsAnswersAndNobodyElses) {
  const auto v4 = reply_to(
      make_echo(
          {.source = ip("10.0.0.1"), .destination = ip("10.0.0.2"), .identifier = 7, .number = 5}),
      20, 0);
  ASSERT_TRUE(read_icmp(v4, 7));
  EXPECT_EQ(read_icmp(v4, 7)->number, 5);
  EXPECT_FALSE(read_icmp(v4, 8));
  const auto v6 = reply_to(
      make_echo(
          {.source = ip("fd10::1"), .destination = ip("fd12::1"), .identifier = 7, .number = 6}),
      40, 129);
  ASSERT_TRUE(read_icmpv6(v6, 7));
  EXPECT_EQ(read_icmpv6(v6, 7)->number, 6);
  EXPECT_FALSE(read_icmpv6(v6, 8));
  EXPECT_FALSE(read_icmpv6(reply_to(v6, 0, 128), 7)) << "a request";
}

TEST(ProbePacket, ReadsErrorsHoweverShort) {
  const auto probe =
      encapsulate({.source = ip("fd10::2").v6(),
                   .destination = ip("fc00::2").v6(),
                   .srh = std::nullopt,
                   .number = 0xbeef},
                  Family::kIpv4,
                  make_echo({.source = ip("10.0.0.1"), .destination = ip("10.0.0.2")}))
          .value();
  Bytes message{2, 0, 0, 0, 0, 0, 0x05, 0x78};  // Packet Too Big, 1400
  message.insert(message.end(), probe.begin(), probe.end());
  for (std::size_t length = 0; length <= message.size(); ++length) {
    const auto answer = read_icmpv6(std::span(message).first(length), 7);
    EXPECT_EQ(answer.has_value(), length >= 48) << length;
    if (!answer) continue;
    EXPECT_TRUE(answer->error);
    EXPECT_EQ(answer->number, 0xbeef);
    EXPECT_EQ(answer->mtu, 1400U);
    EXPECT_EQ(answer->destination, ip("fc00::2").v6());
  }
  message[8 + 1] = 0x01;  // a flow label above what probes have
  EXPECT_FALSE(read_icmpv6(message, 7));
}

}  // namespace
}  // namespace sextant::doctor
