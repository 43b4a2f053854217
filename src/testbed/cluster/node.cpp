#include "testbed/cluster/node.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <thread>

#include "testbed/cluster/cgroups.h"
#include "testbed/cluster/node_files.h"
#include "testbed/cluster/node_script.h"
#include "testbed/cluster/pki.h"
#include "testbed/cluster/service_routes.h"
#include "testbed/files.h"

namespace sextant::cluster {
namespace {

namespace fs = std::filesystem;
using testbed::ClusterNode;
using Clock = std::chrono::steady_clock;

constexpr const char* kInitName = "init";
/// Between two looks at what gives no event to wait for.
constexpr std::chrono::milliseconds kLookAgain{10};

/// What unshare has forked, seen from here.
pid_t child_of(pid_t parent) {
  const auto text = testbed::read_file(fmt::format("/proc/{0}/task/{0}/children", parent));
  pid_t child = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), child);
  return child;
}

Result<void> await_file(const Plan& plan, const std::string& node, const fs::path& file,
                        const std::string& daemon, const std::string& what) {
  constexpr std::chrono::seconds kPatience{30};
  for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
    if (fs::exists(file)) return {};
    if (process_of(plan.places, node, daemon) == 0) {
      return failure("start", fmt::format("{} on {}", daemon, node), "it ended",
                     end_of_log(plan.places, node, daemon));
    }
    std::this_thread::sleep_for(kLookAgain);
  }
  return failure("start", fmt::format("{} on {}", daemon, node), what,
                 end_of_log(plan.places, node, daemon));
}

}  // namespace

pid_t first_process(const Places& places, const std::string& node) {
  const pid_t unshare = process_of(places, node, kInitName);
  return unshare == 0 ? 0 : child_of(unshare);
}

Result<bool> power_on(const Plan& plan, const ClusterNode& node) {
  const Places& places = plan.places;
  if (first_process(places, node.name) != 0) return false;
  if (auto routed = route_services(plan, node); !routed) return tl::unexpected(routed.error());
  const fs::path disk = places.disk(node.name);
  if (auto made = testbed::make_directory(disk); !made) return tl::unexpected(made.error());
  if (auto written = write_node_files(plan, node); !written) {
    return tl::unexpected(written.error());
  }
  const fs::path booted = disk / "booted";
  std::error_code ignored;
  fs::remove(booted, ignored);
  // --kill-child: the tree ends with the process that the pid file names.
  const auto started =
      start(places, {.node = node.name,
                     .name = kInitName,
                     .command = {.arguments = {"unshare", "--mount", "--pid", "--uts", "--ipc",
                                               "--fork", "--kill-child", "--propagation", "private",
                                               "sh", "-c", kPowerOn, places.mark(node.name),
                                               node.name, places.cgroup(node.name), disk, kInit},
                                 .netns = places.id().netns(node.name)}});
  if (!started) return started;
  auto up = await_file(plan, node.name, booted, kInitName, "it does not come to its end");
  if (!up) return tl::unexpected(up.error());
  return true;
}

Result<bool> power_off(const Places& places, const std::string& node) {
  const pid_t unshare = process_of(places, node, kInitName);
  if (unshare == 0) return false;
  std::vector<pid_t> processes;
  // The kernel ends all the others with the first one, and only then takes that one away.
  if (const pid_t first = child_of(unshare)) processes.push_back(first);
  processes.push_back(unshare);
  if (auto ended = testbed::end_processes(processes, std::chrono::milliseconds{0}); !ended) {
    return tl::unexpected(ended.error());
  }
  // As after a boot of a machine: kubelet looks for a container behind each cgroup that it finds.
  if (auto removed = remove_cgroups(places.cgroup(node)); !removed) {
    return tl::unexpected(removed.error());
  }
  return true;
}

Result<testbed::Command> on_node(const Places& places, const std::string& node,
                                 std::vector<std::string> arguments) {
  const pid_t first = first_process(places, node);
  if (first == 0) {
    return failure("run a program", fmt::format("on {}", node), "the node is off",
                   fmt::format("sextant testbed cluster node start {}", node));
  }
  // --pdeathsig: it ends with the process that the pid file names, which is nsenter's.
  std::vector<std::string> line{"nsenter",
                                "--target",
                                std::to_string(first),
                                "--mount",
                                "--uts",
                                "--ipc",
                                "--net",
                                "--pid",
                                "--cgroup",
                                "--wd=/",
                                "setpriv",
                                "--pdeathsig",
                                "KILL",
                                "sh",
                                "-c",
                                kJoin,
                                places.mark(node)};
  line.insert(line.end(), arguments.begin(), arguments.end());
  return testbed::Command{.arguments = std::move(line)};
}

std::vector<std::string> node_daemon_names(const Settings& settings) {
  std::vector<std::string> names{"containerd", "kubelet"};
  if (settings.kube_proxy) names.emplace_back("kube-proxy");
  return names;
}

Result<std::vector<Daemon>> node_daemons(const Plan& plan, const ClusterNode& node) {
  const Settings& settings = plan.settings;
  std::vector<std::pair<std::string, std::vector<std::string>>> lines;
  lines.emplace_back("containerd", std::vector<std::string>{plan.programs.containerd});
  lines.emplace_back(
      "kubelet",
      std::vector<std::string>{
          plan.programs.of("kubelet"), "--config=" + std::string{kKubeletConfiguration},
          "--kubeconfig=" + std::string{kKubeletKubeconfig}, "--hostname-override=" + node.name,
          fmt::format("--node-ip={}", fmt::join(node_addresses(settings, node), ",")),
          "--container-runtime=remote",
          "--container-runtime-endpoint=unix:///run/containerd/containerd.sock",
          "--register-with-taints=sextant.dev/not-ready=:NoSchedule", "--v=2"});
  if (settings.kube_proxy) {
    lines.emplace_back(
        "kube-proxy",
        std::vector<std::string>{
            plan.programs.of("kube-proxy"), "--kubeconfig=" + std::string{kProxyKubeconfig},
            "--hostname-override=" + node.name, "--proxy-mode=iptables",
            "--cluster-cidr=" + pod_pools(settings), "--feature-gates=IPv6DualStack=true",
            // Limits of connection tracking belong to the machine.
            "--conntrack-max-per-core=0", "--conntrack-min=0",
            "--conntrack-tcp-timeout-established=0", "--conntrack-tcp-timeout-close-wait=0"});
  }
  std::vector<Daemon> result;
  for (auto& [name, arguments] : lines) {
    auto command = on_node(plan.places, node.name, std::move(arguments));
    if (!command) return tl::unexpected(command.error());
    result.push_back({.node = node.name, .name = name, .command = std::move(*command)});
  }
  return result;
}

Result<void> await_runtime(const Plan& plan, const std::string& node) {
  const pid_t first = first_process(plan.places, node);
  const fs::path socket = fmt::format("/proc/{}/root/run/containerd/containerd.sock", first);
  return await_file(plan, node, socket, "containerd", "it opens no socket");
}

Result<void> import_images(const Plan& plan, const std::string& node,
                           const std::vector<fs::path>& archives) {
  constexpr std::chrono::seconds kLimit{120};
  for (const fs::path& archive : archives) {
    const auto command =
        on_node(plan.places, node, {"ctr", "-n", "k8s.io", "images", "import", "-"});
    if (!command) return tl::unexpected(command.error());
    testbed::Command import = *command;
    // The node does not see the state directory: by way of the standard input.
    import.arguments.back() = "-";
    const auto content = testbed::read_file(archive);
    if (!content) return tl::unexpected(content.error());
    import.input = *content;
    const auto done = testbed::run(import, kLimit);
    if (!done) return tl::unexpected(done.error());
    if (done->status != 0) {
      return failure("import image", fmt::format("{} on {}", archive.filename().string(), node),
                     done->err, end_of_log(plan.places, node, "containerd"));
    }
  }
  return {};
}

}  // namespace sextant::cluster
