// SRv6 endpoint behaviors with the code points of IANA's "SRv6 Endpoint Behaviors" registry.
// RFC 8986 section 10.2.2, RFC 9800 (NEXT-CSID).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ip.h"
#include "srv6/sid.h"

namespace sextant::srv6 {

enum class Behavior : std::uint16_t {
  kEnd = 1,
  kEndPsp = 2,
  kEndUsp = 3,
  kEndPspUsp = 4,
  kEndX = 5,
  kEndXPsp = 6,
  kEndXUsp = 7,
  kEndXPspUsp = 8,
  kEndB6Encaps = 14,
  kEndDx6 = 16,
  kEndDx4 = 17,
  kEndDt6 = 18,
  kEndDt4 = 19,
  kEndDt46 = 20,
  kEndB6EncapsRed = 27,
  kEndUsd = 28,
  kEndPspUsd = 29,
  kEndUspUsd = 30,
  kEndPspUspUsd = 31,
  kEndXUsd = 32,
  kEndXPspUsd = 33,
  kEndXUspUsd = 34,
  kEndXPspUspUsd = 35,
  kEndNextCsid = 43,
  kEndNextCsidPsp = 44,
  kEndNextCsidUsp = 45,
  kEndNextCsidPspUsp = 46,
  kEndNextCsidUsd = 47,
  kEndNextCsidPspUsd = 48,
  kEndNextCsidUspUsd = 49,
  kEndNextCsidPspUspUsd = 50,
  kEndXNextCsid = 52,
  kEndXNextCsidPsp = 53,
  kEndXNextCsidUsp = 54,
  kEndXNextCsidPspUsp = 55,
  kEndXNextCsidUsd = 56,
  kEndXNextCsidPspUsd = 57,
  kEndXNextCsidUspUsd = 58,
  kEndXNextCsidPspUspUsd = 59,
  kEndDx6NextCsid = 60,
  kEndDx4NextCsid = 61,
  kEndDt6NextCsid = 62,
  kEndDt4NextCsid = 63,
  kEndDt46NextCsid = 64,
  kOpaque = 0xffff,
};

/// IANA's name: "End.DT4", "End with PSP & USD", ...; "unknown" for code points that are not in the
/// list.
[[nodiscard]] std::string_view to_string(Behavior behavior);
/// The behavior of a code point or of a name as to_string prints it ("End.DT4").
[[nodiscard]] std::optional<Behavior> behavior_of(std::uint16_t code_point);
[[nodiscard]] std::optional<Behavior> behavior_of(std::string_view name);
/// Whether the behavior decapsulates and delivers an inner packet of the family (DT and DX
/// behaviors).
[[nodiscard]] bool decapsulates(Behavior behavior, Family inner);
/// Of either family.
[[nodiscard]] bool decapsulates(Behavior behavior);

/// The SID that every Sextant node gives a behavior under its locator: the function is the IANA
/// code point (End.DT4 of fcdd:0:0:aa::/64 is fcdd:0:0:aa:13::), so that a restart needs no memory
/// (DESIGN decision 7).
[[nodiscard]] Sid derived_sid(const Locator& locator, Behavior behavior);

}  // namespace sextant::srv6
