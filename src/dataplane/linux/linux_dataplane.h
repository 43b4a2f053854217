// The Linux data plane: kernel seg6 behind a gateway namespace.
//
// clang-format off
//   pod ------ host: PREROUTING, FORWARD, POSTROUTING --- sextant0 | inner   gateway: inner packet -> nexthop object
//   underlay - host: routing of the underlay ------------ sextant1 | outer   (seg6 encap), local SIDs (seg6local)
// clang-format on
//
// Encapsulation and decapsulation happen in a network namespace of Sextant's own, without netfilter
// rules for inner packets, which two veth pairs join to the host. The host so sees inner packets
// enter and leave through `sextant0` like packets of any routed device: netfilter meets each
// exactly once, whatever the kernel's seg6 skips (docs/decisions/0001). Outer packets cross between
// `sextant1` and the underlay past the host's FORWARD (filter.h). Where the kernel has tc BPF, most
// packets take short cuts past the gateway, with the same hooks of netfilter (fast_path.h,
// docs/decisions/0004).
//
// Ownership: the gateway namespace whole; on the host the devices sextant0 and sextant1, routes and
// rules of protocol kSextant, the nft tables named `sextant`, and at the uplinks the tc filters of
// Sextant's priority and handle (tc_program.h). Others' filters there are left alone.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/dataplane.h"

namespace sextant::dataplane {

struct LinuxOptions {
  std::size_t max_segments = 6;  // the deepest list, service SID included: fixes the pods' MTU
  /// Of lists of several SIDs; one SID never has an SRH. Reduced is 16 bytes less, but the kernel
  /// rejects it where it takes segments at an address of its own (seg6_enabled without a seg6local
  /// SID: net/ipv6/exthdrs.c wants Segments Left below the number of SIDs in the header), and such
  /// routers are common.
  srv6::EncapMode encap = srv6::EncapMode::kEncaps;
  /// BPF past the gateway, where the kernel can do it (fast_path.h). Without it everything works,
  /// more slowly, and paths are not counted.
  bool fast_path = true;
  std::vector<std::string> uplinks = {};   // see Uplinks
  std::vector<IpPrefix> sid_sources = {};  // see FilterInput
  bool nat_outgoing = false;               // see Masquerade
};

/// A data plane of the calling thread's network namespace. Touches nothing yet. Errors: no
/// CAP_NET_ADMIN, CAP_NET_RAW or CAP_SYS_ADMIN, a kernel without seg6.
[[nodiscard]] Result<std::unique_ptr<Dataplane>> make_linux_dataplane(const LinuxOptions& options);

}  // namespace sextant::dataplane
