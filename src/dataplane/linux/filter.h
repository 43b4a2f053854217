// The host's nftables: how outer packets pass between the underlay and the gateway, and the edge of
// the SR domain (RFC 8754 section 5.1, RFC 8986 section 9; docs/closed-domain.md).
//
// Outer packets are neither forwarded nor filtered as pod traffic: like those of any tunnel they
// are the node's own. From the underlay they are handed to the gateway at ingress (`netdev
// sextant`), or before conntrack in PREROUTING (devices without an Ethernet header); from the
// gateway they leave as the host's own output, so that the host's FORWARD chain never sees them and
// the underlay's routing finds the way.
//
// A pod sends from its own addresses only, and neither to a SID of the domain nor with a routing
// header. A SID of this node takes packets only from devices of the underlay, and not from a pod's
// address. Rules are few and the same whatever the number of pods and nodes: pods are told by the
// name of their device and by the route that leads to them, SIDs by sets.
//
// All of it lies in the tables named `sextant`. What changes often are elements of sets, which are
// added and deleted one by one; rules are replaced as a whole in one transaction.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/dataplane.h"
#include "dataplane/linux/masquerade.h"
#include "dataplane/linux/set_change.h"
#include "srv6/sid.h"

namespace sextant::dataplane {

/// A device of the underlay.
struct Uplink {
  std::uint32_t index = 0;
  std::string name;
  bool ethernet = true;  // its frames can be handed on at ingress
  friend auto operator<=>(const Uplink&, const Uplink&) = default;
};

struct FilterInput {
  PrefixSet gateway_sids;  // the own locator, and SIDs outside of it: taken to the gateway
  PrefixSet host_sids;     // inside of those: left to the host's routing (End.X)
  PrefixSet sid_domain;    // SIDs of any node, the own ones too
  PrefixSet nodes;         // addresses of nodes and routers: what outer packets come from
  PrefixSet sid_sources;   // ... and others that may send to SIDs; empty: anything but a pod
  std::set<Uplink> uplinks;
  friend bool operator==(const FilterInput&, const FilterInput&) = default;
};

/// With `masquerade` where the pods' packets that leave the cluster get the node's address; null:
/// they leave as they are.
[[nodiscard]] Ruleset host_ruleset(const FilterInput& input,
                                   const Masquerade* masquerade = nullptr);
/// In the gateway: IPv4 inside of packets to these End.DT46 SIDs is marked, for the rule that sends
/// it to End.DX4.
[[nodiscard]] Ruleset gateway_ruleset(const std::set<srv6::Sid>& dual_stack_sids);

/// Makes Sextant's tables of the calling thread's namespace be `ruleset`, in one transaction; true
/// where they differed. Where only elements differ, only those are written. Counters keep their
/// values.
[[nodiscard]] Result<bool> sync_ruleset(const Ruleset& ruleset);
[[nodiscard]] Result<void> remove_ruleset();

/// Writes the changes on top of what is there, by set, in one transaction. Error: it is not what
/// the caller believes, and nothing was written.
[[nodiscard]] Result<void> change_sets(const std::map<std::string, SetChange>& changes);

/// What the rules dropped, by counter; the same counter of several tables is one. Tables that are
/// not there count nothing.
[[nodiscard]] Result<std::map<std::string, Count>> read_drop_counters();

}  // namespace sextant::dataplane
