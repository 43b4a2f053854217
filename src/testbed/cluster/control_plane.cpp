// etcd, API server, controller manager and scheduler, in the master's network namespace: they reach
// pods and Services the way a control plane on a real master does.
#include <fmt/format.h>

#include "testbed/cluster/daemons.h"

namespace sextant::cluster {
namespace {

using Arguments = std::vector<std::string>;

constexpr const char* kEtcdUrl = "http://127.0.0.1:2379";

void add_gates(Arguments& arguments) {
  // Beta and on since 1.21.
  arguments.emplace_back("--feature-gates=IPv6DualStack=true");
}

Arguments etcd(const Plan& plan) {
  return {plan.programs.etcd,
          "--name=testbed",
          fmt::format("--data-dir={}", (plan.places.state() / "etcd").string()),
          fmt::format("--listen-client-urls={}", kEtcdUrl),
          fmt::format("--advertise-client-urls={}", kEtcdUrl),
          "--listen-peer-urls=http://127.0.0.1:2380",
          "--initial-advertise-peer-urls=http://127.0.0.1:2380",
          "--initial-cluster=testbed=http://127.0.0.1:2380",
          "--log-outputs=stderr",
          "--logger=zap"};
}

Arguments api_server(const Plan& plan) {
  const auto pki = [&plan](const char* file) { return plan.places.pki(file).string(); };
  Arguments arguments{
      plan.programs.of("kube-apiserver"), fmt::format("--etcd-servers={}", kEtcdUrl),
      "--bind-address=::", fmt::format("--secure-port={}", kApiPort),
      fmt::format("--advertise-address={}",
                  api_address(plan.settings, plan.settings.families.front())),
      fmt::format("--service-cluster-ip-range={}", service_ranges(plan.settings)),
      "--allow-privileged", "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction", "--client-ca-file=" + pki("ca.crt"),
      "--tls-cert-file=" + pki("kube-apiserver.crt"),
      "--tls-private-key-file=" + pki("kube-apiserver.key"),
      "--kubelet-client-certificate=" + pki("kubelet-client.crt"),
      "--kubelet-client-key=" + pki("kubelet-client.key"),
      "--kubelet-preferred-address-types=InternalIP",
      "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
      "--service-account-key-file=" + pki("service-accounts.key"),
      "--service-account-signing-key-file=" + pki("service-accounts.key"),
      // Edits of these tests come at any rate.
      "--max-requests-inflight=1000", "--profiling=false"};
  add_gates(arguments);
  return arguments;
}

Arguments controller_manager(const Plan& plan) {
  const std::string kubeconfig = plan.places.kubeconfig("kube-controller-manager");
  Arguments arguments{
      plan.programs.of("kube-controller-manager"), "--kubeconfig=" + kubeconfig,
      "--use-service-account-credentials",
      "--service-account-private-key-file=" + plan.places.pki("service-accounts.key").string(),
      "--root-ca-file=" + plan.places.pki("ca.crt").string(),
      "--cluster-cidr=" + pod_pools(plan.settings),
      "--service-cluster-ip-range=" + service_ranges(plan.settings),
      // Its node IPAM hands out pod prefixes only some 10 s after a node has come, and none of the
      // paper's size from an IPv6 /48: `up` writes them.
      "--allocate-node-cidrs=false", "--leader-elect=false"};
  add_gates(arguments);
  return arguments;
}

Arguments scheduler(const Plan& plan) {
  Arguments arguments{plan.programs.of("kube-scheduler"),
                      "--kubeconfig=" + plan.places.kubeconfig("kube-scheduler").string(),
                      "--leader-elect=false"};
  add_gates(arguments);
  return arguments;
}

}  // namespace

std::vector<Daemon> control_plane(const Plan& plan) {
  const std::string node = control_node(plan.settings).name;
  std::vector<Daemon> result;
  for (auto& [name, arguments] : {std::pair<std::string, Arguments>{"etcd", etcd(plan)},
                                  {"kube-apiserver", api_server(plan)},
                                  {"kube-controller-manager", controller_manager(plan)},
                                  {"kube-scheduler", scheduler(plan)}}) {
    result.push_back({.node = node,
                      .name = name,
                      .command = {.arguments = arguments, .netns = plan.places.id().netns(node)}});
  }
  return result;
}

}  // namespace sextant::cluster
