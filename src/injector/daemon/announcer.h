// Injected policies as BGP routes of a speaker, and what its sessions say of their delivery.
#pragma once

#include <map>
#include <string>
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

/// A peer, and what decides whether it is told of a policy: worked out once for many policies.
struct Recipient {
  std::string peer;  // its address
  bool established = false;
  std::string obstacle = {};                           // to all policies; empty: none
  std::map<bgp::Family, bgp::ExportRules> rules = {};  // by the families that it takes
};

class Announcer {
 public:
  explicit Announcer(bgp::Speaker& speaker) : speaker_(speaker) {}

  void announce(const InjectedPolicy& policy);
  void withdraw(const PolicyKey& key);
  /// All peers there are now.
  [[nodiscard]] std::vector<Recipient> recipients() const;
  /// To whom of them an announced policy was sent: it is in what the session tells.
  [[nodiscard]] std::vector<Delivery> deliveries(const InjectedPolicy& policy,
                                                 const std::vector<Recipient>& recipients) const;

 private:
  bgp::Speaker& speaker_;
};

}  // namespace sextant::injector
