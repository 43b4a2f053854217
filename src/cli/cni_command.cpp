// cni install: puts the CNI plugin on this node, as the DaemonSet's init container does, and its
// configuration.
#include "cli/cni_command.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "cli/failure.h"
#include "cli/help.h"
#include "installation/cni_install.h"
#include "installation/pod_prefixes.h"
#include "kube/config.h"

namespace sextant::cli {
namespace {

struct Options {
  std::string kubeconfig, node;
  bool in_cluster = false;
  std::vector<std::string> pod_cidrs;  // given: the cluster is not asked
  std::size_t max_segments = 6;
  std::string network = installation::NetworkList{}.network;
  std::vector<std::string> from;
  std::string programs = installation::CniPlaces{}.programs;
  std::string configs = installation::CniPlaces{}.configs;
  unsigned timeout = 300;
  bool beside_others = false;
  bool programs_only = false;
};

void say(const std::string& text) {
  fmt::print("{}\n", text);
  std::fflush(stdout);  // a log, read while this waits
}

std::string check_pod_prefix(const std::string& text) {
  const auto prefix = IpPrefix::parse(text);
  return prefix ? "" : prefix.error().message();
}

/// How the API server is reached; nothing where the prefixes are given.
std::optional<kube::Config> api_server(const Options& options) {
  if (options.programs_only || !options.pod_cidrs.empty()) return std::nullopt;
  if (options.node.empty())
    fail({.operation = "find the pod prefixes",
          .object = "",
          .cause = "no node is named",
          .hint = "give --node (or SEXTANT_NODE), or the prefixes themselves with --pod-cidr"});
  return value_or_fail(options.in_cluster ? kube::in_cluster_config()
                                          : kube::load_kubeconfig(options.kubeconfig));
}

std::vector<IpPrefix> pod_prefixes(const Options& options,
                                   const std::optional<kube::Config>& server) {
  if (server)
    return value_or_fail(installation::wait_for_pod_prefixes(
        *server, options.node, std::chrono::seconds(options.timeout), say));
  std::vector<IpPrefix> prefixes;
  for (const auto& text : options.pod_cidrs) prefixes.push_back(*IpPrefix::parse(text));
  return prefixes;
}

void show(const installation::InstallReport& report) {
  for (const auto& path : report.written) say("wrote " + path);
  for (const auto& note : report.notes) say("note: " + note);
}

void run(const Options& options) {
  auto places = installation::default_cni_places();
  places.programs = options.programs;
  places.configs = options.configs;
  if (!options.from.empty()) places.sources = {options.from.begin(), options.from.end()};
  const auto server = api_server(options);  // wrong options are told before anything is written
  // The programs first: once the configuration is there, pods are started.
  show(value_or_fail(installation::install_programs(places)));
  if (options.programs_only) {
    say("the CNI plugin is installed; the agent writes its configuration once the node forwards");
    return;
  }
  const auto list = installation::NetworkList{.network = options.network,
                                              .pod_prefixes = pod_prefixes(options, server),
                                              .max_segments = options.max_segments};
  show(value_or_fail(installation::install_config(places, list, options.beside_others)));
  say("the CNI plugin is installed");
}

void add_install(CLI::App& group) {
  auto* command = group.add_subcommand(
      "install", "Put sextant-cni, the plugins beside it and the network configuration in place");
  auto options = std::make_shared<Options>();
  command->add_option("--node", options->node, "This node's name")
      ->type_name("NODE")
      ->envname("SEXTANT_NODE");
  auto* kubeconfig =
      command
          ->add_option("--kubeconfig", options->kubeconfig,
                       "How to reach the API server, which is asked for the node's podCIDRs "
                       "(default $KUBECONFIG, else ~/.kube/config)")
          ->type_name("FILE");
  command->add_flag("--in-cluster", options->in_cluster, "The same for a pod: its service account")
      ->excludes(kubeconfig);
  command
      ->add_option("--pod-cidr", options->pod_cidrs,
                   "The node's pod prefix, in place of asking; may be repeated")
      ->type_name("PREFIX")
      ->check(CLI::Validator(check_pod_prefix, ""))
      ->allow_extra_args(false);
  command->add_option("--max-segments", options->max_segments, "The same as sextantd's")
      ->envname("SEXTANT_MAX_SEGMENTS")
      ->check(CLI::Range(1, 127))
      ->capture_default_str();
  command->add_option("--network", options->network, "The network's name")
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--cni-bin-dir", options->programs, "Where the runtime looks for plugins")
      ->type_name("DIR")
      ->capture_default_str();
  command
      ->add_option("--cni-conf-dir", options->configs,
                   "Where the runtime looks for network configurations")
      ->type_name("DIR")
      ->capture_default_str();
  command
      ->add_option("--from", options->from,
                   "Where the plugins are taken from (default: this program's folder, "
                   "/usr/libexec/sextant/cni, /usr/lib/cni); may be repeated")
      ->type_name("DIR")
      ->allow_extra_args(false);
  command->add_option("--timeout", options->timeout, "Seconds to wait for the podCIDRs")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  command->add_flag("--programs-only", options->programs_only,
                    "Without the configuration: sextantd --cni-conf-dir writes it");
  command->add_flag("--beside-others", options->beside_others,
                    "Also where another network's configuration comes first, which pods then get");
  command->callback([options] { run(*options); });
  teach(*command,
        {.examples = {{"sextant cni install --programs-only",
                       "in the init container of the DaemonSet"},
                      {"sextant cni install --in-cluster", "in a pod, with the configuration"},
                      {"sextant cni install --node n1 --kubeconfig /etc/kubernetes/kubelet.conf",
                       "by hand, on the node"},
                      {"sextant cni install --pod-cidr 172.16.0.0/26", "without an API server"}},
         .exit_statuses = {{0, "all is in place; a second time nothing is written"},
                           {1, "refused, or not possible: it says why"}},
         .read_on = {"docs/install.md          how the DaemonSet uses it",
                     "docs/reference-cni.md    what the configuration says",
                     "sextant uninstall        takes it away again"}});
}

}  // namespace

void add_cni_commands(CLI::App& app) {
  auto* group = app.add_subcommand("cni", "The CNI plugin of this node");
  group->require_subcommand(1);
  add_install(*group);
  teach(*group, {.examples = {{"sextant cni install --help", "what it writes, and where"}},
                 .read_on = {"docs/reference-cni.md"}});
}

}  // namespace sextant::cli
