// Injected policies as BGP routes of a speaker, and what its sessions say of their delivery.
#pragma once

#include <vector>

#include "bgp/speaker.h"
#include "injector/difference.h"
#include "injector/injected_policy.h"

namespace sextant::injector {

/// RFC 9830 section 4.2.1: a route target for each headend; without one NO_ADVERTISE, unless the
/// policy's convention, or else `usual`, is Calico-VPP's.
[[nodiscard]] bgp::Attributes attributes_of(const InjectedPolicy& policy, Convention usual);

/// Calico-VPP's where all peers follow that: then nobody reads the communities.
[[nodiscard]] Convention usual_convention(const std::vector<bgp::PeerConfig>& peers);

class Announcer {
 public:
  explicit Announcer(bgp::Speaker& speaker) : speaker_(speaker) {}

  void announce(const InjectedPolicy& policy);
  void withdraw(const PolicyKey& key);
  /// To whom the policy was sent, of all peers there are. Sent means: in what the session tells.
  [[nodiscard]] std::vector<Delivery> deliveries(const InjectedPolicy& policy,
                                                 const std::vector<bgp::PeerInfo>& peers) const;

 private:
  bgp::Speaker& speaker_;
};

}  // namespace sextant::injector
