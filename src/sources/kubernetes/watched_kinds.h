// The kinds of objects that are followed at the API server, and what of them is looked at.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <span>
#include <string_view>

#include "kube/resource.h"
#include "sources/value.h"

namespace sextant::kubernetes {

enum class Kind : std::uint8_t {
  kNode,
  kSrv6Node,
  kSrv6Policy,
  kSrv6Locator,
  kConfigMap,
  kIpPool,
  kBlockAffinity,
  kIpamBlock,
  kBgpConfiguration,
  kBgpPeer,
  kBgpFilter,
  kSecret,
};
inline constexpr std::size_t kKinds = 12;

/// Whether a kind is followed always, or why.
enum class Need : std::uint8_t {
  kAlways,
  kBlocks,   // of Calico's IPAM: not where it does not allocate
  kPeering,  // of BGP sessions
  kByName,   // those objects alone that others name
};

struct WatchedKind {
  Kind kind;
  std::string_view name;  // "SRv6Policy"
  kube::Resource resource;
  bool namespaced = false;
  Need need = Need::kAlways;
};
inline constexpr std::string_view kCalicoGroup = "crd.projectcalico.org";
[[nodiscard]] inline bool is_calicos(const WatchedKind& type) {
  return type.resource.group == kCalicoGroup;
}

/// By Kind's order.
[[nodiscard]] std::span<const WatchedKind> watched_kinds();
[[nodiscard]] const WatchedKind& watched(Kind kind);

/// The parts of the object that its reader looks at, with its type, which the API leaves out of
/// lists. A Node has 10 to 20 kB and less than 1 of it matters.
[[nodiscard]] sources::Value essence(Kind kind, const boost::json::object& object);

}  // namespace sextant::kubernetes
