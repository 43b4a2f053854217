#include "injector/daemon/announcer.h"

#include <algorithm>
#include <utility>

#include "bgp/rib/nlri_key.h"

namespace sextant::injector {
namespace {

/// What keeps all policies from the peer.
std::string obstacle_of(const bgp::PeerInfo& peer) {
  if (!peer.config.enabled) return "the peer is shut down";
  if (peer.state == bgp::State::kEstablished) return {};
  return "the session is " + std::string(to_string(peer.state)) +
         (peer.last_error.empty() ? "" : ": " + peer.last_error);
}

std::string why_not(const bgp::Rib& rib, const Recipient& to, const InjectedPolicy& policy) {
  if (!to.obstacle.empty()) return to.obstacle;
  const auto rules = to.rules.find(policy.family());
  if (rules == to.rules.end())
    return "the peer takes no " + bgp::to_string(policy.family()) + " routes";
  return bgp::kept_back(rib, rules->second, bgp::key_of(policy.key));
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

std::vector<Recipient> Announcer::recipients() const {
  std::vector<Recipient> found;
  for (const auto& peer : speaker_.peers()) {
    Recipient to{.peer = peer.address.to_string(),
                 .established = peer.state == bgp::State::kEstablished,
                 .obstacle = obstacle_of(peer)};
    const auto families = peer.negotiated ? peer.negotiated->families : std::vector<bgp::Family>();
    for (const auto family : families) {
      if (auto rules = speaker_.export_rules(peer.address, family))
        to.rules.emplace(family, std::move(*rules));
    }
    found.push_back(std::move(to));
  }
  return found;
}

std::vector<Delivery> Announcer::deliveries(const InjectedPolicy& policy,
                                            const std::vector<Recipient>& recipients) const {
  std::vector<Delivery> found;
  for (const auto& to : recipients) {
    Delivery delivery{.peer = to.peer,
                      .established = to.established,
                      .reason = why_not(speaker_.rib(), to, policy)};
    delivery.sent = delivery.reason.empty();
    found.push_back(std::move(delivery));
  }
  return found;
}

}  // namespace sextant::injector
