#include "bgp/wire/prefix_sid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bgp/wire/hex_test.h"

namespace sextant::bgp {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

// RFC 9252 section 3: L3 service with End.DT6 at fcdd:0:0:aa:12::, structure 48/16/16/0
const std::string kService =
    "05 0022 00"
    "01 001e 00 fcdd00000000 00aa 0012 000000000000 00 0012 00"
    "01 0006 30 10 10 00 00 00";

TEST(PrefixSid, OfAServiceIsRead) {
  const auto bytes = hex(kService);
  const auto decoded = decode_prefix_sid(bytes);
  ASSERT_TRUE(decoded) << decoded.error().message();
  ASSERT_THAT(decoded->l3_services, SizeIs(1));
  const auto& sid = decoded->l3_services[0];
  EXPECT_EQ(sid.sid.to_string(), "fcdd:0:0:aa:12::");
  EXPECT_EQ(sid.behavior, srv6::Behavior::kEndDt6);
  EXPECT_EQ(sid.structure, (srv6::SidStructure{48, 16, 16, 0}));
  EXPECT_EQ(full_sid(sid, 0x800000), sid.sid);
  EXPECT_EQ(to_hex(encode(*decoded)), to_hex(bytes));
}

TEST(PrefixSid, OtherTlvsAreKept) {
  const auto bytes = hex(kService + "01 0007 00 0000 0000002a 63 0001 ff");
  const auto decoded = decode_prefix_sid(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_THAT(decoded->others,
              ElementsAre(PrefixSidTlv{1, hex("00 0000 0000002a")}, PrefixSidTlv{99, hex("ff")}));
  EXPECT_EQ(to_hex(encode(*decoded)), to_hex(bytes));
}

// RFC 9252 section 4: the function stands at the high end of the label field. FRR's routes look so:
// function 0x0001 of 16 bits is label 16 (0x00010 of 20 bits).
TEST(PrefixSid, TransposedBitsComeBackFromTheLabel) {
  ServiceSid sid;
  sid.sid = *Ipv6Address::parse("fcdd:0:0:aa::");
  sid.structure = srv6::SidStructure{48, 16, 16, 0};
  sid.transposition = {16, 64};
  EXPECT_EQ(full_sid(sid, 0x000101)->to_string(), "fcdd:0:0:aa:1::");
  EXPECT_EQ(full_sid(sid, 0xe00041)->to_string(), "fcdd:0:0:aa:e000::");
  sid.transposition = {4, 60};
  EXPECT_EQ(full_sid(sid, 0xb00000)->to_string(), "fcdd:0:0:ab::");
  sid.transposition = {24, 112};
  EXPECT_EQ(full_sid(sid, 0), std::nullopt);
  sid.transposition = {25, 64};
  EXPECT_EQ(full_sid(sid, 0), std::nullopt);
}

TEST(PrefixSid, TruncatedAnywhereIsAnErrorOrShorter) {
  const auto bytes = hex(kService);
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_prefix_sid(std::span(bytes).first(size))) << size;
  }
}

}  // namespace
}  // namespace sextant::bgp
