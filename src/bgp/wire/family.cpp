#include "bgp/wire/family.h"

#include <algorithm>
#include <iterator>

namespace sextant::bgp {
namespace {

constexpr std::string_view kNames[] = {"ipv4-unicast",  "ipv6-unicast",  "ipv4-vpn",  "ipv6-vpn",
                                       "ipv4-srpolicy", "ipv6-srpolicy", "link-state"};
static_assert(std::size(kNames) == std::size(kFamilies));

}  // namespace

bool is_known(Family family) { return std::ranges::find(kFamilies, family) != std::end(kFamilies); }

std::string to_string(Family family) {
  for (std::size_t i = 0; i < std::size(kFamilies); ++i) {
    if (kFamilies[i] == family) return std::string(kNames[i]);
  }
  return "afi " + std::to_string(static_cast<unsigned>(family.afi)) + " safi " +
         std::to_string(static_cast<unsigned>(family.safi));
}

std::optional<Family> family_of(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kFamilies); ++i) {
    if (kNames[i] == name) return kFamilies[i];
  }
  return std::nullopt;
}

}  // namespace sextant::bgp
