#include "base/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <stdexcept>

namespace sextant {
namespace {

using ::testing::ElementsAre;
using Bytes = std::vector<std::uint8_t>;

TEST(ByteWriter, WritesNetworkOrder) {
  ByteWriter out;
  out.u8(0x01);
  out.u16(0x0203);
  out.u32(0x04050607);
  out.u64(0x08090a0b0c0d0e0f);
  EXPECT_THAT(out.bytes(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}

TEST(ByteWriter, WritesAddresses) {
  ByteWriter out;
  out.put(Ipv4Address({192, 0, 2, 1}));
  out.put(Ipv6Address::parse("fcff::1").value());
  EXPECT_EQ(out.size(), 20U);
  EXPECT_EQ(out.bytes()[0], 192);
  EXPECT_EQ(out.bytes()[4], 0xfc);
  EXPECT_EQ(out.bytes()[19], 1);
}

TEST(ByteWriter, PatchesLengthsAfterwards) {
  ByteWriter out;
  out.u16(0);
  out.u8(0);
  out.patch_u16(0, 0xabcd);
  out.patch_u8(2, 0xef);
  EXPECT_THAT(out.bytes(), ElementsAre(0xab, 0xcd, 0xef));
  EXPECT_THROW(out.patch_u16(2, 1), std::out_of_range);
  EXPECT_EQ(out.bytes()[2], 0xef);  // nothing was half written
  EXPECT_THAT(out.release(), ElementsAre(0xab, 0xcd, 0xef));
}

TEST(ByteReader, ReadsWhatTheWriterWrote) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 500; ++round) {
    const std::uint64_t value = random();
    ByteWriter out;
    out.u64(value);
    out.u32(static_cast<std::uint32_t>(value));
    out.u16(static_cast<std::uint16_t>(value));
    out.u8(static_cast<std::uint8_t>(value));
    const Ipv4Address v4({1, 2, 3, static_cast<std::uint8_t>(value)});
    out.put(v4);
    ByteReader in(out.bytes());
    ASSERT_EQ(in.u64(), value);
    ASSERT_EQ(in.u32(), static_cast<std::uint32_t>(value));
    ASSERT_EQ(in.u16(), static_cast<std::uint16_t>(value));
    ASSERT_EQ(in.u8(), static_cast<std::uint8_t>(value));
    ASSERT_EQ(in.ipv4(), v4);
    ASSERT_TRUE(in.ok());
    ASSERT_EQ(in.remaining(), 0U);
    ASSERT_EQ(in.position(), 19U);
  }
}

TEST(ByteReader, TurnsBadPastTheEndAndStaysBad) {
  const Bytes bytes = {1, 2, 3};
  ByteReader in(bytes);
  EXPECT_EQ(in.u16(), 0x0102);
  EXPECT_EQ(in.u16(), 0);  // one byte is left: nothing is read of it
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0);
  EXPECT_EQ(in.ipv4(), Ipv4Address{});
  EXPECT_EQ(in.ipv6(), Ipv6Address{});
  EXPECT_TRUE(in.take(0).empty());
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.position(), 2U);  // where it happened
}

TEST(ByteReader, HasNothingRemainingWhenBad) {
  const Bytes bytes = {1, 200, 3};
  ByteReader in(bytes);
  int options = 0;
  while (in.remaining() > 0) {  // a loop over type-length-value options ends at a length that lies
    in.u8();
    in.sub(in.u8());
    ++options;
  }
  EXPECT_EQ(options, 1);
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, SubReaderSeesOnlyItsOwnBytes) {
  const Bytes bytes = {1, 2, 3, 4};
  ByteReader in(bytes);
  ByteReader sub = in.sub(2);
  EXPECT_EQ(in.u8(), 3);
  EXPECT_EQ(sub.u16(), 0x0102);
  EXPECT_EQ(sub.u8(), 0);
  EXPECT_FALSE(sub.ok());
  EXPECT_TRUE(in.ok());  // a bad sub-reader leaves its parent good
}

TEST(ByteReader, SubReaderBeyondTheEndIsBad) {
  const Bytes bytes = {1, 2};
  ByteReader in(bytes);
  ByteReader sub = in.sub(3);
  EXPECT_FALSE(sub.ok());
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(sub.remaining(), 0U);
}

TEST(ByteReader, SurvivesCountsThatOverflow) {
  const Bytes bytes = {1, 2};
  ByteReader in(bytes);
  in.u8();
  EXPECT_TRUE(in.take(~std::size_t{0}).empty());
  EXPECT_FALSE(in.ok());
}

TEST(ByteReader, ReadsNothingFromNothing) {
  ByteReader in({});
  EXPECT_TRUE(in.ok());
  EXPECT_EQ(in.remaining(), 0U);
  EXPECT_EQ(in.u64(), 0U);
  EXPECT_FALSE(in.ok());
}

}  // namespace
}  // namespace sextant
