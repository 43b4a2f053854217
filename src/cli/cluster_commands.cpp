#include "cli/cluster_commands.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <memory>

#include "cli/failure.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/plain_words.h"
#include "cli/table.h"
#include "cli/testbed_progress.h"
#include "testbed/cluster/cluster.h"
#include "testbed/cluster/kubectl.h"
#include "testbed/cluster/node.h"

namespace sextant::cli {
namespace {

/// What the command line says; lives as long as the commands' callbacks.
struct Arguments {
  std::string name = cluster::kDefaultName;
  std::string underlay;
  std::string families;
  std::optional<unsigned> pods;
  bool no_overlay = false;
  bool no_kube_proxy = false;
  std::string image;
  std::string manifests;
  std::string output = "table";
  std::string node;
  std::string daemon;
  std::vector<std::string> command;
};
using Shared = std::shared_ptr<Arguments>;

void require_root() {
  if (::geteuid() == 0) return;
  fail({.operation = "use",
        .object = "a cluster testbed",
        .cause = "network namespaces need root",
        .hint = "run it as root"});
}

cluster::Plan find(const Arguments& arguments) {
  require_root();
  return value_or_fail(cluster::running(arguments.name));
}

/// " --name lab2" where it is not the default one.
std::string name_option(const Arguments& arguments) {
  return arguments.name == cluster::kDefaultName ? "" : " --name " + arguments.name;
}

void print_next_steps(const Arguments& arguments) {
  const auto line = [&](std::string_view verb, std::string_view rest) {
    fmt::print("  sextant testbed cluster {}{}{}\n", verb, name_option(arguments), rest);
  };
  fmt::print("\nWhat to do with it:\n");
  line("kubectl", " -- get nodes,pods -A -o wide");
  line("test", "");
  line("exec", " worker1 -- ip -6 route");
  line("down", "");
}

void run_up(const Arguments& arguments) {
  require_root();
  const auto say = testbed_progress();
  cluster::UpOptions options{.pods = arguments.pods,
                             .kube_proxy = !arguments.no_kube_proxy,
                             .overlay = !arguments.no_overlay,
                             .name = arguments.name,
                             .image = arguments.image,
                             .manifests = arguments.manifests,
                             .progress = say};
  if (!arguments.underlay.empty()) options.underlay = testbed::parse_kind(arguments.underlay);
  if (!arguments.families.empty()) {
    options.families = value_or_fail(cluster::parse_families(arguments.families));
  }
  const auto report = value_or_fail(cluster::up(options));
  say(report.was_up ? "the cluster was up already" : "the cluster is up");
  print_next_steps(arguments);
}

void run_down(const Arguments& arguments) {
  require_root();
  const auto say = testbed_progress();
  const auto report = value_or_fail(cluster::down(arguments.name, say));
  const bool nothing = report.processes == 0 && report.namespaces == 0;
  say(nothing ? "the cluster was not up" : "the cluster is down");
}

void run_status(const Arguments& arguments) {
  const auto plan = find(arguments);
  const auto daemons = cluster::status(plan);
  if (arguments.output != "table") {
    boost::json::array list;
    for (const auto& each : daemons) {
      list.push_back(boost::json::object{{"node", each.node},
                                         {"daemon", each.daemon},
                                         {"process", each.process},
                                         {"log", each.log.string()}});
    }
    boost::json::object nodes;
    for (const auto& node : plan.lab().nodes) {
      nodes[node.name] =
          boost::json::object{{"firstProcess", cluster::first_process(plan.places, node.name)},
                              {"netns", plan.places.id().netns(node.name)},
                              {"disk", plan.places.disk(node.name).string()}};
    }
    const boost::json::object object{{"kubeconfig", plan.places.kubeconfig("admin").string()},
                                     {"kubectl", plan.programs.kubectl.string()},
                                     {"server", cluster::api_url(plan.settings)},
                                     {"underlay", testbed::to_string(plan.settings.underlay)},
                                     {"families", cluster::to_text(plan.settings.families)},
                                     {"state", plan.places.state().string()},
                                     {"nodes", nodes},
                                     {"daemons", list}};
    fmt::print("{}", arguments.output == "json" ? indented_json(object) : yaml(object));
    return;
  }
  fmt::print("kubeconfig: {} (server {}, in the network namespace {})\n\n",
             plan.places.kubeconfig("admin").string(), cluster::api_url(plan.settings),
             plan.places.id().netns(cluster::control_node(plan.settings).name));
  Table table({"NODE", "DAEMON", "PROCESS", "LOG"});
  for (const auto& each : daemons) {
    table.add({each.node, each.daemon, each.process == 0 ? "stopped" : std::to_string(each.process),
               each.log.string()});
  }
  fmt::print("{}", table.to_string());
}

void run_test(const Arguments& arguments) {
  const auto checks = value_or_fail(cluster::check(find(arguments)));
  if (checks.empty())
    fail({.operation = "test",
          .object = fmt::format("the cluster '{}'", arguments.name),
          .cause = "it has no two pods of `up` that are running",
          .hint = "kubectl get pods -o wide; or it was made with --pods 0: take it down, and up "
                  "again"});
  Table table({"CHECK", "FROM", "TO", "RESULT", "DETAIL"});
  std::size_t failed = 0;
  for (const auto& check : checks) {
    table.add({check.what, check.from, check.to, check.passed ? "ok" : "FAILED", check.detail});
    if (!check.passed) ++failed;
  }
  fmt::print("{}\n{} of {} checks passed\n", table.to_string(), checks.size() - failed,
             checks.size());
  if (failed > 0) throw CLI::RuntimeError(1);
}

void attach(const testbed::Command& command) {
  const int status = value_or_fail(testbed::run_attached(command));
  if (status != 0) throw CLI::RuntimeError(status);
}

void run_kubectl(const Arguments& arguments) {
  attach(cluster::kubectl_command(find(arguments), plain_words(arguments.command)));
}

void run_exec(const Arguments& arguments) {
  const auto plan = find(arguments);
  const auto command = plain_words(arguments.command);
  if (plan.lab().node(arguments.node) != nullptr) {
    attach(value_or_fail(cluster::on_node(plan.places, arguments.node, command)));
    return;
  }
  const auto machines = plan.lab().machines();
  if (std::find(machines.begin(), machines.end(), arguments.node) == machines.end()) {
    fail({.operation = "run a command on",
          .object = arguments.node,
          .cause = "the cluster has no such machine",
          .hint = fmt::format("there are: {}", fmt::join(machines, " "))});
  }
  attach({.arguments = command, .netns = plan.places.id().netns(arguments.node)});
}

void run_node_stop(const Arguments& arguments) {
  value_or_fail(cluster::stop_node(find(arguments), arguments.node));
  fmt::print("{} is off\n", arguments.node);
}

void run_node_start(const Arguments& arguments) {
  value_or_fail(cluster::start_node(find(arguments), arguments.node));
  fmt::print("{} is on\n", arguments.node);
}

void run_daemon_stop(const Arguments& arguments) {
  value_or_fail(cluster::stop_daemon(find(arguments), arguments.node, arguments.daemon));
  fmt::print("{} on {} is stopped\n", arguments.daemon, arguments.node);
}

void run_daemon_start(const Arguments& arguments) {
  value_or_fail(cluster::start_daemon(find(arguments), arguments.node, arguments.daemon));
  fmt::print("{} on {} runs\n", arguments.daemon, arguments.node);
}

CLI::App* add(CLI::App& group, const Shared& arguments, const char* verb, const char* text,
              void (*action)(const Arguments&)) {
  CLI::App* command = group.add_subcommand(verb, text);
  command->add_option("--name", arguments->name, "Which of several clusters")
      ->type_name("NAME")
      ->capture_default_str();
  command->callback([action, arguments] { action(*arguments); });
  return command;
}

const std::vector<std::string> kPage{"docs/testbed-cluster.md"};

void add_up(CLI::App& group, const Shared& arguments) {
  CLI::App* up = add(group, arguments, "up", "Build it, or repair and keep what is there", run_up);
  up->add_option("--underlay", arguments->underlay,
                 "basic: three nodes on one link (default); full: around eight IS-IS routers")
      ->check(CLI::IsMember({"basic", "full"}));
  up->add_option("--families", arguments->families,
                 "Of pods and Services, the primary one first: 4,6 (default), 6,4, 4 or 6")
      ->type_name("LIST");
  up->add_option("--pods", arguments->pods, "Pods for trying things on each node (default 1)")
      ->type_name("N");
  up->add_flag("--no-overlay", arguments->no_overlay,
               "Do not install Sextant: nodes stay NotReady");
  up->add_flag("--no-kube-proxy", arguments->no_kube_proxy, "Run no kube-proxy");
  up->add_option("--image", arguments->image,
                 "Archive with Sextant's image (default: made of this build's programs)")
      ->check(CLI::ExistingFile.description(""))
      ->type_name("FILE");
  up->add_option(
        "--manifests", arguments->manifests,
        "Kustomize folder to apply (default: standalone or full-testbed of deploy/overlays)")
      ->check(CLI::ExistingDirectory.description(""))
      ->type_name("DIR");
  teach(*up, {.examples = {{"sextant testbed cluster up", "three nodes, pods of both families"},
                           {"sextant testbed cluster up --underlay full", "behind r3 and r8"}},
              .read_on = kPage});
}

void add_power(CLI::App& group, const Shared& arguments) {
  CLI::App* node = group.add_subcommand("node", "Power off, and on again, a node: stop, start");
  node->require_subcommand(1);
  CLI::App* stop = add(*node, arguments, "stop", "As by its power switch", run_node_stop);
  CLI::App* start = add(*node, arguments, "start", "Power it on: it boots", run_node_start);
  for (CLI::App* each : {stop, start}) {
    each->add_option("NODE", arguments->node, "master, worker1 or worker2")->required();
  }
  teach(*node, {.examples = {{"sextant testbed cluster node stop worker1", "as a power cut"}},
                .read_on = kPage});
  teach(*stop, {.examples = {{"sextant testbed cluster node stop worker1", "as a power cut"}},
                .read_on = kPage});
  teach(*start, {.examples = {{"sextant testbed cluster node start worker1", "boots again"}},
                 .read_on = kPage});
  CLI::App* daemon = group.add_subcommand("daemon", "Stop and start one of its programs");
  daemon->require_subcommand(1);
  CLI::App* end = add(*daemon, arguments, "stop", "SIGTERM, and wait", run_daemon_stop);
  CLI::App* begin = add(*daemon, arguments, "start", "Start it again", run_daemon_start);
  for (CLI::App* each : {end, begin}) {
    each->add_option("NODE", arguments->node, "master, worker1 or worker2")->required();
    each->add_option("DAEMON", arguments->daemon, "kube-apiserver, kubelet, ... (see status)")
        ->required();
  }
  teach(*daemon, {.examples = {{"sextant testbed cluster daemon stop master kube-apiserver", ""}},
                  .read_on = kPage});
  teach(*end, {.examples = {{"sextant testbed cluster daemon stop worker1 kubelet", ""}},
               .read_on = kPage});
  teach(*begin, {.examples = {{"sextant testbed cluster daemon start worker1 kubelet", ""}},
                 .read_on = kPage});
}

}  // namespace

void add_cluster_commands(CLI::App& testbed) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* group = testbed.add_subcommand(
      "cluster", "A Kubernetes cluster with Sextant: real API server, kubelets, containerd");
  group->require_subcommand(1);
  teach(*group, {.examples = {{"sextant testbed cluster up", "build it (root)"},
                              {"sextant testbed cluster kubectl -- get pods -A", "look around"},
                              {"sextant testbed cluster down", "remove all of it"}},
                 .read_on = kPage});
  add_up(*group, arguments);
  teach(*add(*group, arguments, "down", "Remove all of it", run_down),
        {.examples = {{"sextant testbed cluster down", "processes, namespaces, cgroups, disks"}},
         .read_on = kPage});
  CLI::App* status = add(*group, arguments, "status", "Show its programs and logs", run_status);
  status->add_option("-o,--output", arguments->output, "table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
  teach(*status, {.examples = {{"sextant testbed cluster status", "what runs, and where it logs"}},
                  .read_on = kPage});
  teach(*add(*group, arguments, "test", "Check that every pod reaches every other", run_test),
        {.examples = {{"sextant testbed cluster test", "pings, a line a check"}},
         .exit_statuses = {{0, "all checks passed"}, {1, "one failed, or it is not up"}},
         .read_on = kPage});
  CLI::App* kubectl = add(*group, arguments, "kubectl",
                          "Run kubectl as administrator: kubectl -- ARGS...", run_kubectl);
  kubectl->add_option("ARGS", arguments->command, "kubectl's arguments, after --")->required();
  teach(*kubectl, {.examples = {{"sextant testbed cluster kubectl -- get nodes -o wide", ""}},
                   .exit_statuses = {{0, "kubectl's own status"}},
                   .read_on = kPage});
  CLI::App* exec = add(*group, arguments, "exec",
                       "Run a command on a machine: exec MACHINE -- COMMAND...", run_exec);
  exec->add_option("MACHINE", arguments->node, "master, worker1, r3, ...")->required();
  exec->add_option("COMMAND", arguments->command, "The command and its arguments, after --")
      ->required();
  teach(*exec, {.examples = {{"sextant testbed cluster exec worker1 -- ip -6 route", "on a node"}},
                .exit_statuses = {{0, "the command's own status"}},
                .read_on = kPage});
  add_power(*group, arguments);
}

}  // namespace sextant::cli
