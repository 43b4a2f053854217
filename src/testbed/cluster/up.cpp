#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <thread>

#include "testbed/cluster/cluster.h"
#include "testbed/cluster/images.h"
#include "testbed/cluster/kubectl.h"
#include "testbed/cluster/node.h"
#include "testbed/cluster/overlay.h"
#include "testbed/cluster/pki.h"
#include "testbed/cluster/workload.h"
#include "testbed/convergence.h"
#include "testbed/files.h"
#include "testbed/frr.h"
#include "testbed/state.h"
#include "testbed/underlay.h"

namespace sextant::cluster {
namespace {

namespace fs = std::filesystem;
using testbed::ClusterNode;
using testbed::Id;

/// One `up`: its steps share what was asked and what is said about it.
class Builder {
 public:
  Builder(Plan plan, const UpOptions& options) : plan_(std::move(plan)), options_(options) {}

  Result<UpReport> keep();
  Result<void> build();

 private:
  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    if (options_.progress) options_.progress(fmt::format(format, std::forward<Args>(args)...));
  }
  Result<std::vector<std::string>> start_all();
  Result<std::vector<std::string>> start_daemon(const Daemon& daemon);
  Result<std::vector<std::string>> boot_nodes();
  Result<std::vector<std::string>> boot(const ClusterNode& node);
  Result<std::vector<std::string>> join_cluster(const ClusterNode& node);
  Result<void> await_api();
  Result<void> await_nodes();

  Plan plan_;
  const UpOptions& options_;
  std::shared_future<Result<std::vector<fs::path>>> archives_;
};

using Started = Result<std::vector<std::string>>;

void append(std::vector<std::string>& all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

Started Builder::start_daemon(const Daemon& daemon) {
  const auto started = start(plan_.places, daemon);
  if (!started) return tl::unexpected(started.error());
  if (!*started) return std::vector<std::string>{};
  return std::vector{fmt::format("{} on {}", daemon.name, daemon.node)};
}

/// Power, container runtime, kubelet and images: nothing that needs an API server to begin.
Started Builder::boot(const ClusterNode& node) {
  std::vector<std::string> started;
  const auto on = power_on(plan_, node);
  if (!on) return tl::unexpected(on.error());
  if (*on) started.push_back(node.name);
  const auto daemons = node_daemons(plan_, node);
  if (!daemons) return tl::unexpected(daemons.error());
  const auto containerd = start_daemon(daemons->front());
  if (!containerd) return containerd;
  append(started, *containerd);
  if (auto there = await_runtime(plan_, node.name); !there) return tl::unexpected(there.error());
  // kubelet looks for a Docker for 5 s before it talks to the API server.
  const auto kubelet = start_daemon(daemons->at(1));
  if (!kubelet) return kubelet;
  append(started, *kubelet);
  const auto& archives = archives_.get();
  if (!archives) return tl::unexpected(archives.error());
  auto imported = import_images(plan_, node.name, *archives);
  if (!imported) return tl::unexpected(imported.error());
  return started;
}

Started Builder::boot_nodes() {
  std::vector<std::future<Started>> nodes;
  for (const ClusterNode& node : plan_.lab().nodes) {
    nodes.push_back(std::async(std::launch::async, [this, &node] { return boot(node); }));
  }
  Started all = std::vector<std::string>{};
  for (auto& each : nodes) {
    auto one = each.get();
    if (!one) {
      all = tl::unexpected(one.error());
    } else if (all) {
      append(*all, *one);
    }
  }
  return all;
}

Started Builder::join_cluster(const ClusterNode& node) {
  const auto daemons = node_daemons(plan_, node);
  if (!daemons) return tl::unexpected(daemons.error());
  std::vector<std::string> started;
  for (const Daemon& daemon : *daemons) {
    const auto one = start_daemon(daemon);
    if (!one) return one;
    append(started, *one);
  }
  return started;
}

Result<void> Builder::await_api() {
  const auto ready = kubectl_until(plan_, {"get", "--raw", "/readyz"}, options_.patience);
  if (ready) return {};
  Error error = ready.error();
  error.hint = end_of_log(plan_.places, control_node(plan_.settings).name, "kube-apiserver");
  return tl::unexpected(error);
}

Started Builder::start_all() {
  std::vector<std::string> all;
  const auto routers = testbed::start_frr(plan_.places.id(), plan_.lab());
  if (!routers) return routers;
  append(all, *routers);
  const std::vector<Daemon> control = control_plane(plan_);
  for (std::size_t i = 0; i < 2; ++i) {  // etcd and API server
    const auto one = start_daemon(control[i]);
    if (!one) return one;
    append(all, *one);
  }
  const auto nodes = boot_nodes();
  if (!nodes) return nodes;
  append(all, *nodes);
  say("nodes are powered on, with their images");
  if (auto ready = await_api(); !ready) return tl::unexpected(ready.error());
  say("the API server is ready");
  for (std::size_t i = 2; i < control.size(); ++i) {
    const auto one = start_daemon(control[i]);
    if (!one) return one;
    append(all, *one);
  }
  for (const ClusterNode& node : plan_.lab().nodes) {
    const auto one = join_cluster(node);
    if (!one) return one;
    append(all, *one);
  }
  return all;
}

/// Registered, with their pod prefixes.
Result<void> Builder::await_nodes() {
  for (const ClusterNode& node : plan_.lab().nodes) {
    const auto patched = kubectl_until(
        plan_, {"patch", "node", node.name, "--patch", node_patch(plan_.settings, node)},
        options_.patience);
    if (!patched) {
      Error error = patched.error();
      error.hint = end_of_log(plan_.places, node.name, "kubelet");
      return tl::unexpected(error);
    }
  }
  say("{} kubelets have registered", plan_.lab().nodes.size());
  return {};
}

Result<void> Builder::build() {
  const Places& places = plan_.places;
  if (auto made = testbed::make_directory(places.images()); !made) return made;
  const testbed::State state{
      .kind = plan_.settings.underlay, .pods = 0, .agents = false, .cluster = true};
  if (auto written = testbed::write_state(places.id(), state); !written) return written;
  if (auto written = write_settings(places, plan_.settings); !written) return written;
  if (auto built = testbed::build_underlay(places.id(), plan_.lab()); !built) return built;
  say("{} namespaces and {} links made", plan_.lab().machines().size(), plan_.lab().links.size());
  archives_ = std::async(std::launch::async, [this] {
                return prepare_images(plan_, options_.image);
              }).share();
  if (auto made = make_credentials(places, plan_.settings); !made) return made;
  say("certificates made");
  if (const auto started = start_all(); !started) return tl::unexpected(started.error());
  if (auto registered = await_nodes(); !registered) return registered;
  if (!plan_.lab().routers.empty()) {
    auto converged = testbed::await_convergence(places.id(), plan_.lab(), options_.patience);
    if (!converged) return converged;
    say("IS-IS has converged");
  }
  if (plan_.settings.overlay) {
    if (auto installed = install_overlay(plan_, options_.manifests); !installed) return installed;
    if (auto ready = await_overlay(plan_, options_.patience); !ready) return ready;
    say("Sextant is rolled out, {} nodes are Ready", plan_.lab().nodes.size());
  }
  if (plan_.settings.pods > 0) {
    // A moment after the controller manager's start; pods are refused before.
    const auto account =
        kubectl_until(plan_, {"get", "serviceaccount", "default"}, options_.patience);
    if (!account) return tl::unexpected(account.error());
    const auto applied = kubectl(plan_, {"apply", "-f", "-"}, demo_objects(plan_.settings));
    if (!applied) return tl::unexpected(applied.error());
    if (plan_.settings.overlay) {
      const auto ready = kubectl(plan_,
                                 {"wait", "--for=condition=Ready", "pod", "-l", "app=demo",
                                  fmt::format("--timeout={}s", options_.patience.count())},
                                 {}, options_.patience + std::chrono::seconds{10});
      if (!ready) return tl::unexpected(ready.error());
      say("{} pods are Ready", plan_.settings.pods * plan_.lab().nodes.size());
    }
  }
  testbed::State complete = state;
  complete.complete = true;
  return testbed::write_state(places.id(), complete);
}

Result<UpReport> Builder::keep() {
  const Id& id = plan_.places.id();
  const auto names = testbed::existing_namespaces(id);
  if (!names) return tl::unexpected(names.error());
  for (const ClusterNode& node : plan_.lab().nodes) {
    if (std::ranges::find(*names, id.netns(node.name)) != names->end()) continue;
    auto built = testbed::rebuild_machine(id, plan_.lab(), node.name);
    if (!built) return tl::unexpected(built.error());
  }
  std::promise<Result<std::vector<fs::path>>> none;  // the nodes have them on their disks
  none.set_value(std::vector<fs::path>{});
  archives_ = none.get_future().share();
  auto started = start_all();
  if (!started) return tl::unexpected(started.error());
  UpReport report{.was_up = started->empty(), .repaired = std::move(*started)};
  for (const std::string& what : report.repaired) say("started {}, which did not run", what);
  if (plan_.settings.overlay && !report.was_up) {
    if (auto ready = await_overlay(plan_, options_.patience); !ready) {
      return tl::unexpected(ready.error());
    }
  }
  return report;
}

Result<Settings> wanted_settings(const UpOptions& options) {
  Settings result;
  result.underlay = options.underlay.value_or(result.underlay);
  result.families = options.families.value_or(result.families);
  result.pods = options.pods.value_or(result.pods);
  result.kube_proxy = options.kube_proxy;
  result.overlay = options.overlay;
  constexpr unsigned kMaxPods = 50;
  if (result.pods > kMaxPods) {
    return failure("bring up", "a cluster", fmt::format("{} pods a node are too many", result.pods),
                   fmt::format("at most {}", kMaxPods));
  }
  return result;
}

bool asks_for_other(const UpOptions& options, const Settings& settings) {
  return (options.underlay && *options.underlay != settings.underlay) ||
         (options.families && *options.families != settings.families) ||
         (options.pods && *options.pods != settings.pods);
}

/// All but nodes, which may have their power off.
bool all_there(const Id& id, const testbed::Topology& lab, const std::vector<std::string>& names) {
  return std::ranges::all_of(lab.machines(), [&](const std::string& machine) {
    return lab.node(machine) != nullptr ||
           std::ranges::find(names, id.netns(machine)) != names.end();
  });
}

}  // namespace

Result<UpReport> up(const UpOptions& options) {
  const auto settings = wanted_settings(options);
  if (!settings) return tl::unexpected(settings.error());
  const auto programs = find_programs();
  if (!programs) return tl::unexpected(programs.error());
  const auto id = Id::make(settings->underlay, options.name);
  if (!id) return tl::unexpected(id.error());
  const auto held = testbed::lock(*id);
  if (!held) return tl::unexpected(held.error());
  const auto state = testbed::read_state(*id);
  if (state && !state->cluster) {
    return failure(
        "bring up", "a cluster",
        fmt::format("a {} testbed of that name is there", testbed::to_string(state->kind)),
        "take it down first, or choose another --name");
  }
  const auto names = testbed::existing_namespaces(*id);
  if (!names) return tl::unexpected(names.error());
  const auto kept = read_settings(Places{*id});
  if (state && state->complete && kept && all_there(*id, testbed::topology(state->kind), *names)) {
    if (asks_for_other(options, *kept)) {
      return failure(
          "bring up", fmt::format("the cluster '{}'", options.name),
          fmt::format("it is up with other settings: underlay {}, families {}, {} pods a node",
                      testbed::to_string(kept->underlay), to_text(kept->families), kept->pods),
          fmt::format("to change them: sextant testbed cluster down --name {}", options.name));
    }
    return Builder{{Places{Id::make(kept->underlay, options.name).value()}, *kept, *programs},
                   options}
        .keep();
  }
  if (!names->empty() || state) {
    if (options.progress) options.progress("removing what an earlier command left half-built");
    if (auto gone = remove_all(*id, {}); !gone) return tl::unexpected(gone.error());
  }
  Builder builder{{Places{*id}, *settings, *programs}, options};
  if (auto built = builder.build(); !built) return tl::unexpected(built.error());
  return UpReport{};
}

}  // namespace sextant::cluster
