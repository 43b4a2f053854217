#include "testbed/cluster/node_files.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "testbed/cluster/images.h"
#include "testbed/cluster/kubeconfig.h"
#include "testbed/cluster/pki.h"
#include "testbed/files.h"

namespace sextant::cluster {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

/// Where "/etc/kubernetes/x" of the node lies while it is off.
fs::path on_disk(const Plan& plan, const std::string& node, const std::string& place) {
  for (const std::string top : {"/etc/", "/var/lib/"}) {
    if (place.starts_with(top)) {
      return plan.places.disk(node) / fs::path{top}.relative_path() / "upper" /
             place.substr(top.size());
    }
  }
  return {};
}

std::string containerd_configuration() {
  return fmt::format(R"(version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{}"
  # Where the machine itself is confined, nothing may lower its own score.
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/opt/cni/bin"
  conf_dir = "/etc/cni/net.d"
)",
                     kPodImage);
}

std::string kubelet_configuration(const Plan& plan) {
  const json::object configuration{
      {"kind", "KubeletConfiguration"},
      {"apiVersion", "kubelet.config.k8s.io/v1beta1"},
      {"address", "::"},
      {"healthzBindAddress", plan.settings.has(Family::kIpv4) ? "127.0.0.1" : "::1"},
      {"authentication",
       json::object{{"anonymous", json::object{{"enabled", false}}},
                    {"webhook", json::object{{"enabled", true}}},
                    {"x509", json::object{{"clientCAFile", "/etc/kubernetes/ca.crt"}}}}},
      {"authorization", json::object{{"mode", "Webhook"}}},
      {"cgroupDriver", "cgroupfs"},
      {"failSwapOn", false},
      {"oomScoreAdj", 0},
      {"resolvConf", ""},
      // Nobody answers there; without an address kubelet complains at every pod.
      {"clusterDNS",
       json::array{plan.settings.families.front() == Family::kIpv4 ? "10.96.0.10"
                                                                   : "fdfb:af47:32b0::a"}},
      {"featureGates", json::object{{"IPv6DualStack", true}}},
      {"serializeImagePulls", false},
      // How often it looks whether the node is Ready; others than changes are written as by
      // default.
      {"nodeStatusUpdateFrequency", "1s"},
      {"nodeStatusReportFrequency", "5m"},
      // A full disk of the machine is no reason to evict pods.
      {"evictionHard", json::object{{"memory.available", "1Mi"},
                                    {"nodefs.available", "0%"},
                                    {"nodefs.inodesFree", "0%"},
                                    {"imagefs.available", "0%"}}},
      {"imageGCHighThresholdPercent", 100}};
  return json::serialize(configuration) + "\n";
}

/// By names of the node's own disk, for it does not see the state directory.
std::string kubeconfig(const Plan& plan, const std::string& user, const std::string& files) {
  const fs::path folder{"/etc/kubernetes"};
  return kubeconfig_text(plan.settings, user,
                         {.authority = folder / "ca.crt",
                          .certificate = folder / (files + ".crt"),
                          .key = folder / (files + ".key")});
}

}  // namespace

Result<void> write_node_files(const Plan& plan, const testbed::ClusterNode& node) {
  std::vector<std::pair<std::string, std::string>> files{
      {"/etc/containerd/config.toml", containerd_configuration()},
      {kKubeletConfiguration, kubelet_configuration(plan)},
      {kKubeletKubeconfig, kubeconfig(plan, node_user(node.name), "kubelet")},
      {kProxyKubeconfig, kubeconfig(plan, "kube-proxy", "kube-proxy")}};
  for (const auto& [place, source] : {std::pair<std::string, std::string>{"ca.crt", "ca.crt"},
                                      {"kubelet.crt", node_user(node.name) + ".crt"},
                                      {"kubelet.key", node_user(node.name) + ".key"},
                                      {"kube-proxy.crt", "kube-proxy.crt"},
                                      {"kube-proxy.key", "kube-proxy.key"}}) {
    const auto content = testbed::read_file(plan.places.pki(source));
    if (!content) return tl::unexpected(content.error());
    files.emplace_back("/etc/kubernetes/" + place, *content);
  }
  for (const auto& [place, content] : files) {
    const fs::path path = on_disk(plan, node.name, place);
    if (auto made = testbed::make_directory(path.parent_path()); !made) return made;
    if (auto written = testbed::write_file(path, content); !written) return written;
  }
  return {};
}

}  // namespace sextant::cluster
