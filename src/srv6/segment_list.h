// Segment lists and the Segment Routing Header that carries them. RFC 8754, RFC 9256 section 5.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "srv6/sid.h"

namespace sextant::srv6 {

/// SIDs in the order in which a packet visits them (the SRH stores them the other way round).
struct SegmentList {
  std::vector<Sid> segments;
  std::uint32_t weight = 1;  // RFC 9256 section 2.2; 0 is invalid
  friend auto operator<=>(const SegmentList&, const SegmentList&) = default;
};

/// How the headend encapsulates: RFC 8986 sections 5.1 and 5.2.
enum class EncapMode : std::uint8_t {
  kEncaps,         // H.Encaps: every SID stands in the SRH
  kEncapsReduced,  // H.Encaps.Red: the first SID stands in the destination only; one SID needs no SRH
};

/// Bytes that encapsulation adds in front of the inner packet: 40 for the outer IPv6 header and the SRH, where there is one.
[[nodiscard]] std::size_t encapsulation_overhead(std::size_t segments, EncapMode mode);

/// The Segment Routing Header, RFC 8754 section 2.
struct Srh {
  std::uint8_t next_header = 41;  // 4 IPv4, 41 IPv6
  std::uint8_t segments_left = 0;
  std::uint8_t last_entry = 0;
  std::uint8_t flags = 0;
  std::uint16_t tag = 0;
  std::vector<Sid> segments;          // as on the wire: [0] is the last segment
  std::vector<std::uint8_t> tlvs;     // verbatim, a multiple of 8 bytes with padding
  friend bool operator==(const Srh&, const Srh&) = default;
};

/// The SRH of a list of visits; none (an error) for an empty list or one over 127 SIDs.
/// With kEncapsReduced the first segment is left out and segments_left counts one more than last_entry.
[[nodiscard]] Result<Srh> make_srh(std::span<const Sid> visits, EncapMode mode,
                                   std::uint8_t next_header);
/// Errors: a list or TLVs that do not fit the length field.
[[nodiscard]] Result<std::vector<std::uint8_t>> encode(const Srh& srh);
/// Errors, each with the field: truncated, routing type not 4, last_entry outside the header, segments_left above last_entry + 1.
[[nodiscard]] Result<Srh> decode_srh(std::span<const std::uint8_t> bytes);

}  // namespace sextant::srv6
