#include "srv6/policy.h"

#include <tuple>

namespace sextant::srv6 {
namespace {

/// Whether `a` comes before `b` by RFC 9256 section 2.9; both are valid. The numbers are the
/// section's tie-breaks.
bool preferred(const CandidatePath& a, const CandidatePath& b,
               const std::optional<CandidatePathKey>& installed) {
  if (a.preference != b.preference) return a.preference > b.preference;
  if (a.key.origin != b.key.origin) return a.key.origin > b.key.origin;  // 1
  const bool a_installed = installed == a.key;                           // 2
  const bool b_installed = installed == b.key;
  if (a_installed != b_installed) return a_installed;
  if (a.key.originator != b.key.originator) return a.key.originator < b.key.originator;  // 3
  if (a.key.discriminator != b.key.discriminator) {                                      // 4
    return a.key.discriminator > b.key.discriminator;
  }
  return std::tie(a.name, a.lists, a.binding_sid) < std::tie(b.name, b.lists, b.binding_sid);
}

}  // namespace

std::optional<std::size_t> select_active(std::span<const CandidatePath> paths,
                                         const std::optional<CandidatePathKey>& installed) {
  std::optional<std::size_t> active;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (!paths[i].valid()) continue;
    if (!active || preferred(paths[i], paths[*active], installed)) active = i;
  }
  return active;
}

}  // namespace sextant::srv6
