// An SR Policy's Tunnel Encapsulation attribute as GoBGP's API takes it.
//
// What GoBGP 3.10 has a message for and encodes right goes as that message, so that GoBGP's own
// tools show it. All else goes as bytes in TunnelEncapSubTLVUnknown, which GoBGP sends on
// untouched: SRv6 binding SIDs (RFC 9830 section 2.4.3: GoBGP cuts their last two bytes), policy
// names, MPLS binding SIDs, segments of other types than B, lists without weight, unknown sub-TLVs.
#pragma once

#include "base/result.h"
#include "bgp/wire/sr_policy_tunnel.h"

namespace apipb {
class TunnelEncapAttribute;
}

namespace sextant::injector {

/// Error: a list or name that does not fit its length field.
[[nodiscard]] Result<void> write_tunnel(const bgp::SrPolicyTunnel& tunnel,
                                        apipb::TunnelEncapAttribute& out);

}  // namespace sextant::injector
