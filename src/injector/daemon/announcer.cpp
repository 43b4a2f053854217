#include "injector/daemon/announcer.h"

#include <algorithm>

#include "bgp/rib/nlri_key.h"

namespace sextant::injector {
namespace {

std::string why_not(const bgp::PeerInfo& peer, const InjectedPolicy& policy,
                    const bgp::Attributes& attributes) {
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
                      .reason = why_not(peer, policy, attributes)};
    delivery.sent = delivery.reason.empty();
    found.push_back(std::move(delivery));
  }
  return found;
}

}  // namespace sextant::injector
