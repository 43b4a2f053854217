#include "bgp/negotiation.h"

#include <algorithm>

#include "bgp/wire/message.h"

namespace sextant::bgp {

bool Negotiated::has(Family family) const {
  return std::ranges::find(families, family) != families.end();
}

bool Negotiated::has_extended_next_hop(Family family) const {
  return std::ranges::find(extended_next_hop, family) != extended_next_hop.end();
}

bool Negotiated::restarts(Family family) const {
  return graceful_restart && std::ranges::find(graceful_restart->families, family,
                                               &GracefulRestart::FamilyState::family) !=
                                 graceful_restart->families.end();
}

Open make_open(const SpeakerConfig& speaker, const PeerConfig& peer, RestartState state) {
  Open open;
  open.asn = speaker.asn;
  open.hold_time = static_cast<std::uint16_t>(peer.hold_time.count());
  open.identifier = speaker.router_id;
  auto& capabilities = open.capabilities;
  capabilities.route_refresh = true;
  capabilities.enhanced_route_refresh = true;
  capabilities.extended_message = peer.extended_messages;
  capabilities.four_octet_as = open.asn;
  for (const auto& family : peer.families) {
    capabilities.families.push_back(family.family);
    if (family.extended_next_hop)
      capabilities.extended_next_hops.push_back({family.family, Afi::kIpv6});
  }
  if (peer.graceful_restart.enabled) {
    GracefulRestart restart;
    restart.restarted = state.restarting;
    restart.seconds = static_cast<std::uint16_t>(peer.graceful_restart.restart_time.count());
    for (const auto& family : peer.families) {
      // What a headend says of itself is true while it is there to say it.
      if (family.family == kLinkState) continue;
      restart.families.push_back({family.family, state.forwarding_preserved});
    }
    capabilities.graceful_restart = std::move(restart);
  }
  return open;
}

tl::expected<Negotiated, Notification> negotiate(const Open& ours, const Open& theirs,
                                                 const PeerConfig& peer) {
  // RFC 4271 section 6.2. `remote_as` 0 stands for any external one.
  const bool expected_as =
      peer.remote_as != 0 ? theirs.asn == peer.remote_as : theirs.asn != ours.asn;
  if (!expected_as) return tl::unexpected(notification(OpenError::kBadPeerAs));
  Negotiated result;
  result.local_as = ours.asn;
  result.remote_as = theirs.asn;
  result.internal = ours.asn == theirs.asn;
  result.remote_id = theirs.identifier;
  // RFC 6286 section 2.1: identifiers are unique within an AS.
  if (result.internal && theirs.identifier == ours.identifier) {
    return tl::unexpected(notification(OpenError::kBadIdentifier));
  }
  result.hold_time = std::chrono::seconds(std::min(ours.hold_time, theirs.hold_time));

  // RFC 4760 section 8: who announces no family speaks IPv4 unicast.
  auto remote = theirs.capabilities.families;
  if (remote.empty()) remote.push_back(kIpv4Unicast);
  for (const auto family : ours.capabilities.families) {
    if (std::ranges::find(remote, family) != remote.end()) result.families.push_back(family);
  }
  if (result.families.empty()) {
    // RFC 5492 section 5: the data names the capabilities that are missed.
    Capabilities missed;
    missed.families = ours.capabilities.families;
    ByteWriter out;
    encode_capabilities(missed, out);
    return tl::unexpected(notification(OpenError::kUnsupportedCapability, out.release()));
  }

  const auto& mine = ours.capabilities;
  const auto& other = theirs.capabilities;
  result.four_octet_as = mine.four_octet_as && other.four_octet_as;
  result.route_refresh = mine.route_refresh && other.route_refresh;
  result.enhanced_route_refresh = mine.enhanced_route_refresh && other.enhanced_route_refresh;
  result.receive_limit = mine.extended_message ? kMaxExtendedMessage : kMaxMessage;
  result.send_limit = other.extended_message ? kMaxExtendedMessage : kMaxMessage;
  for (const auto& next_hop : mine.extended_next_hops) {
    if (std::ranges::find(other.extended_next_hops, next_hop) != other.extended_next_hops.end() &&
        result.has(next_hop.family)) {
      result.extended_next_hop.push_back(next_hop.family);
    }
  }
  if (mine.graceful_restart && other.graceful_restart) {
    result.graceful_restart = other.graceful_restart;
  }
  return result;
}

bool keeps_own_connection(const Open& ours, const Open& theirs) {
  if (ours.identifier != theirs.identifier) return ours.identifier > theirs.identifier;
  return ours.asn > theirs.asn;  // RFC 6286 section 2.3
}

}  // namespace sextant::bgp
