// The laboratory of the packet rates, one for each peer:
//
//   pod-a eth0 --- veth --- node-a ul --- veth --- ul node-b --- veth --- eth0 pod-b
//                              to-r --- router --- to-r
//
// Pods are wired as sextant-cni wires them. Each node has a plain pod prefix and a steered one a
// family, and the pod has an address of each. Packets to the plain one take the direct link; those
// to the steered one pass two End SIDs of the router before the node's own.
// Everything but the way from node to node is the same for all peers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "common/space.h"

namespace sextant::bench {

inline constexpr std::uint32_t kUnderlayMtu = 1500;

/// One node and its pod, as text that goes into `ip` and as what Sextant is told.
struct Side {
  std::string_view name;  // "a"
  std::string_view underlay_ipv4, underlay_ipv6;
  std::string_view router, to_router;  // on the link to the router: its address, the node's
  std::string_view locator;            // fcbb:0:0:a::/64
  std::string_view decap4, decap6;     // SIDs that decapsulate
  std::string_view pods4, pods6;       // pod prefixes
  std::string_view steered4, steered6;
  std::string_view pod4, pod6;  // the pod's addresses
  std::string_view steered_pod4, steered_pod6;
};
extern const Side kA, kB;
inline constexpr std::string_view kFirstEnd = "fcff:1::1", kSecondEnd = "fcff:2::1";
/// The other one.
[[nodiscard]] const Side& other(const Side& side);

struct Machines {
  Space node;
  Space pod;
};

class Lab {
 public:
  explicit Lab(const std::string& peer);

  [[nodiscard]] const Space& node(const Side& side) const { return machines(side).node; }
  [[nodiscard]] const Space& pod(const Side& side) const { return machines(side).pod; }

  /// Conntrack, a stateful FORWARD chain and NAT chains on both nodes, as a cluster's nodes have
  /// them. `drop_invalid`: FORWARD drops what conntrack calls invalid.
  void add_hooks(bool drop_invalid) const;
  /// Packets that crossed node a's and node b's FORWARD chain, in the order of the sides.
  [[nodiscard]] std::uint64_t forwarded(const Side& side) const;

  /// Packets for UDP port kFloodPort that pod b took; it drops them before its own stack sees them.
  [[nodiscard]] std::uint64_t arrived() const;

 private:
  [[nodiscard]] const Machines& machines(const Side& side) const { return &side == &kA ? a_ : b_; }
  void wire(const Side& side, const Machines& machines, int first_index) const;

  void wire_router() const;

  Machines a_, b_;
  Space router_;
};

inline constexpr std::uint16_t kFloodPort = 9;  // discard

}  // namespace sextant::bench
