#include "srv6/behavior.h"

#include <algorithm>
#include <array>

namespace sextant::srv6 {
namespace {

struct Name {
  Behavior behavior;
  std::string_view text;
};

// IANA "SRv6 Endpoint Behaviors": the descriptions, letter by letter.
constexpr std::array kNames = {
    Name{Behavior::kEnd, "End"},
    Name{Behavior::kEndPsp, "End with PSP"},
    Name{Behavior::kEndUsp, "End with USP"},
    Name{Behavior::kEndPspUsp, "End with PSP & USP"},
    Name{Behavior::kEndX, "End.X"},
    Name{Behavior::kEndXPsp, "End.X with PSP"},
    Name{Behavior::kEndXUsp, "End.X with USP"},
    Name{Behavior::kEndXPspUsp, "End.X with PSP & USP"},
    Name{Behavior::kEndB6Encaps, "End.B6.Encaps"},
    Name{Behavior::kEndDx6, "End.DX6"},
    Name{Behavior::kEndDx4, "End.DX4"},
    Name{Behavior::kEndDt6, "End.DT6"},
    Name{Behavior::kEndDt4, "End.DT4"},
    Name{Behavior::kEndDt46, "End.DT46"},
    Name{Behavior::kEndB6EncapsRed, "End.B6.Encaps.Red"},
    Name{Behavior::kEndUsd, "End with USD"},
    Name{Behavior::kEndPspUsd, "End with PSP & USD"},
    Name{Behavior::kEndUspUsd, "End with USP & USD"},
    Name{Behavior::kEndPspUspUsd, "End with PSP, USP & USD"},
    Name{Behavior::kEndXUsd, "End.X with USD"},
    Name{Behavior::kEndXPspUsd, "End.X with PSP & USD"},
    Name{Behavior::kEndXUspUsd, "End.X with USP & USD"},
    Name{Behavior::kEndXPspUspUsd, "End.X with PSP, USP & USD"},
    Name{Behavior::kEndNextCsid, "End with NEXT-CSID"},
    Name{Behavior::kEndNextCsidPsp, "End with NEXT-CSID & PSP"},
    Name{Behavior::kEndNextCsidUsp, "End with NEXT-CSID & USP"},
    Name{Behavior::kEndNextCsidPspUsp, "End with NEXT-CSID, PSP & USP"},
    Name{Behavior::kEndNextCsidUsd, "End with NEXT-CSID & USD"},
    Name{Behavior::kEndNextCsidPspUsd, "End with NEXT-CSID, PSP & USD"},
    Name{Behavior::kEndNextCsidUspUsd, "End with NEXT-CSID, USP & USD"},
    Name{Behavior::kEndNextCsidPspUspUsd, "End with NEXT-CSID, PSP, USP & USD"},
    Name{Behavior::kEndXNextCsid, "End.X with NEXT-CSID"},
    Name{Behavior::kEndXNextCsidPsp, "End.X with NEXT-CSID & PSP"},
    Name{Behavior::kEndXNextCsidUsp, "End.X with NEXT-CSID & USP"},
    Name{Behavior::kEndXNextCsidPspUsp, "End.X with NEXT-CSID, PSP & USP"},
    Name{Behavior::kEndXNextCsidUsd, "End.X with NEXT-CSID & USD"},
    Name{Behavior::kEndXNextCsidPspUsd, "End.X with NEXT-CSID, PSP & USD"},
    Name{Behavior::kEndXNextCsidUspUsd, "End.X with NEXT-CSID, USP & USD"},
    Name{Behavior::kEndXNextCsidPspUspUsd, "End.X with NEXT-CSID, PSP, USP & USD"},
    Name{Behavior::kEndDx6NextCsid, "End.DX6 with NEXT-CSID"},
    Name{Behavior::kEndDx4NextCsid, "End.DX4 with NEXT-CSID"},
    Name{Behavior::kEndDt6NextCsid, "End.DT6 with NEXT-CSID"},
    Name{Behavior::kEndDt4NextCsid, "End.DT4 with NEXT-CSID"},
    Name{Behavior::kEndDt46NextCsid, "End.DT46 with NEXT-CSID"},
    Name{Behavior::kOpaque, "Opaque"},
};

}  // namespace

std::string_view to_string(Behavior behavior) {
  const auto* const found = std::ranges::find(kNames, behavior, &Name::behavior);
  return found == kNames.end() ? "unknown" : found->text;
}

std::optional<Behavior> behavior_of(std::uint16_t code_point) {
  const auto* const found =
      std::ranges::find(kNames, static_cast<Behavior>(code_point), &Name::behavior);
  if (found == kNames.end()) return std::nullopt;
  return found->behavior;
}

std::optional<Behavior> behavior_of(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name, &Name::text);
  if (found == kNames.end()) return std::nullopt;
  return found->behavior;
}

bool decapsulates(Behavior behavior, Family inner) {
  switch (behavior) {
    case Behavior::kEndDt46:
    case Behavior::kEndDt46NextCsid:
      return true;
    case Behavior::kEndDt4:
    case Behavior::kEndDx4:
    case Behavior::kEndDt4NextCsid:
    case Behavior::kEndDx4NextCsid:
      return inner == Family::kIpv4;
    case Behavior::kEndDt6:
    case Behavior::kEndDx6:
    case Behavior::kEndDt6NextCsid:
    case Behavior::kEndDx6NextCsid:
      return inner == Family::kIpv6;
    default:
      return false;
  }
}

bool decapsulates(Behavior behavior) {
  return decapsulates(behavior, Family::kIpv4) || decapsulates(behavior, Family::kIpv6);
}

Sid derived_sid(const Locator& locator, Behavior behavior) {
  return locator.sid(static_cast<std::uint16_t>(behavior));
}

}  // namespace sextant::srv6
