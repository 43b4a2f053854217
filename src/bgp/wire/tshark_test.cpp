// What an independent decoder makes of our messages: Wireshark's finds no malformed field in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/bytes.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/hex_test.h"
#include "bgp/wire/link_state_policy.h"
#include "bgp/wire/message.h"
#include "bgp/wire/open.h"
#include "bgp/wire/route_refresh.h"
#include "bgp/wire/update_writer.h"

namespace sextant::bgp {
namespace {

using testing::IsEmpty;

Ipv6Address address(const char* text) { return *Ipv6Address::parse(text); }

// A capture file of type "Wireshark upper PDU": each packet names its dissector, then holds one
// message.
std::vector<std::uint8_t> capture(const std::vector<std::vector<std::uint8_t>>& messages) {
  ByteWriter out;
  for (const std::uint32_t word : {0xa1b2c3d4U, 0x00020004U, 0U, 0U, 262144U, 252U}) out.u32(word);
  for (const auto& message : messages) {
    ByteWriter packet;
    packet.u16(12);  // EXP_PDU_TAG_DISSECTOR_NAME
    packet.u16(4);
    packet.put(hex("62677000"));  // "bgp"
    packet.u32(0);                // end of tags
    packet.put(message);
    out.u32(0);
    out.u32(0);
    out.u32(static_cast<std::uint32_t>(packet.size()));
    out.u32(static_cast<std::uint32_t>(packet.size()));
    out.put(packet.bytes());
  }
  return out.release();
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  char chunk[4096];
  while (pipe) {
    const auto size = std::fread(chunk, 1, sizeof chunk, pipe.get());
    if (size == 0) break;
    output.append(chunk, size);
  }
  return output;
}

Attributes attributes() {
  Attributes all;
  all.origin = Origin::kIncomplete;
  all.as_path.segments = {{AsSegment::Type::kSequence, {64512, 4200000001}},
                          {AsSegment::Type::kSet, {64514}}};
  all.med = 10;
  all.local_pref = 200;
  all.atomic_aggregate = true;
  all.aggregator = Aggregator{4200000001, Ipv4Address({10, 0, 0, 9})};
  all.communities = {kNoAdvertise, Community{0xfc000064}};
  all.originator_id = Ipv4Address({10, 0, 0, 1});
  all.cluster_list = {Ipv4Address({10, 0, 0, 2}), Ipv4Address({10, 0, 0, 3})};
  all.extended_communities = {ExtendedCommunity::of({{94}, ColorOnly::kNullEndpoint}),
                              ExtendedCommunity::route_target(Ipv4Address({10, 255, 0, 1}), 0),
                              ExtendedCommunity::route_target(4200000001, 7)};
  all.large_communities = {{64512, 1, 2}};
  return all;
}

template <typename... Nlri>
std::vector<std::uint8_t> update(Family family, const Attributes& shared, const char* next_hop,
                                 const Nlri&... nlri) {
  std::vector<std::uint8_t> out;
  UpdateWriter writer(out, family, kMaxMessage);
  EXPECT_TRUE(writer.begin(encode_attributes(shared, {}), {*IpAddress::parse(next_hop)}));
  (writer.announce(nlri), ...);
  writer.finish();
  return out;
}

template <typename... Nlri>
std::vector<std::uint8_t> withdrawal(Family family, const Nlri&... nlri) {
  std::vector<std::uint8_t> out;
  UpdateWriter writer(out, family, kMaxMessage);
  (writer.withdraw(nlri), ...);
  writer.finish();
  return out;
}

SrPolicyTunnel policy() {
  SrPolicyTunnel tunnel;
  tunnel.preference = 11;
  tunnel.priority = 10;
  tunnel.enlp = ExplicitNullPolicy::kNone;
  tunnel.binding_sid = BindingSid{0x80, std::nullopt, address("cafe::3")};
  // tshark 4.0 does not know sub-TLV 20 (SRv6 binding SID).
  const SidBehavior behavior{srv6::Behavior::kEndDt4, {32, 16, 16, 0}};
  tunnel.lists = {{12,
                   {Segment::of(address("fcff:6::1")),
                    Segment::of(address("fcdd::aa:34b8:247c:36da:db44"), behavior)},
                   {}},
                  {3, {Segment::of(address("fcff:8::1"))}, {}}};
  tunnel.candidate_path_name = "gold";
  tunnel.policy_name = "gold-policy";
  return tunnel;
}

std::vector<std::vector<std::uint8_t>> messages() {
  Open open;
  open.asn = 4200000001;
  open.hold_time = 90;
  open.identifier = Ipv4Address({10, 0, 0, 1});
  open.capabilities.families.assign(std::begin(kFamilies), std::end(kFamilies));
  open.capabilities.route_refresh = true;
  open.capabilities.enhanced_route_refresh = true;
  open.capabilities.extended_message = true;
  open.capabilities.extended_next_hops = {{kIpv4Unicast, Afi::kIpv6}};
  open.capabilities.graceful_restart = GracefulRestart{true, true, 120, {{kIpv6Unicast, true}}};
  open.capabilities.four_octet_as = open.asn;

  auto service = attributes();
  PrefixSid prefix_sid;
  prefix_sid.l3_services = {{address("fcdd:0:0:aa:12::"),
                             0,
                             srv6::Behavior::kEndDt6,
                             srv6::SidStructure{48, 16, 16, 0},
                             {}}};
  service.prefix_sid = encode(prefix_sid);
  auto steered = attributes();
  steered.tunnel_encapsulation = *encode_sr_policy(policy());

  const auto v4 = [](const char* text) { return PrefixNlri::of(*IpPrefix::parse(text)); };
  const VpnNlri vpn{{0, 0, 0xfc, 0, 0, 0, 0, 1}, v4("10.0.1.0/24"), 0x000641};
  return {
      encode(open),
      encode_keepalive(),
      encode(with_text(CeaseReason::kAdministrativeShutdown, "maintenance")),
      encode(RouteRefresh{kSrPolicyIpv6, RefreshKind::kRequest}),
      encode(RouteRefresh{kIpv6Unicast, RefreshKind::kBegin}),
      update(kIpv4Unicast, attributes(), "10.0.0.1", v4("10.0.1.0/24"), v4("0.0.0.0/0")),
      update(kIpv4Unicast, attributes(), "2001:db8::1", v4("10.0.1.0/24")),
      update(kIpv6Unicast, service, "2001:db8::1", v4("2001:db8:1::/64"), v4("fd00::/8")),
      update(kVpnv4, attributes(), "10.0.0.1", vpn),
      update(kIpv6Unicast, steered, "2001:db8::1", v4("2001:db8:2::/64")),
      withdrawal(kIpv4Unicast, v4("10.0.1.0/24"), v4("10.0.2.0/23")),
      withdrawal(kIpv6Unicast, v4("2001:db8:1::/64")),
      encode_end_of_rib(kIpv4Unicast),
      encode_end_of_rib(kSrPolicyIpv6),
  };
}

struct Reading {
  std::string text;
  std::size_t frames = 0;
  std::vector<std::string> complaints;
};

Reading read(const std::vector<std::vector<std::uint8_t>>& all) {
  const auto file = std::filesystem::temp_directory_path() /
                    ("sextant-bgp-" + std::to_string(getpid()) + ".pcap");
  const auto bytes = capture(all);
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  Reading reading;
  reading.text = output_of("tshark -r " + file.string() + " -V 2>&1");
  std::filesystem::remove(file);
  std::istringstream lines(reading.text);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("Frame ", 0) == 0) ++reading.frames;
    if (line.find("Malformed") != line.npos || line.find("Expert Info (Error") != line.npos ||
        line.find("Expert Info (Warning") != line.npos) {
      reading.complaints.push_back(line);
    }
  }
  return reading;
}

class Tshark : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v tshark >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "tshark is not installed";
    }
  }
};

TEST_F(Tshark, ReadsOurMessagesWithoutComplaint) {
  const auto reading = read(messages());
  EXPECT_EQ(reading.frames, messages().size());
  EXPECT_THAT(reading.complaints, IsEmpty());
  // It did look inside.
  for (const char* expected :
       {"Type: OPEN Message (1)", "Shutdown Communication: maintenance", "Preference: 0000000b",
        "Data: 0000fcff0006000000000000000000000001", "Policy name: gold", "64512:1:2",
        "SRv6 L3 Service", "2001:db8:1::/64", "10.0.1.0/24"}) {
    EXPECT_TRUE(reading.text.find(expected) != std::string::npos) << expected;
  }
}

// tshark 4.0 does not know the next hops of SR Policy routes and reads an IPv6 endpoint in four
// bytes. It says the same of GoBGP's messages: of ours, nothing more.
TEST_F(Tshark, ReadsOurSrPolicyRoutesAsItReadsThoseOfGobgp) {
  const std::string marker = repeat("ff", 16);
  const auto theirs = read({
      hex(marker + "0091 02 0000 007a 40 01 01 00 40 02 00 40 05 04 00000064"
                   "80 0e 2e 0002 49 10 fd120000000000000000000000001000 00"
                   "c0 00000008 00000065 fd120000000000000000000000001000"
                   "c0 17 38 000f 0034 0d 12 00 00 cafe0000000000000000000000010000"
                   "80 001d 00 09 06 00 00 00000001 0d 12 00 00 fcff0006000000000000000000000001"),
      hex(marker + "0036 02 0000 001f 80 0f 1c 0002 49"
                   "c0 00000000 00000004 fd100000000000000000000000001000"),
  });
  auto shared = attributes();
  shared.tunnel_encapsulation = *encode_sr_policy(policy());
  const SrPolicyNlri nlri{4, {94}, address("fd12::1000")};
  const auto ours =
      read({update(kSrPolicyIpv6, shared, "fd12::1000", nlri), withdrawal(kSrPolicyIpv6, nlri)});
  EXPECT_EQ(theirs.frames, 2U);
  EXPECT_EQ(ours.frames, 2U);
  EXPECT_EQ(ours.complaints, theirs.complaints);
  EXPECT_TRUE(ours.text.find("Policy color: 0000005e") != std::string::npos);
}

// tshark 4.0 knows neither candidate paths nor what is said of them: the framing of both, and the
// headend's descriptors where they stand in a route that it knows.
TEST_F(Tshark, FollowsOurCandidatePathsAsFarAsItKnowsThem) {
  const PolicyPath path{.headend = {.asn = 64512,
                                    .router_id = Ipv4Address({10, 0, 0, 1}),
                                    .ipv6 = address("fd10::1000")},
                        .endpoint = address("fd12::1000"),
                        .color = {94},
                        .originator_asn = 64512,
                        .originator = Ipv4Address({10, 0, 0, 99}),
                        .discriminator = 4};
  const auto route = encode(path);
  auto shared = attributes();
  shared.link_state = encode(PolicyPathState{.flags = kPathEvaluated, .name = "gold"});
  const auto reading = read({update(kLinkState, shared, "fd10::1000", route)});
  EXPECT_EQ(reading.frames, 1U);
  for (const char* expected : {"NLRI Type: Unknown (5)", "NLRI Length: 89", "BGP-LS Attribute (29)",
                               "TLV Code (1202)", "TLV Code (1203)"}) {
    EXPECT_TRUE(reading.text.find(expected) != std::string::npos) << expected;
  }
  EXPECT_TRUE(reading.text.find("Malformed") == std::string::npos) << reading.text;

  // Protocol-ID, identifier and Local Node Descriptors, as a node's route has them.
  ByteWriter node;
  put_tlv(node, static_cast<std::uint16_t>(LinkStateType::kNode),
          [&] { node.put(std::span(route.bytes).subspan(4, 9 + 40)); });
  const auto known =
      read({update(kLinkState, attributes(), "fd10::1000", LinkStateNlri{node.release()})});
  // It knows router identifiers of IPv6 in attributes only.
  EXPECT_THAT(known.complaints, testing::ElementsAre(testing::HasSubstr("type (1029)")));
  for (const char* expected : {"AS ID: 64512", "BGP Router-ID: 10.0.0.1"}) {
    EXPECT_TRUE(known.text.find(expected) != std::string::npos) << expected << known.text;
  }
}

}  // namespace
}  // namespace sextant::bgp
