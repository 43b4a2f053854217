// One path to a destination, as the tables hold it: 8 bytes.
#pragma once

#include <cstdint>

namespace sextant::bgp {

/// An interned set of attributes (attribute_pool.h).
enum class AttributeId : std::uint32_t {};
/// A peer of this speaker, or kLocalPeer.
enum class PeerId : std::uint16_t {};
/// Routes that this speaker itself originates.
inline constexpr PeerId kLocalPeer{0};
/// A destination in one family's table. Stable while the destination has paths or watchers.
enum class EntryId : std::uint32_t {};

struct Path {
  AttributeId attributes{};
  PeerId peer{};
  /// The peer's epoch of this family when the path was last received: a path of an older epoch is
  /// stale, so that marking a peer's routes stale costs nothing a route (RFC 4724, RFC 7313).
  std::uint8_t epoch = 0;
  std::uint8_t reserved = 0;
  friend bool operator==(const Path&, const Path&) = default;
};
static_assert(sizeof(Path) == 8);

}  // namespace sextant::bgp
