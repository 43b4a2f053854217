// What a cluster is: chosen at its first `up`, kept in its state directory, the same for every
// later command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "testbed/cluster/places.h"
#include "testbed/topology.h"

namespace sextant::cluster {

struct Settings {
  testbed::Kind underlay = testbed::Kind::kBasic;
  std::vector<Family> families{Family::kIpv4,
                               Family::kIpv6};  // of pods and Services, the primary one first
  unsigned pods = 1;                            // for trying things, a node
  bool kube_proxy = true;
  bool overlay = true;  // Sextant is installed

  [[nodiscard]] bool has(Family family) const;
  [[nodiscard]] bool dual_stack() const { return families.size() == 2; }
  friend bool operator==(const Settings&, const Settings&) = default;
};

/// "4,6": the primary family first.
[[nodiscard]] Result<std::vector<Family>> parse_families(std::string_view text);
[[nodiscard]] std::string to_text(const std::vector<Family>& families);

/// None where no `up` has begun, or its file cannot be understood.
[[nodiscard]] std::optional<Settings> read_settings(const Places& places);
[[nodiscard]] Result<void> write_settings(const Places& places, const Settings& settings);

// ---- Addresses of a cluster, in the order of its families
[[nodiscard]] std::string pod_pools(
    const Settings& settings);  // "172.16.0.0/16,fdfb:af47:32af::/48"
[[nodiscard]] std::string service_ranges(const Settings& settings);  // "10.96.0.0/12,..."
/// The first address of each Service range: the API server's.
[[nodiscard]] std::vector<std::string> api_services(const Settings& settings);
[[nodiscard]] std::vector<std::string> pod_prefixes(const Settings& settings,
                                                    const testbed::ClusterNode& node);
/// Its own in the underlay. The IPv6 one comes first wherever there is IPv6, for it is the endpoint
/// of its tunnels.
[[nodiscard]] std::vector<std::string> node_addresses(const Settings& settings,
                                                      const testbed::ClusterNode& node);
/// The master's address of a family.
[[nodiscard]] std::string api_address(const Settings& settings, Family family);
/// "https://[fd10::1000]:6443"
[[nodiscard]] std::string api_url(const Settings& settings);

inline constexpr int kApiPort = 6443;

[[nodiscard]] const testbed::ClusterNode& control_node(const Settings& settings);

}  // namespace sextant::cluster
