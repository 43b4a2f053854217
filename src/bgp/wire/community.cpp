#include "bgp/wire/community.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <utility>

#include "base/bytes.h"

namespace sextant::bgp {
namespace {

// RFC 4360 section 3, RFC 9012 section 4.3, RFC 5668: type and sub-type of two bytes.
constexpr std::uint16_t kColorType = 0x030b;
constexpr std::uint8_t kTargetSubType = 0x02;
constexpr std::uint8_t kTwoOctetAs = 0x00;
constexpr std::uint8_t kAddress = 0x01;
constexpr std::uint8_t kFourOctetAs = 0x02;

constexpr std::pair<Community, std::string_view> kWellKnown[] = {
    {kNoExport, "no-export"},
    {kNoAdvertise, "no-advertise"},
    {kNoExportSubconfed, "no-export-subconfed"},
    {kNoPeer, "no-peer"},
    {kGracefulShutdown, "graceful-shutdown"},
    {kBlackhole, "blackhole"},
    {kLlgrStale, "llgr-stale"},
    {kNoLlgr, "no-llgr"},
};

// Numbers between colons, each at most its limit; false where the text is anything else.
bool numbers_of(std::string_view text, std::span<const std::uint32_t> limits,
                std::span<std::uint32_t> numbers) {
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t i = 0; i < limits.size(); ++i) {
    if (i > 0 && (at == end || *at++ != ':')) return false;
    const auto [next, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc{} || numbers[i] > limits[i]) return false;
    at = next;
  }
  return at == end;
}

ExtendedCommunity written(const ByteWriter& writer) {
  ExtendedCommunity community;
  std::ranges::copy(writer.bytes(), community.bytes.begin());
  return community;
}

}  // namespace

std::string to_string(Community community) {
  const auto* known =
      std::ranges::find(kWellKnown, community, [](const auto& e) { return e.first; });
  if (known != std::end(kWellKnown)) return std::string(known->second);
  return std::to_string(community.value >> 16) + ":" + std::to_string(community.value & 0xffff);
}

std::optional<Community> community_of(std::string_view text) {
  const auto* known = std::ranges::find(kWellKnown, text, [](const auto& e) { return e.second; });
  if (known != std::end(kWellKnown)) return known->first;
  constexpr std::uint32_t kLimits[] = {0xffff, 0xffff};
  std::uint32_t numbers[2] = {};
  if (!numbers_of(text, kLimits, numbers)) return std::nullopt;
  return Community{numbers[0] << 16 | numbers[1]};
}

std::string to_string(const LargeCommunity& community) {
  return std::to_string(community.administrator) + ":" + std::to_string(community.data1) + ":" +
         std::to_string(community.data2);
}

std::optional<LargeCommunity> large_community_of(std::string_view text) {
  constexpr std::uint32_t kLimits[] = {0xffffffff, 0xffffffff, 0xffffffff};
  std::uint32_t numbers[3] = {};
  if (!numbers_of(text, kLimits, numbers)) return std::nullopt;
  return LargeCommunity{numbers[0], numbers[1], numbers[2]};
}

ExtendedCommunity ExtendedCommunity::of(const ColorCommunity& color) {
  // RFC 9830 section 3: the CO bits are the first two of the flags.
  ByteWriter out;
  out.u16(kColorType);
  out.u16(static_cast<std::uint16_t>(static_cast<unsigned>(color.color_only) << 14));
  out.u32(color.color.value);
  return written(out);
}

ExtendedCommunity ExtendedCommunity::route_target(Ipv4Address address, std::uint16_t number) {
  ByteWriter out;
  out.u8(kAddress);
  out.u8(kTargetSubType);
  out.put(address);
  out.u16(number);
  return written(out);
}

ExtendedCommunity ExtendedCommunity::route_target(std::uint32_t asn, std::uint32_t number) {
  ByteWriter out;
  const bool two_octets = asn <= 0xffff;
  out.u8(two_octets ? kTwoOctetAs : kFourOctetAs);
  out.u8(kTargetSubType);
  if (two_octets) {
    out.u16(static_cast<std::uint16_t>(asn));
    out.u32(number);
  } else {
    out.u32(asn);
    out.u16(static_cast<std::uint16_t>(number));
  }
  return written(out);
}

std::optional<ColorCommunity> ExtendedCommunity::color() const {
  ByteReader reader(bytes);
  if (reader.u16() != kColorType) return std::nullopt;
  ColorCommunity color;
  color.color_only = static_cast<ColorOnly>(reader.u16() >> 14);
  color.color.value = reader.u32();
  return color;
}

bool ExtendedCommunity::is_route_target() const {
  return bytes[0] <= kFourOctetAs && bytes[1] == kTargetSubType;
}

std::optional<Ipv4Address> ExtendedCommunity::target_address() const {
  if (bytes[0] != kAddress || bytes[1] != kTargetSubType) return std::nullopt;
  return Ipv4Address({bytes[2], bytes[3], bytes[4], bytes[5]});
}

std::string to_string(const ExtendedCommunity& community) {
  if (const auto color = community.color()) {
    constexpr std::string_view kBits[] = {"00", "01", "10", "11"};
    return "color:" + std::string(kBits[static_cast<std::size_t>(color->color_only)]) + ":" +
           std::to_string(color->color.value);
  }
  if (community.is_route_target()) {
    ByteReader reader(community.bytes);
    const auto type = reader.u8();
    reader.u8();
    if (type == kAddress) {
      const auto address = reader.ipv4();
      return "rt:" + address.to_string() + ":" + std::to_string(reader.u16());
    }
    const std::uint32_t asn = type == kTwoOctetAs ? reader.u16() : reader.u32();
    const std::uint32_t number = type == kTwoOctetAs ? reader.u32() : reader.u16();
    return "rt:" + std::to_string(asn) + ":" + std::to_string(number);
  }
  std::string text = "0x";
  for (const auto byte : community.bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

}  // namespace sextant::bgp
