#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "dataplane/linux/netlink/netns.h"
#include "testbed/cluster/cluster.h"
#include "testbed/cluster/node.h"
#include "testbed/state.h"
#include "testbed/underlay.h"

namespace sextant::cluster {
namespace {

using testbed::ClusterNode;

Result<const ClusterNode*> find_node(const Plan& plan, const std::string& name) {
  if (const ClusterNode* node = plan.lab().node(name)) return node;
  return failure("find", fmt::format("the node {}", name), "the cluster has none of that name",
                 "master, worker1 or worker2");
}

/// What could run on the node: the control plane too where it is the master.
Result<std::vector<Daemon>> daemons_of(const Plan& plan, const ClusterNode& node) {
  std::vector<Daemon> result;
  for (Daemon& each : control_plane(plan)) {
    if (each.node == node.name) result.push_back(std::move(each));
  }
  auto more = node_daemons(plan, node);
  if (!more) return more;
  std::ranges::move(*more, std::back_inserter(result));
  return result;
}

}  // namespace

Result<void> stop_node(const Plan& plan, const std::string& name) {
  const auto node = find_node(plan, name);
  if (!node) return tl::unexpected(node.error());
  const auto held = testbed::lock(plan.places.id());
  if (!held) return tl::unexpected(held.error());
  if (auto off = power_off(plan.places, name); !off) return tl::unexpected(off.error());
  // The control plane's processes are in the network namespace alone.
  const auto space = netlink::Netns::open(plan.places.id().netns(name));
  if (!space) return {};  // it was off before
  const auto inode = space->id();
  if (!inode) return tl::unexpected(inode.error());
  const std::vector<ino_t> namespaces{*inode};
  auto ended = testbed::end_processes(testbed::processes_in(namespaces), std::chrono::seconds{2});
  if (!ended) return ended;
  return testbed::remove_machine(plan.places.id(), plan.lab(), name);
}

Result<void> start_node(const Plan& plan, const std::string& name) {
  const auto node = find_node(plan, name);
  if (!node) return tl::unexpected(node.error());
  const auto held = testbed::lock(plan.places.id());
  if (!held) return tl::unexpected(held.error());
  const auto names = testbed::existing_namespaces(plan.places.id());
  if (!names) return tl::unexpected(names.error());
  if (std::ranges::find(*names, plan.places.id().netns(name)) == names->end()) {
    auto built = testbed::rebuild_machine(plan.places.id(), plan.lab(), name);
    if (!built) return built;
  }
  if (auto on = power_on(plan, **node); !on) return tl::unexpected(on.error());
  const auto daemons = daemons_of(plan, **node);
  if (!daemons) return tl::unexpected(daemons.error());
  for (const Daemon& each : *daemons) {
    if (each.name == "kubelet") {
      if (auto there = await_runtime(plan, name); !there) return there;
    }
    if (auto started = start(plan.places, each); !started) return tl::unexpected(started.error());
  }
  return {};
}

Result<void> stop_daemon(const Plan& plan, const std::string& node, const std::string& daemon) {
  const auto known = status(plan);
  const bool there = std::ranges::any_of(
      known, [&](const DaemonStatus& each) { return each.node == node && each.daemon == daemon; });
  if (!there) {
    return failure("stop", fmt::format("{} on {}", daemon, node), "no such program",
                   "sextant testbed cluster status lists them");
  }
  const auto stopped = stop(plan.places, node, daemon);
  if (!stopped) return tl::unexpected(stopped.error());
  return {};
}

Result<void> start_daemon(const Plan& plan, const std::string& name, const std::string& daemon) {
  const auto node = find_node(plan, name);
  if (!node) return tl::unexpected(node.error());
  const auto daemons = daemons_of(plan, **node);
  if (!daemons) return tl::unexpected(daemons.error());
  const auto found = std::ranges::find(*daemons, daemon, &Daemon::name);
  if (found == daemons->end()) {
    return failure("start", fmt::format("{} on {}", daemon, name), "no such program",
                   "sextant testbed cluster status lists them");
  }
  if (auto started = start(plan.places, *found); !started) return tl::unexpected(started.error());
  return {};
}

}  // namespace sextant::cluster
