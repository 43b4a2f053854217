// The host's nftables: how outer packets pass between the underlay and the gateway.
//
// Outer packets are neither forwarded nor filtered as pod traffic: like those of any tunnel they
// are the node's own. From the underlay they are handed to the gateway at ingress (where the device
// is known to be an underlay's), or before conntrack in PREROUTING (any other device); from the
// gateway they leave as the host's own output, so that the host's FORWARD chain never sees them and
// the underlay's routing finds the way. A pod can send neither to a SID of its node nor a routing
// header (RFC 8754 section 5.1). All of it lies in the tables `ip6 sextant` and `netdev sextant`,
// replaced as a whole in one transaction.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "srv6/sid.h"

namespace sextant::dataplane {

struct Uplink {
  std::uint32_t index = 0;
  std::string name;
  friend auto operator<=>(const Uplink&, const Uplink&) = default;
};

struct FilterInput {
  std::set<IpPrefix> gateway_sids;  // the own locator, and SIDs outside of it: taken to the gateway
  std::set<IpPrefix> host_sids;     // inside of those: left to the host's routing (End.X)
  std::set<Uplink> uplinks;         // Ethernet devices of the underlay
  friend bool operator==(const FilterInput&, const FilterInput&) = default;
};

/// The tables as `nft list` prints them, white space aside.
[[nodiscard]] std::string host_ruleset(const FilterInput& input);
/// In the gateway: IPv4 inside of packets to these End.DT46 SIDs is marked, for the rule that sends
/// it to End.DX4.
[[nodiscard]] std::string gateway_ruleset(const std::set<srv6::Sid>& dual_stack_sids);

/// Makes Sextant's tables of the calling thread's namespace be `ruleset`, in one transaction; true
/// where they differed.
[[nodiscard]] Result<bool> sync_ruleset(const std::string& ruleset);
[[nodiscard]] Result<void> remove_ruleset();

}  // namespace sextant::dataplane
