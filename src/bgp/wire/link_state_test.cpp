#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "bgp/wire/attributes.h"
#include "bgp/wire/hex_test.h"
#include "bgp/wire/link_state_policy.h"
#include "bgp/wire/message.h"
#include "bgp/wire/update.h"
#include "bgp/wire/update_writer.h"

namespace sextant::bgp {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
Ipv4Address ipv4(const char* text) { return *Ipv4Address::parse(text); }
Ipv6Address ipv6(const char* text) { return *Ipv6Address::parse(text); }

PolicyPath path() {
  return {.headend = {.asn = 64512, .router_id = ipv4("10.0.0.1"), .ipv6 = ipv6("fd10::1000")},
          .endpoint = ip("fd12::1000"),
          .color = {94},
          .originator_asn = 64512,
          .originator = ip("10.0.0.99"),
          .discriminator = 4};
}

// RFC 9857 sections 3 and 4, field by field.
const std::string kHeadend =
    "0100 0024 0200 0004 0000fc00 0204 0004 0a000001 0405 0010 fd100000000000000000000000001000";
const std::string kDescriptor =
    "022a 0024 02 80 0000 fd120000000000000000000000001000 0000005e 0000fc00 0a000063 00000004";
const std::string kObject = "09 0000000000000000 ";
const std::string kRoute = "0005 0059 " + kObject + kHeadend + kDescriptor;

PolicyPathState state() {
  return {.priority = 10,
          .flags = kPathActive | kPathEvaluated | kPathValid | kPathProvisioned,
          .preference = 100,
          .name = "gold",
          .policy_name = "to-worker2",
          .binding_sid = PathBindingSid{kBindingSidAllocated, ipv6("cafe::25"), ipv6("cafe::25")},
          .lists = {{.flags = kListSrv6 | kListExplicit | kListVerified,
                     .weight = 3,
                     .segments = {{.sid = ipv6("fcff:6::1")},
                                  {.sid = ipv6("fcdd::5"), .behavior = srv6::Behavior::kEndDt6}}}},
          .reason = "why"};
}

// RFC 9857 section 5.
const std::string kState = "04b2 0008 0a 00 5900 00000064";
const std::string kName = "04b3 0004 676f6c64";
const std::string kList =
    "04b5 0046 d000 0000 0000 00 00 00000003"
    "04b6 0015 02 00 e000 fcff0006000000000000000000000001 00"
    "04b6 001d 02 00 e000 fcdd0000000000000000000000000005 00 04e2 0004 0012 00 00";
const std::string kBindingSid =
    "04bc 0024 8000 0000 cafe0000000000000000000000000025 cafe0000000000000000000000000025";
const std::string kPolicyName = "04bd 000a 746f2d776f726b657232";
const std::string kReason = "ff98 0007 00000000 776879";
const std::string kAttribute = kState + kName + kList + kBindingSid + kPolicyName + kReason;

TEST(PolicyPaths, AreWrittenAsRfc9857Says) {
  EXPECT_EQ(to_hex(encode(path()).bytes), to_hex(hex(kRoute)));
  const auto read = decode_policy_path(hex(kRoute));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, path());
  EXPECT_EQ(read->to_string(), "fd10::1000 (10.0.0.1): path 4 of policy 94 to fd12::1000");
  EXPECT_EQ(LinkStateNlri{hex(kRoute)}.to_string(), read->to_string());

  auto ipv4_only = path();
  ipv4_only.identifier = 7;
  ipv4_only.headend.ipv6.reset();
  ipv4_only.headend.ipv4 = ipv4("192.0.2.1");
  ipv4_only.endpoint = ip("192.0.2.9");
  ipv4_only.originator = ip("2001:db8::1");
  EXPECT_EQ(decode_policy_path(encode(ipv4_only).bytes), ipv4_only);
}

TEST(PolicyPaths, WithoutTheirMandatoryTlvsAreNotRead) {
  const auto cause = [](const std::string& value, const std::string& type = "0005") {
    const auto read = decode_policy_path(hex(type + with_length(2, value)));
    return read ? "read" : read.error().object + ": " + read.error().cause;
  };
  EXPECT_EQ(cause(kObject + kHeadend + kDescriptor), "read");
  EXPECT_EQ(cause(kObject + kDescriptor), "route: no Local Node Descriptors");
  EXPECT_EQ(cause(kObject + kHeadend), "route: no Candidate Path Descriptor");
  EXPECT_EQ(cause("02 0000000000000000" + kHeadend + kDescriptor), "route: its Protocol-ID is 2");
  EXPECT_EQ(cause(kObject + kHeadend + kDescriptor, "0001"), "route: its type is 1");
  EXPECT_EQ(cause(kObject + "0100 0008 0200 0004 0000fc00" + kDescriptor),
            "Local Node Descriptors: no router identifier of IPv4 or IPv6");
  EXPECT_EQ(cause(kObject + "0100 0006 0200 0002 fc00" + kDescriptor),
            "node descriptor 512: its length is 2");
  // The flags decide which addresses are long.
  EXPECT_EQ(cause(kObject + kHeadend + "022a 0004 02 80 0000"),
            "Candidate Path Descriptor: its length is 4");
  EXPECT_EQ(cause("09 00"), "route: its length is 6");
}

TEST(PolicyPathStates, AreWrittenAsRfc9857Says) {
  EXPECT_EQ(to_hex(encode(state())), to_hex(hex(kAttribute)));
  const auto read = decode_policy_path_state(hex(kAttribute));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, state());
  EXPECT_TRUE(read->has(kPathActive | kPathValid));
  EXPECT_FALSE(read->has(kPathShut));
}

TEST(PolicyPathStates, OfOthersAreReadAsFarAsTheyAreKnown) {
  // A TLV that nobody knows, a segment of type A, a reason of somebody else's enterprise number.
  const auto read = decode_policy_path_state(
      hex("03e7 0002 abcd" + kState +
          "04b5 0019 d000 0000 0000 00 00 00000001 04b6 0009 01 00 e000 00064000 00"
          "ff98 0007 00000009 776879"));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->preference, 100U);
  ASSERT_EQ(read->lists.size(), 1U);
  EXPECT_THAT(read->lists[0].segments, IsEmpty());
  EXPECT_EQ(read->reason, "");
  // Only the first of a TLV that may come once counts.
  EXPECT_EQ(decode_policy_path_state(hex(kState + "04b2 0008 00 00 0000 00000001"))->preference,
            100U);
  // Without E, V says nothing (RFC 9857 section 5.3).
  EXPECT_EQ(decode_policy_path_state(hex("04b2 0008 80 00 0800 00000064"))->flags, 0);
  EXPECT_EQ(decode_policy_path_state({})->flags, 0);
  // What is no text becomes some.
  EXPECT_EQ(decode_policy_path_state(hex("04b3 0001 ff"))->name, "\xef\xbf\xbd");
}

TEST(PolicyPathStates, CutLongTextsBetweenCharacters) {
  PolicyPathState long_name{.name = std::string(254, 'a') + "\xc3\xa9"};
  EXPECT_EQ(decode_policy_path_state(encode(long_name))->name, std::string(254, 'a'));
}

TEST(LinkStateAttributes, ThatCannotBeReadAreFaultyAsAWhole) {
  EXPECT_EQ(link_state_attribute_fault(hex(kAttribute)), "");
  EXPECT_EQ(link_state_attribute_fault(hex("03e7 0002 abcd")), "") << "not known: not judged";
  const auto fault = [](const std::string& text) { return link_state_attribute_fault(hex(text)); };
  EXPECT_EQ(fault("04b2 0008 0a00"), "a TLV overruns it");
  EXPECT_EQ(fault("04b2 0007 0a 00 5900 000064"), "Candidate Path State: its length is 7");
  EXPECT_EQ(fault("04bc 0004 8000 0000"), "SRv6 Binding SID: its length is 4");
  EXPECT_EQ(fault("04b5 0004 d000 0000"), "SR Segment List: its length is 4");
  EXPECT_EQ(fault("04b5 000f d000 0000 0000 00 00 00000001 04b6 00"),
            "SR Segment List: a sub-TLV overruns it");
  EXPECT_EQ(fault("04b5 0014 d000 0000 0000 00 00 00000001 04b6 0004 02 00 e000"),
            "SR Segment: its length is 4");
}

std::vector<std::string> routes_in(const std::string& text, std::size_t& skipped, bool& ok) {
  const auto bytes = hex(text);
  LinkStateNlriCursor cursor(bytes);
  std::vector<std::string> all;
  for (std::span<const std::uint8_t> one; cursor.next(one);) all.push_back(to_hex(one));
  skipped = cursor.skipped();
  ok = cursor.ok();
  return all;
}

TEST(LinkStateRoutes, ThatAreMalformedAreSkippedOneByOne) {
  const std::string unknown = "ffdc 0003 010203";  // private use: opaque
  const std::string unordered = "0005 0059 " + kObject + kDescriptor + kHeadend;  // section 5.1
  const std::string overrun = "0001 000e " + kObject + "0100 0024 00";
  const std::string nested = "0001 0012 " + kObject + "0100 0005 0200 000400";
  const std::string tiny = "0001 0002 0200";
  std::size_t skipped = 0;
  bool ok = false;
  EXPECT_EQ(routes_in(unordered + kRoute + overrun + nested + unknown + tiny, skipped, ok),
            (std::vector<std::string>{to_hex(hex(kRoute)), to_hex(hex(unknown))}));
  EXPECT_EQ(skipped, 4U);
  EXPECT_TRUE(ok);
  // Behind one that overruns nothing can be found.
  EXPECT_EQ(routes_in(kRoute + "0005 0100 09", skipped, ok).size(), 1U);
  EXPECT_FALSE(ok);
}

std::vector<std::uint8_t> update(const std::string& nlri, const std::string& attribute,
                                 const std::string& flags = "80") {
  const std::string reach = "4004 47 10 fd100000000000000000000000001000 00" + nlri;
  const auto attributes = "40 01 01 00 40 02 00 40 05 04 00000064 90 0e" + with_length(2, reach) +
                          flags + "1d" + with_length(1, attribute);
  return hex("0000" + with_length(2, attributes));
}

DecodedAttributes attributes_in(const UpdateView& view, Family family = kLinkState) {
  std::vector<std::uint8_t> block;
  view.shared.append_to(block);
  return decode_attributes(block, {}, {.family = family});
}

TEST(LinkStateUpdates, LoseNoMoreThanWhatIsMalformed) {
  const auto good = update(kRoute, kState);
  auto view = split_update(good);
  EXPECT_EQ(view.judgement.verdict(), Verdict::kAccept) << view.judgement.reasons();
  ASSERT_TRUE(view.reach.has_value());
  EXPECT_EQ(view.reach->family, kLinkState);
  auto decoded = attributes_in(view);
  EXPECT_EQ(decoded.judgement.verdict(), Verdict::kAccept) << decoded.judgement.reasons();
  EXPECT_EQ(decoded.attributes.link_state, hex(kState));
  EXPECT_EQ(decode_attributes(encode_attributes(decoded.attributes, {}), {}, {.family = kLinkState})
                .attributes,
            decoded.attributes);

  // RFC 9552 section 8.2.2: the attribute is discarded, the route stands.
  decoded = attributes_in(split_update(update(kRoute, "04b2 0008 0a00")));
  EXPECT_EQ(decoded.judgement.verdict(), Verdict::kAttributeDiscard);
  EXPECT_THAT(decoded.judgement.reasons(), HasSubstr("RFC 9552 section 8.2.2"));
  EXPECT_THAT(decoded.attributes.link_state, IsEmpty());
  // RFC 7606 section 3 c: it says that it is transitive.
  decoded = attributes_in(split_update(update(kRoute, kState, "c0")));
  EXPECT_EQ(decoded.judgement.verdict(), Verdict::kTreatAsWithdraw);
  // Of another family's routes it says nothing, well-formed or not.
  decoded = attributes_in(split_update(update(kRoute, "04b2 0008 0a00")), kIpv6Unicast);
  EXPECT_EQ(decoded.judgement.verdict(), Verdict::kAccept);
  EXPECT_THAT(decoded.attributes.link_state, IsEmpty());

  // One route is malformed, the other stands; where none can be found, the family goes.
  view = split_update(update("0001 0002 0200" + kRoute, kState));
  EXPECT_EQ(view.judgement.verdict(), Verdict::kAttributeDiscard);
  EXPECT_THAT(view.judgement.reasons(), HasSubstr("1 routes are malformed"));
  EXPECT_TRUE(view.reach.has_value());
  view = split_update(update("0005 0100 09", kState));
  EXPECT_EQ(view.judgement.verdict(), Verdict::kAfiSafiDisable);
  EXPECT_EQ(view.disabled, kLinkState);
}

TEST(LinkStateUpdates, AreWrittenWithinTheLimit) {
  std::vector<std::uint8_t> out;
  UpdateWriter writer(out, kLinkState, kMaxMessage);
  const auto route = encode(path());
  const std::vector<std::uint8_t> block(kMaxMessage - 200, 0);
  EXPECT_TRUE(writer.begin({}, {ip("fd10::1000")}, route.bytes.size()));
  for (int i = 0; i < 100; ++i) writer.announce(route);
  for (int i = 0; i < 100; ++i) writer.withdraw(route);
  writer.finish();
  std::size_t announced = 0;
  std::size_t withdrawn = 0;
  std::span<const std::uint8_t> rest(out);
  while (!rest.empty()) {
    const auto message = next_message(rest);
    ASSERT_TRUE(message && *message);
    const auto view = split_update((*message)->body);
    EXPECT_EQ(view.judgement.verdict(), Verdict::kAccept) << view.judgement.reasons();
    if (view.reach) announced += check_nlri(kLinkState, view.reach->nlri).count;
    if (view.unreach) withdrawn += check_nlri(kLinkState, view.unreach->nlri).count;
    rest = rest.subspan((*message)->size);
  }
  EXPECT_EQ(announced, 100U);
  EXPECT_EQ(withdrawn, 100U);
  EXPECT_FALSE(writer.begin(block, {ip("fd10::1000")}, route.bytes.size() + 200));
}

}  // namespace
}  // namespace sextant::bgp
