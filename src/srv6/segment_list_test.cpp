#include "srv6/segment_list.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

namespace sextant::srv6 {
namespace {

using Bytes = std::vector<std::uint8_t>;

Sid sid(std::string_view text) { return Sid::parse(text).value(); }

Bytes from_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(
        static_cast<std::uint8_t>(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

std::vector<Sid> detour() {
  return {sid("fcff:6::1"), sid("fcff:8::1"), sid("fcdd:0:0:12aa:13::")};
}

// What Linux 6.18 put on the wire for `encap seg6 mode MODE segs
// fcff:6::1,fcff:8::1,fcdd:0:0:12aa:13::`; scapy builds the same bytes.
struct Captured {
  EncapMode mode;
  std::uint8_t next_header;
  std::string_view hex;
};
constexpr Captured kCaptured[] = {
    {EncapMode::kEncaps, 41,
     "2906040202000000"
     "fcdd0000000012aa0013000000000000fcff0008000000000000000000000001"
     "fcff0006000000000000000000000001"},
    {EncapMode::kEncaps, 4,
     "0406040202000000"
     "fcdd0000000012aa0013000000000000fcff0008000000000000000000000001"
     "fcff0006000000000000000000000001"},
    {EncapMode::kEncapsReduced, 41,
     "2904040201000000"
     "fcdd0000000012aa0013000000000000fcff0008000000000000000000000001"},
    {EncapMode::kEncapsReduced, 4,
     "0404040201000000"
     "fcdd0000000012aa0013000000000000fcff0008000000000000000000000001"},
};

TEST(SrhCodec, WritesTheBytesThatLinuxSends) {
  for (const auto& [mode, next_header, hex] : kCaptured) {
    const auto srh = make_srh(detour(), mode, next_header);
    ASSERT_TRUE(srh) << srh.error().message();
    EXPECT_EQ(encode(*srh), from_hex(hex));
    EXPECT_EQ(decode_srh(from_hex(hex)), *srh);
    EXPECT_EQ(encapsulation_overhead(3, mode), 40 + from_hex(hex).size());
  }
}

TEST(SrhCodec, KeepsFlagsTagAndTlvs) {
  // scapy: O flag, tag, one segment, a PadN TLV of 6 bytes
  const auto bytes = from_hex("290304000020beeffcff00060000000000000000000000010406000000000000");
  const auto srh = decode_srh(bytes);
  ASSERT_TRUE(srh) << srh.error().message();
  EXPECT_EQ(srh->next_header, 41);
  EXPECT_EQ(srh->segments_left, 0);
  EXPECT_EQ(srh->last_entry, 0);
  EXPECT_EQ(srh->flags, 0x20);
  EXPECT_EQ(srh->tag, 0xbeef);
  EXPECT_EQ(srh->segments, std::vector{sid("fcff:6::1")});
  EXPECT_EQ(srh->tlvs, (Bytes{4, 6, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(encode(*srh), bytes);
}

TEST(SrhCodec, LeavesThePayloadAlone) {
  auto bytes = from_hex(kCaptured[2].hex);
  const auto alone = decode_srh(bytes);
  bytes.push_back(0x60);
  EXPECT_EQ(decode_srh(bytes), alone);
}

TEST(SrhDecode, RejectsBrokenHeadersByField) {
  struct Row {
    std::string_view hex;
    std::string_view cause;
  };
  const Row rows[] = {
      {"", "truncated: 0 bytes, the fixed part has 8"},
      {"29020400000000", "truncated: 7 bytes, the fixed part has 8"},
      {"2902040000000000fcff", "truncated: the length field says 24 bytes, there are 10"},
      {"29ff040000000000", "truncated: the length field says 2048 bytes, there are 8"},
      {"2900040000000000",
       "last_entry 0 lies outside of the header, which has room for 0 segments"},
      {"2901040000000000"
       "0406000000000000",
       "last_entry 0 lies outside of the header, which has room for 0 segments"},
      {"2902040001000000"
       "fcff0006000000000000000000000001",
       "last_entry 1 lies outside of the header, which has room for 1 segments"},
      {"29020400ff000000"
       "fcff0006000000000000000000000001",
       "last_entry 255 lies outside of the header, which has room for 1 segments"},
      {"2902040200000000"
       "fcff0006000000000000000000000001",
       "segments_left 2 is above last_entry + 1 (1)"},
      {"2902000000000000"
       "fcff0006000000000000000000000001",
       "routing type 0, not 4"},
      {"2902030000000000"
       "fcff0006000000000000000000000001",
       "routing type 3, not 4"},
  };
  for (const auto& [hex, cause] : rows) {
    const auto srh = decode_srh(from_hex(hex));
    ASSERT_FALSE(srh) << hex;
    EXPECT_EQ(srh.error().message(), "read SRH: " + std::string(cause));
  }
}

TEST(SrhEncode, RejectsWhatWouldBeReadDifferently) {
  const auto good = make_srh(detour(), EncapMode::kEncaps, 41).value();
  auto srh = good;
  srh.segments.clear();
  EXPECT_EQ(encode(srh).error().cause, "last_entry 2 does not fit 0 segments");
  srh = good;
  srh.last_entry = 1;
  EXPECT_EQ(encode(srh).error().cause, "last_entry 1 does not fit 3 segments");
  srh = good;
  srh.segments_left = 4;
  EXPECT_EQ(encode(srh).error().cause, "segments_left 4 is above last_entry + 1 (3)");
  srh = good;
  srh.tlvs = {4, 0};
  EXPECT_EQ(encode(srh).error().cause, "2 bytes of TLVs are not padded to a multiple of 8");
  srh = good;
  srh.tlvs.assign(8 * 250, 0);  // 6 + 250 units: one too many
  EXPECT_EQ(encode(srh).error().cause,
            "3 segments and 2000 bytes of TLVs do not fit the length field");
  srh.tlvs.assign(8 * 249, 0);
  EXPECT_TRUE(encode(srh));
  srh = good;
  srh.segments.assign(128, sid("fcff:6::1"));
  srh.last_entry = 127;
  EXPECT_EQ(encode(srh).error().cause,
            "128 segments and 0 bytes of TLVs do not fit the length field");
}

TEST(MakeSrh, HoldsOneTo127Segments) {
  const std::vector<Sid> most(kMaxSegments, sid("fcff:6::1"));
  const auto full = make_srh(most, EncapMode::kEncaps, 41);
  ASSERT_TRUE(full);
  EXPECT_EQ(encode(*full).value().size(), 8 + 16 * kMaxSegments);
  EXPECT_EQ(full->segments_left, 126);
  EXPECT_TRUE(make_srh(most, EncapMode::kEncapsReduced, 41));

  const std::vector<Sid> too_many(kMaxSegments + 1, sid("fcff:6::1"));
  for (const auto mode : {EncapMode::kEncaps, EncapMode::kEncapsReduced}) {
    EXPECT_EQ(make_srh(too_many, mode, 41).error().cause, "128 segments, an SRH holds at most 127");
    EXPECT_EQ(make_srh({}, mode, 41).error().cause, "the segment list is empty");
  }
}

TEST(MakeSrh, HasNoHeaderForOneReducedSegment) {
  const std::vector one = {sid("fcff:6::1")};
  EXPECT_TRUE(make_srh(one, EncapMode::kEncaps, 41));
  EXPECT_EQ(make_srh(one, EncapMode::kEncapsReduced, 41).error().cause,
            "one segment with reduced encapsulation has no SRH");
}

TEST(EncapsulationOverhead, IsTheOuterHeaderAndTheSrh) {
  struct Row {
    std::size_t segments, encaps, reduced;
  };
  for (const auto& [segments, encaps, reduced] :
       {Row{0, 0, 0}, Row{1, 64, 40}, Row{2, 80, 64}, Row{6, 144, 128}, Row{127, 2080, 2064}}) {
    EXPECT_EQ(encapsulation_overhead(segments, EncapMode::kEncaps), encaps);
    EXPECT_EQ(encapsulation_overhead(segments, EncapMode::kEncapsReduced), reduced);
  }
}

TEST(SegmentListValid, NeedsSegmentsAndWeight) {
  EXPECT_TRUE((SegmentList{detour(), 1}.valid()));
  EXPECT_FALSE((SegmentList{detour(), 0}.valid()));
  EXPECT_FALSE((SegmentList{{}, 1}.valid()));
}

Srh random_srh(std::mt19937& random) {
  Srh srh;
  srh.next_header = static_cast<std::uint8_t>(random());
  const std::size_t segments = 1 + random() % kMaxSegments;
  for (std::size_t i = 0; i < segments; ++i) {
    Ipv6Address::Bytes bytes{};
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    srh.segments.emplace_back(Ipv6Address(bytes));
  }
  srh.last_entry = static_cast<std::uint8_t>(segments - 1);
  srh.segments_left = static_cast<std::uint8_t>(random() % (segments + 1));
  srh.flags = static_cast<std::uint8_t>(random());
  srh.tag = static_cast<std::uint16_t>(random());
  srh.tlvs.resize(8 * (random() % (256 - 2 * segments)));
  for (auto& byte : srh.tlvs) byte = static_cast<std::uint8_t>(random());
  return srh;
}

TEST(SrhCodecProperty, DecodingUndoesEncoding) {
  std::mt19937 random(8754);
  for (int round = 0; round < 2000; ++round) {
    const auto srh = random_srh(random);
    const auto bytes = encode(srh);
    ASSERT_TRUE(bytes) << bytes.error().message();
    ASSERT_EQ(decode_srh(*bytes), srh);
  }
}

TEST(SrhCodecProperty, EveryTruncationIsAnError) {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    const auto bytes = encode(random_srh(random)).value();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ASSERT_FALSE(decode_srh(std::span(bytes).first(size)));
    }
  }
}

TEST(SrhCodecProperty, AnyBytesAreAnErrorOrEncodeBackToThemselves) {
  std::mt19937 random(2);
  int accepted = 0;
  for (int round = 0; round < 100'000; ++round) {
    Bytes bytes(random() % 120);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    if (bytes.size() > 4) {  // often enough near to a good header
      bytes[1] = static_cast<std::uint8_t>(bytes[1] % 16);
      bytes[2] = random() % 4 == 0 ? bytes[2] : 4;
      bytes[4] = static_cast<std::uint8_t>(bytes[4] % 8);
      bytes[3] = static_cast<std::uint8_t>(bytes[3] % 10);
    }
    const auto srh = decode_srh(bytes);
    if (!srh) continue;
    ++accepted;
    const auto again = encode(*srh);
    ASSERT_TRUE(again) << again.error().message();
    ASSERT_TRUE(std::equal(again->begin(), again->end(), bytes.begin()));
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace sextant::srv6
