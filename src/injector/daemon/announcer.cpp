#include "injector/daemon/announcer.h"

#include <algorithm>

#include "bgp/rib/nlri_key.h"
#include "bgp/wire/update_writer.h"

namespace sextant::injector {
namespace {

/// Whether a message that the peer takes holds the policy: the speaker announces no other (RFC 8654
/// section 4).
bool fits(const InjectedPolicy& policy, bgp::Attributes attributes, const bgp::Negotiated& session,
          std::uint32_t asn) {
  constexpr std::size_t kRest = 512;  // more than all else that a message has
  const auto variable =
      attributes.tunnel_encapsulation.size() + 8 * attributes.extended_communities.size();
  if (variable + kRest <= session.send_limit) return true;  // nearly all: nothing is encoded
  if (session.internal) {
    attributes.local_pref = 100;
  } else {
    attributes.as_path.prepend(asn);
  }
  std::vector<std::uint8_t> message;
  bgp::UpdateWriter writer(message, policy.family(), session.send_limit);
  return writer.begin(bgp::encode_attributes(attributes, {.four_octet_as = session.four_octet_as}),
                      {.address = policy.next_hop.value_or(IpAddress())});
}

std::string why_not(const bgp::PeerInfo& peer, const InjectedPolicy& policy,
                    const bgp::Attributes& attributes, std::uint32_t asn) {
  if (!peer.config.enabled) return "the peer is shut down";
  if (peer.state != bgp::State::kEstablished || !peer.negotiated) {
    return "the session is " + std::string(to_string(peer.state)) +
           (peer.last_error.empty() ? "" : ": " + peer.last_error);
  }
  if (!peer.negotiated->has(policy.family()))
    return "the peer takes no " + bgp::to_string(policy.family()) + " routes";
  const auto key = bgp::key_of(policy.key);
  if (const auto kept =
          peer.config.export_filter.reject(bgp::filter_prefix(policy.family(), key), &attributes))
    return "the export filter keeps it back: " + *kept;
  if (!fits(policy, attributes, *peer.negotiated, asn))
    return "it is too long for the peer's messages of " +
           std::to_string(peer.negotiated->send_limit) + " bytes";
  return {};
}

}  // namespace

bgp::Attributes attributes_of(const InjectedPolicy& policy, Convention usual) {
  bgp::Attributes attributes;
  attributes.origin = bgp::Origin::kIgp;
  // The readers of policies have tried this: what does not fit never gets here.
  attributes.tunnel_encapsulation = bgp::encode_sr_policy(spelled_out(policy.tunnel)).value();
  for (const auto& headend : policy.headends)
    attributes.extended_communities.push_back(bgp::ExtendedCommunity::route_target(headend, 0));
  if (policy.headends.empty() && policy.convention.value_or(usual) == Convention::kStandard)
    attributes.communities.push_back(bgp::kNoAdvertise);
  return attributes;
}

Convention usual_convention(const std::vector<bgp::PeerConfig>& peers) {
  const bool calico_vpp =
      !peers.empty() && std::ranges::none_of(peers, [](const bgp::PeerConfig& peer) {
        return peer.dialect == bgp::SrPolicyDialect::kStandard;
      });
  return calico_vpp ? Convention::kCalicoVpp : Convention::kStandard;
}

void Announcer::announce(const InjectedPolicy& policy) {
  bgp::NextHop next_hop;  // unspecified: this speaker, towards each peer
  if (policy.next_hop) next_hop.address = *policy.next_hop;
  speaker_.announce(policy.family(), bgp::key_of(policy.key),
                    attributes_of(policy, usual_convention(speaker_.config().peers)), next_hop);
}

void Announcer::withdraw(const PolicyKey& key) {
  speaker_.withdraw(family_of(key), bgp::key_of(key));
}

std::vector<Delivery> Announcer::deliveries(const InjectedPolicy& policy,
                                            const std::vector<bgp::PeerInfo>& peers) const {
  const auto attributes = attributes_of(policy, usual_convention(speaker_.config().peers));
  std::vector<Delivery> found;
  for (const auto& peer : peers) {
    Delivery delivery{.peer = peer.address.to_string(),
                      .established = peer.state == bgp::State::kEstablished,
                      .reason = why_not(peer, policy, attributes, speaker_.config().asn)};
    delivery.sent = delivery.reason.empty();
    found.push_back(std::move(delivery));
  }
  return found;
}

}  // namespace sextant::injector
