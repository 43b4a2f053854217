#include "srv6/segment_list.h"

#include <string>

#include "base/bytes.h"

namespace sextant::srv6 {
namespace {

constexpr std::size_t kIpv6HeaderBytes = 40;
constexpr std::size_t kFixedBytes = 8;  // of an SRH, before its segments
constexpr std::size_t kSegmentBytes = 16;
constexpr std::size_t kLengthUnit = 8;    // RFC 8754 section 2: Hdr Ext Len counts these
constexpr std::size_t kMaxLength = 255;   // without the first unit
constexpr std::uint8_t kRoutingType = 4;  // Segment Routing

auto encode_failure(std::string cause) { return failure("write SRH", {}, std::move(cause)); }
auto decode_failure(std::string cause) { return failure("read SRH", {}, std::move(cause)); }

}  // namespace

std::size_t encapsulation_overhead(std::size_t segments, EncapMode mode) {
  if (segments == 0) return 0;
  const std::size_t carried = mode == EncapMode::kEncapsReduced ? segments - 1 : segments;
  return kIpv6HeaderBytes + (carried == 0 ? 0 : kFixedBytes + carried * kSegmentBytes);
}

Result<Srh> make_srh(std::span<const Sid> visits, EncapMode mode, std::uint8_t next_header) {
  if (visits.empty()) return failure("make SRH", {}, "the segment list is empty");
  if (visits.size() > kMaxSegments) {
    return failure("make SRH", {},
                   std::to_string(visits.size()) + " segments, an SRH holds at most " +
                       std::to_string(kMaxSegments));
  }
  const auto carried = mode == EncapMode::kEncapsReduced ? visits.subspan(1) : visits;
  if (carried.empty()) {
    return failure("make SRH", {}, "one segment with reduced encapsulation has no SRH",
                   "send to the segment's address without an SRH");
  }
  return Srh{.next_header = next_header,
             .segments_left = static_cast<std::uint8_t>(visits.size() - 1),
             .last_entry = static_cast<std::uint8_t>(carried.size() - 1),
             .segments = {carried.rbegin(), carried.rend()}};
}

// RFC 8754 section 2.
Result<std::vector<std::uint8_t>> encode(const Srh& srh) {
  if (srh.segments.size() != std::size_t{srh.last_entry} + 1) {
    return encode_failure("last_entry " + std::to_string(srh.last_entry) + " does not fit " +
                          std::to_string(srh.segments.size()) + " segments");
  }
  if (srh.segments_left > srh.last_entry + 1) {
    return encode_failure("segments_left " + std::to_string(srh.segments_left) +
                          " is above last_entry + 1 (" + std::to_string(srh.last_entry + 1) + ")");
  }
  if (srh.tlvs.size() % kLengthUnit != 0) {
    return encode_failure(std::to_string(srh.tlvs.size()) +
                          " bytes of TLVs are not padded to a multiple of 8");
  }
  const std::size_t length = (srh.segments.size() * kSegmentBytes + srh.tlvs.size()) / kLengthUnit;
  if (length > kMaxLength) {
    return encode_failure(std::to_string(srh.segments.size()) + " segments and " +
                          std::to_string(srh.tlvs.size()) +
                          " bytes of TLVs do not fit the length field");
  }
  ByteWriter out;
  out.u8(srh.next_header);
  out.u8(static_cast<std::uint8_t>(length));
  out.u8(kRoutingType);
  out.u8(srh.segments_left);
  out.u8(srh.last_entry);
  out.u8(srh.flags);
  out.u16(srh.tag);
  for (const auto& segment : srh.segments) out.put(segment.address());
  out.put(srh.tlvs);
  return out.release();
}

Result<Srh> decode_srh(std::span<const std::uint8_t> bytes) {
  ByteReader in(bytes);
  Srh srh;
  srh.next_header = in.u8();
  const std::size_t length = in.u8() * kLengthUnit;
  const auto routing_type = in.u8();
  srh.segments_left = in.u8();
  srh.last_entry = in.u8();
  srh.flags = in.u8();
  srh.tag = in.u16();
  if (!in.ok()) {
    return decode_failure("truncated: " + std::to_string(bytes.size()) +
                          " bytes, the fixed part has " + std::to_string(kFixedBytes));
  }
  if (routing_type != kRoutingType) {
    return decode_failure("routing type " + std::to_string(routing_type) + ", not " +
                          std::to_string(kRoutingType));
  }
  auto rest = in.sub(length);
  if (!in.ok()) {
    return decode_failure("truncated: the length field says " +
                          std::to_string(kFixedBytes + length) + " bytes, there are " +
                          std::to_string(bytes.size()));
  }
  // RFC 8754 section 4.3.1.1: max_LE, and the two checks against it.
  const std::size_t room = length / kSegmentBytes;
  if (srh.last_entry >= room) {
    return decode_failure("last_entry " + std::to_string(srh.last_entry) +
                          " lies outside of the header, which has room for " +
                          std::to_string(room) + " segments");
  }
  if (srh.segments_left > srh.last_entry + 1) {
    return decode_failure("segments_left " + std::to_string(srh.segments_left) +
                          " is above last_entry + 1 (" + std::to_string(srh.last_entry + 1) + ")");
  }
  srh.segments.reserve(std::size_t{srh.last_entry} + 1);
  for (std::size_t i = 0; i <= srh.last_entry; ++i) srh.segments.emplace_back(rest.ipv6());
  const auto tlvs = rest.take(rest.remaining());
  srh.tlvs.assign(tlvs.begin(), tlvs.end());
  return srh;
}

}  // namespace sextant::srv6
