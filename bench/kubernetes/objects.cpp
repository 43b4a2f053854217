#include "kubernetes/objects.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <chrono>

#include "sources/kubernetes/node_status.h"

namespace sextant::bench {
namespace {

namespace json = boost::json;

constexpr std::size_t kImages = 25;  // kubelet reports up to 50
constexpr std::uint32_t kColor = 100;

std::uint8_t high(std::size_t value) { return static_cast<std::uint8_t>(value >> 8); }
std::uint8_t low(std::size_t value) { return static_cast<std::uint8_t>(value); }

IpPrefix locator(std::size_t node) {
  return {Ipv6Address({0xfc, 0xbb, 0xbb, 0, high(node), low(node)}), 48};
}

srv6::Sid sid(std::size_t node, srv6::Behavior behavior) {
  return srv6::derived_sid(srv6::Locator::make(locator(node)).value(), behavior);
}

json::object condition(const char* type, bool holds, const char* reason, const char* message,
                       const std::string& time) {
  return {{"type", type},
          {"status", holds ? "True" : "False"},
          {"lastHeartbeatTime", time},
          {"lastTransitionTime", "2026-11-01T00:00:00Z"},
          {"reason", reason},
          {"message", message}};
}

json::array node_conditions(const std::string& time) {
  return {condition("MemoryPressure", false, "KubeletHasSufficientMemory",
                    "kubelet has sufficient memory available", time),
          condition("DiskPressure", false, "KubeletHasNoDiskPressure",
                    "kubelet has no disk pressure", time),
          condition("PIDPressure", false, "KubeletHasSufficientPID",
                    "kubelet has sufficient PID available", time),
          condition("Ready", true, "KubeletReady", "kubelet is posting ready status", time)};
}

json::array images() {
  json::array all;
  for (std::size_t i = 0; i < kImages; ++i) {
    const auto name = fmt::format("registry.example.com/platform/component-{:02}", i);
    const std::string digest(64, static_cast<char>('a' + i % 6));
    all.push_back(
        {{"names",
          {fmt::format("{}@sha256:{}", name, digest), fmt::format("{}:v1.{}.{}", name, i, i % 7)}},
         {"sizeBytes", 10'000'000 + 1'000'003 * i}});
  }
  return all;
}

json::array candidate_paths(std::size_t endpoint, const std::string& first_segment) {
  const auto path = [](const char* name, int preference, json::array segments) {
    return json::object{{"name", name},
                        {"preference", preference},
                        {"segmentLists", {{{"segments", std::move(segments)}}}}};
  };
  // By way of a router; the spare one by way of another node.
  return {path("direct", 200, {first_segment.c_str(), kSecondSegment}),
          path("spare", 100, {node_name(endpoint % 2 == 0 ? endpoint + 1 : endpoint - 1).c_str()})};
}

}  // namespace

std::string now_rfc3339() {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

std::string node_name(std::size_t node) { return fmt::format("node-{:04}", node); }

Ipv6Address node_address(std::size_t node) {
  return Ipv6Address({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, high(node), low(node)});
}

IpPrefix pods_of_node(std::size_t node, Family family) {
  if (family == Family::kIpv4) {
    return {Ipv4Address({10, static_cast<std::uint8_t>(128 + high(node)), low(node), 0}), 24};
  }
  return {Ipv6Address({0xfd, 0x20, 0, 0, 0, 0, high(node), low(node)}), 64};
}

srv6::Sid service_sid(std::size_t node, Family family) {
  return sid(node, family == Family::kIpv4 ? srv6::Behavior::kEndDt4 : srv6::Behavior::kEndDt6);
}

std::string policy_name(std::size_t policy) { return fmt::format("policy-{:04}", policy); }

std::size_t policy_endpoint(const ClusterSize& size, std::size_t policy) {
  return 1 + policy % (size.nodes - 1);
}

std::string usual_segment(std::size_t policy) {
  return fmt::format("fcff:{:x}::1", 1 + policy % 7);
}

json::object node_object(std::size_t node) {
  const auto name = node_name(node);
  const auto four = pods_of_node(node, Family::kIpv4).to_string(),
             six = pods_of_node(node, Family::kIpv6).to_string();
  const json::object resources{{"cpu", "16"},
                               {"ephemeral-storage", "103079844Ki"},
                               {"memory", "65807916Ki"},
                               {"pods", "110"},
                               {"hugepages-1Gi", "0"},
                               {"hugepages-2Mi", "0"}};
  return {{"apiVersion", "v1"},
          {"kind", "Node"},
          {"metadata",
           {{"name", name},
            {"labels",
             {{"beta.kubernetes.io/arch", "amd64"},
              {"beta.kubernetes.io/os", "linux"},
              {"kubernetes.io/arch", "amd64"},
              {"kubernetes.io/hostname", name},
              {"kubernetes.io/os", "linux"},
              {"node.kubernetes.io/instance-type", "m16"},
              {"topology.kubernetes.io/region", fmt::format("region-{}", node % 3)},
              {"topology.kubernetes.io/zone", fmt::format("region-{}-{}", node % 3, node % 9)}}},
            {"annotations",
             {{"sextant.dev/locator", locator(node).to_string()},
              {"node.alpha.kubernetes.io/ttl", "60"},
              {"volumes.kubernetes.io/controller-managed-attach-detach", "true"}}}}},
          {"spec",
           {{"podCIDR", four},
            {"podCIDRs", {four, six}},
            {"providerID", fmt::format("example:///{}", name)}}},
          {"status",
           {{"addresses",
             {{{"type", "InternalIP"}, {"address", node_address(node).to_string()}},
              {{"type", "Hostname"}, {"address", name}}}},
            {"allocatable", resources},
            {"capacity", resources},
            {"conditions", node_conditions(now_rfc3339())},
            {"daemonEndpoints", {{"kubeletEndpoint", {{"Port", 10250}}}}},
            {"images", images()},
            {"nodeInfo",
             {{"architecture", "amd64"},
              {"bootID", "2c9c2b7a-9c3d-4f0e-8b57-0d7f1d7f5a11"},
              {"containerRuntimeVersion", "containerd://1.6.20"},
              {"kernelVersion", "6.1.0-18-amd64"},
              {"kubeProxyVersion", "v1.20.2"},
              {"kubeletVersion", "v1.20.2"},
              {"machineID", "8f0b1f1f5c4c4d1d9a6d3c0a5b1e7f42"},
              {"operatingSystem", "linux"},
              {"osImage", "Debian GNU/Linux 12 (bookworm)"},
              {"systemUUID", "8f0b1f1f-5c4c-4d1d-9a6d-3c0a5b1e7f42"}}}}}};
}

json::object heartbeat(const std::string& time) {
  return {{"status", {{"conditions", node_conditions(time)}}}};
}

json::object policy_object(const ClusterSize& size, std::size_t policy,
                           const std::string& first_segment) {
  const auto endpoint = policy_endpoint(size, policy);
  return {{"apiVersion", "sextant.dev/v1alpha1"},
          {"kind", "SRv6Policy"},
          {"metadata", {{"name", policy_name(policy)}}},
          {"spec",
           {{"endpoint", {{"nodeName", node_name(endpoint)}}},
            {"color", kColor},
            {"candidatePaths", candidate_paths(endpoint, first_segment)}}}};
}

json::object policy_edit(const ClusterSize& size, std::size_t policy,
                         const std::string& first_segment) {
  return {{"spec",
           {{"candidatePaths", candidate_paths(policy_endpoint(size, policy), first_segment)}}}};
}

json::object srv6_node_object(std::size_t node, const std::string& uid) {
  const auto name = node_name(node);
  return {{"apiVersion", "sextant.dev/v1alpha1"},
          {"kind", "SRv6Node"},
          {"metadata",
           {{"name", name},
            {"labels", {{"sextant.dev/status-only", "true"}}},
            {"ownerReferences",
             {{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", name}, {"uid", uid}}}}}},
          {"spec", json::object{}}};
}

json::object srv6_node_status(const ClusterSize& size, std::size_t node, std::int64_t generation) {
  const kubernetes::Time since{std::chrono::seconds(1'700'000'000)};
  kubernetes::NodeStatus status{
      .agent_version = "0.1.0",
      .conditions = {{.type = "Ready",
                      .status = kubernetes::ConditionStatus::kTrue,
                      .reason = "Forwarding",
                      .message = "all that is wanted is programmed",
                      .since = since},
                     {.type = "LocatorAssigned",
                      .status = kubernetes::ConditionStatus::kTrue,
                      .reason = "Assigned",
                      .message = "by the Node's annotation",
                      .since = since}},
      .addresses = {node_address(node).to_string()},
      .encapsulation_source = node_address(node).to_string(),
      .overlay_addresses = {pods_of_node(node, Family::kIpv4).at(1)->to_string(),
                            pods_of_node(node, Family::kIpv6).at(1)->to_string()},
      .pod_prefixes = {pods_of_node(node, Family::kIpv4).to_string(),
                       pods_of_node(node, Family::kIpv6).to_string()},
      .locator = locator(node).to_string(),
      .locator_origin = kubernetes::LocatorOrigin::kNodeAnnotation,
      .data_plane = "linux",
      .encapsulation = "H.Encaps",
      .max_segments = 6};
  for (const auto behavior :
       {srv6::Behavior::kEnd, srv6::Behavior::kEndDt4, srv6::Behavior::kEndDt6}) {
    status.sids.push_back({.sid = sid(node, behavior).to_string(),
                           .behavior = std::string(srv6::to_string(behavior))});
  }
  for (std::size_t policy = 0; policy < size.policies; ++policy) {
    const auto endpoint = policy_endpoint(size, policy);
    status.policies.push_back(
        {.object = {.kind = "SRv6Policy", .name = policy_name(policy)},
         .version = {.uid = fmt::format("{:08x}", 0x1a2b0000 + policy), .generation = generation},
         .color = kColor,
         .endpoint = node_address(endpoint).to_string(),
         .endpoint_node = node_name(endpoint),
         .families = {Family::kIpv4, Family::kIpv6},
         .active_path = "direct",
         .programmed = true,
         .reason = "Programmed",
         .since = since});
  }
  return {{"apiVersion", "sextant.dev/v1alpha1"},
          {"kind", "SRv6Node"},
          {"metadata", {{"name", node_name(node)}}},
          {"status", kubernetes::to_json(status)}};
}

json::object held_lease() {
  const auto now = now_rfc3339();
  const auto precise = now.substr(0, now.size() - 1) + ".000000Z";
  return {{"apiVersion", "coordination.k8s.io/v1"},
          {"kind", "Lease"},
          {"metadata", {{"name", "sextant-aggregator"}}},
          {"spec",
           {{"holderIdentity", node_name(1)},
            {"leaseDurationSeconds", 3600},
            {"acquireTime", precise},
            {"renewTime", precise}}}};
}

}  // namespace sextant::bench
