// Segment lists and the Segment Routing Header that carries them. RFC 8754, RFC 9256 section 5.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "srv6/sid.h"

namespace sextant::srv6 {

/// SIDs in the order in which a packet visits them (the SRH stores them the other way round).
struct SegmentList {
  std::vector<Sid> segments;
  std::uint32_t weight = 1;  // RFC 9256 section 2.2
  /// What the list itself shows of RFC 9256 section 5.1: neither empty nor of weight 0.
  [[nodiscard]] bool valid() const { return !segments.empty() && weight != 0; }
  friend auto operator<=>(const SegmentList&, const SegmentList&) = default;
};

/// How the headend encapsulates: RFC 8986 sections 5.1 and 5.2.
enum class EncapMode : std::uint8_t {
  kEncaps,         // H.Encaps: every SID stands in the SRH
  kEncapsReduced,  // H.Encaps.Red: the first SID is only the destination; one SID needs no SRH
};

/// An SRH's length field holds no more (RFC 8754 section 2: 255 units of 8 bytes).
inline constexpr std::size_t kMaxSegments = 127;

/// Bytes that encapsulation adds in front of the inner packet: 40 for the outer IPv6 header and the
/// SRH, where there is one. 0 segments: 0, for there is nothing to encapsulate towards.
[[nodiscard]] std::size_t encapsulation_overhead(std::size_t segments, EncapMode mode);

/// The Segment Routing Header, RFC 8754 section 2.
struct Srh {
  std::uint8_t next_header = 41;  // 4 IPv4, 41 IPv6
  std::uint8_t segments_left = 0;
  std::uint8_t last_entry = 0;
  std::uint8_t flags = 0;
  std::uint16_t tag = 0;
  std::vector<Sid> segments;       // as on the wire: [0] is the last segment
  std::vector<std::uint8_t> tlvs;  // verbatim, a multiple of 8 bytes with padding
  friend bool operator==(const Srh&, const Srh&) = default;
};

/// The SRH of a list of visits, as the headend sends it: the destination is visits[0].
/// With kEncapsReduced the first segment is left out and segments_left counts one more than
/// last_entry. Errors: an empty list, more than kMaxSegments, and one segment with kEncapsReduced,
/// which goes without an SRH.
[[nodiscard]] Result<Srh> make_srh(std::span<const Sid> visits, EncapMode mode,
                                   std::uint8_t next_header);
/// Errors: what decode_srh would reject or read differently (segments beside last_entry,
/// segments_left, TLVs not padded to 8 bytes), and a list with TLVs that do not fit the length
/// field.
[[nodiscard]] Result<std::vector<std::uint8_t>> encode(const Srh& srh);
/// The header at the start of `bytes`; what follows it is not looked at.
/// Errors, each with the field: truncated, routing type not 4, last_entry outside the header,
/// segments_left above last_entry + 1 (RFC 8754 section 4.3.1.1).
[[nodiscard]] Result<Srh> decode_srh(std::span<const std::uint8_t> bytes);

}  // namespace sextant::srv6
