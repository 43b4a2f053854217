#include "testbed/manifests.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace sextant::testbed {
namespace {

std::string node_object(const ClusterNode& node, Kind kind) {
  std::string text = fmt::format(
      R"(apiVersion: v1
kind: Node
metadata:
  name: {0}
  labels:
    kubernetes.io/hostname: {0}
{1}  annotations:
    sextant.dev/locator: {2}
    sextant.dev/locator-reach: {3}
spec:
  podCIDR: {4}
  podCIDRs:
)",
      node.name,
      node.control_plane ? "    node-role.kubernetes.io/control-plane: \"\"\n"
                         : "    node-role.kubernetes.io/worker: \"\"\n",
      node.locator, kind == Kind::kBasic ? "on-link" : "fabric", node.pod_prefixes.front());
  for (const std::string& prefix : node.pod_prefixes) text += fmt::format("  - {}\n", prefix);
  text += "status:\n  addresses:\n";
  for (const std::string& address : node.addresses) {
    text += fmt::format("  - type: InternalIP\n    address: {}\n", address);
  }
  text += fmt::format("  - type: Hostname\n    address: {}\n", node.name);
  return text;
}

/// Its loopback and its ends of links: by these it answers a trace.
std::vector<std::string> ipv6_addresses(const Topology& lab, const Router& router) {
  std::vector<std::string> addresses;
  const auto add = [&](const std::vector<std::string>& from) {
    for (const std::string& text : from) {
      if (text.find(':') != std::string::npos) addresses.push_back(without_length(text));
    }
  };
  add(router.loopbacks);
  for (const Link& link : lab.links) {
    for (const LinkEnd* end : {&link.a, &link.b}) {
      if (end->machine == router.name) add(end->addresses);
    }
  }
  return addresses;
}

std::string router_object(const Topology& lab, const Router& router) {
  return fmt::format(
      R"(apiVersion: sextant.dev/v1alpha1
kind: SRv6Node
metadata:
  name: {}
spec:
  sids: {{end: "{}"}}
  addresses: ["{}"]
)",
      router.name, router.end_sid, fmt::join(ipv6_addresses(lab, router), "\", \""));
}

template <typename Row, typename Write>
std::string documents(const std::vector<Row>& rows, const Write& write) {
  std::string text;
  for (const Row& row : rows) {
    if (!text.empty()) text += "---\n";
    text += write(row);
  }
  return text;
}

}  // namespace

std::string config_map(const Topology& lab, const ClusterNode& node,
                       const std::vector<PolicyRow>& policies) {
  std::string text = fmt::format(
      R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: srv6-config-{0}
  namespace: calico-vpp-dataplane
data:
  srv6: |
    localsids:
      DT4: "{1}"
      DT6: "{2}"
    node: {0}
)",
      node.name, node.dt4, node.dt6);
  bool first = true;
  for (const PolicyRow& policy : policies) {
    const ClusterNode* endpoint = lab.node(policy.endpoint);
    if (policy.headend != node.name || endpoint == nullptr) continue;
    if (first) text += "    policies:\n";
    first = false;
    std::vector<std::string> segments = policy.segments;
    segments.push_back(policy.family == Family::kIpv4 ? endpoint->dt4 : endpoint->dt6);
    text += fmt::format(
        R"(      - bsid: "{}"
        node: "{}"
        segment_list: ["{}"]
        traffic: {}
)",
        policy.bsid, endpoint->addresses.front(), fmt::join(segments, "\", \""),
        to_string(policy.family));
  }
  return text;
}

std::string node_manifest(const Topology& lab, const ClusterNode& node) {
  return node_object(node, lab.kind) + "---\n" + config_map(lab, node, {});
}

std::map<std::string, std::string> manifests(const Topology& lab) {
  std::map<std::string, std::string> files;
  files["nodes.yaml"] =
      documents(lab.nodes, [&lab](const ClusterNode& node) { return node_object(node, lab.kind); });
  if (!lab.routers.empty()) {
    files["routers.yaml"] =
        documents(lab.routers, [&lab](const Router& router) { return router_object(lab, router); });
  }
  for (const ClusterNode& node : lab.nodes) {
    files[fmt::format("srv6-config-{}.yaml", node.name)] = config_map(lab, node, lab.policies);
  }
  return files;
}

}  // namespace sextant::testbed
