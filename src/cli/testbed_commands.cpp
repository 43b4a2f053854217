#include "cli/testbed_commands.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <memory>

#include "cli/cluster_commands.h"
#include "cli/failure.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/plain_words.h"
#include "cli/table.h"
#include "cli/testbed_progress.h"
#include "cli/trace_command.h"
#include "cli/walk.h"
#include "testbed/bgp.h"
#include "testbed/check.h"
#include "testbed/demo.h"
#include "testbed/process.h"
#include "testbed/status.h"
#include "testbed/testbed.h"

namespace sextant::cli {
namespace {

using testbed::Id;
using testbed::Kind;

/// What the command line says; lives as long as the commands' callbacks.
struct Arguments {
  std::string name;
  std::optional<unsigned> pods;
  bool no_agent = false;
  std::string bgp;  // the injector; empty: no BGP
  std::string output = "table";
  std::string machine;
  std::vector<std::string> command;
};

Id identify(Kind kind, const Arguments& arguments) {
  if (::geteuid() != 0) {
    fail({.operation = "use",
          .object = "a testbed",
          .cause = "network namespaces need root",
          .hint = "run it as root"});
  }
  return value_or_fail(Id::make(kind, arguments.name));
}

void run_up(Kind kind, const Arguments& arguments) {
  const Id id = identify(kind, arguments);
  const testbed::Progress say = testbed_progress();
  const auto report = value_or_fail(testbed::up(id, {.pods = arguments.pods,
                                                     .agents = !arguments.no_agent,
                                                     .bgp = testbed::parse_injector(arguments.bgp),
                                                     .progress = say}));
  say(report.was_up ? id.title() + " was up already" : id.title() + " is up");
}

void run_down(Kind kind, const Arguments& arguments) {
  const Id id = identify(kind, arguments);
  const testbed::Progress say = testbed_progress();
  const auto report = value_or_fail(testbed::down(id, say));
  const bool nothing = report.processes == 0 && report.namespaces == 0;
  say(nothing ? id.title() + " was not up" : id.title() + " is down");
}

void run_status(Kind kind, const Arguments& arguments) {
  const Id id = identify(kind, arguments);
  const auto status = value_or_fail(testbed::status(id));
  if (arguments.output != "table") {
    const auto object = testbed::to_json(id, status);
    fmt::print("{}", arguments.output == "json" ? indented_json(object) : yaml(object));
    return;
  }
  fmt::print("{}: {}\n", id.title(), status.state);
  if (status.state == "down") return;
  fmt::print("{}: {}\n\n", status.bgp ? "BGP and manifests" : "manifests",
             testbed::configuration(id, status).string());
  Table table({"NAME", "ROLE", "NAMESPACE", "AT", "ADDRESSES", "STATE"});
  for (const testbed::MachineStatus& machine : status.machines) {
    std::string state = machine.present ? "up" : "missing";
    if (machine.present && !machine.stopped.empty()) {
      state = fmt::format("stopped: {}", fmt::join(machine.stopped, ", "));
    }
    table.add(
        {machine.name, machine.role, machine.netns,
         machine.attached_to.empty() ? "-" : machine.attached_to,
         machine.addresses.empty() ? "-" : fmt::format("{}", fmt::join(machine.addresses, ",")),
         state});
  }
  fmt::print("{}", table.to_string());
}

void run_test(Kind kind, const Arguments& arguments) {
  const Id id = identify(kind, arguments);
  const auto checks = value_or_fail(testbed::check(id));
  Table table({"CHECK", "FROM", "TO", "FAMILY", "RESULT", "DETAIL"});
  std::size_t failed = 0;
  for (const testbed::Check& check : checks) {
    table.add({check.what, check.from, check.to, std::string{to_string(check.family)},
               check.passed ? "ok" : "FAILED", check.detail});
    if (!check.passed) ++failed;
  }
  fmt::print("{}", table.to_string());
  fmt::print("\n{}: {} of {} checks passed\n", id.title(), checks.size() - failed, checks.size());
  if (failed > 0 || checks.empty()) throw CLI::RuntimeError(1);
}

/// Says which machines there are where `machine` is none of them.
void require_machine(const Id& id, const std::string& machine) {
  const auto status = value_or_fail(testbed::status(id));
  if (status.state == "down") {
    fail({.operation = "run a command in the " + id.title(),
          .object = machine,
          .cause = "the testbed is not up",
          .hint = id.command("up")});
  }
  std::vector<std::string> names;
  for (const auto& each : status.machines) {
    if (each.name == machine) {
      if (each.present) return;
      fail({.operation = "run a command in the " + id.title(),
            .object = machine,
            .cause = "its network namespace " + each.netns + " is missing",
            .hint = id.command("up") + " repairs it"});
    }
    names.push_back(each.name);
  }
  const auto near = suggestions(machine, names);
  fail({.operation = "run a command in the " + id.title(),
        .object = machine,
        .cause = "it has no such machine",
        .hint = near.empty() ? "there are: " + fmt::format("{}", fmt::join(names, " "))
                             : "did you mean " + fmt::format("{}", fmt::join(near, " or ")) + "?"});
}

void run_exec(Kind kind, const Arguments& arguments) {
  const Id id = identify(kind, arguments);
  require_machine(id, arguments.machine);
  const int status = value_or_fail(testbed::run_attached(
      {.arguments = plain_words(arguments.command), .netns = id.netns(arguments.machine)}));
  if (status != 0) throw CLI::RuntimeError(status);
}

std::vector<PodName> pods_of(const testbed::Status& status) {
  std::vector<PodName> pods;
  for (const auto& machine : status.machines) {
    if (machine.role != "pod") continue;
    PodName pod{.name = machine.name, .addresses = {}};
    for (const auto& address : machine.addresses) {
      if (const auto parsed = IpAddress::parse(address)) pod.addresses.push_back(*parsed);
    }
    pods.push_back(std::move(pod));
  }
  return pods;
}

/// Every node's agent and namespace: each direction is probed from its own headend.
void run_testbed_trace(Kind kind, const Arguments& arguments,
                       const std::shared_ptr<TraceArguments>& trace) {
  const Id id = identify(kind, arguments);
  const auto status = value_or_fail(testbed::status(id));
  if (status.state == "down") {
    fail({.operation = "trace in",
          .object = "the " + id.title(),
          .cause = "it is not up",
          .hint = id.command("up")});
  }
  std::vector<TraceSite> sites;
  for (const auto& node : testbed::topology(kind).nodes) {
    sites.push_back(
        {.node = node.name, .socket = id.socket(node.name).string(), .netns = id.netns(node.name)});
  }
  trace->request.pods = pods_of(status);
  run_trace_command(*trace, std::move(sites));
}

struct DemoArguments {
  std::string name = "demo";
  std::string picture = "out/demo.svg";
};

void run_demo(const DemoArguments& arguments) {
  identify(Kind::kFull, {});
  const auto done = testbed::run_demo(
      {.name = arguments.name, .picture = arguments.picture, .print = [](std::string_view line) {
         fmt::print("{}\n", line);
         std::fflush(stdout);
       }});
  if (done) {
    fmt::print("\ndemo: passed\n");
    return;
  }
  std::fflush(stdout);
  fmt::print(stderr, "\ndemo: failed: {}\n", done.error().message());
  throw CLI::RuntimeError(1);
}

void add_demo(CLI::App& app) {
  const auto arguments = std::make_shared<DemoArguments>();
  CLI::App* demo = app.add_subcommand(
      "demo", "Show the overlay at work: move traffic between pods to another path, and prove it");
  demo->add_option("--name", arguments->name, "The demo's testbed: its namespaces are sx-NAME-...")
      ->type_name("NAME")
      ->capture_default_str();
  demo->add_option("--picture", arguments->picture, "Where to write the picture (SVG)")
      ->type_name("FILE")
      ->capture_default_str();
  teach(*demo,
        {.examples = {{"sextant demo", "about a minute; proves each path on the wire (root)"}},
         .exit_statuses = {{0, "shown and proved"}, {1, "a step failed; it says which"}},
         .read_on = {"docs/walkthrough-full.md    the same by hand"}});
  demo->callback([arguments] { run_demo(*arguments); });
}

void add_kind(CLI::App& testbed, Kind kind, const std::string& description) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* group = testbed.add_subcommand(std::string{to_string(kind)}, description);
  group->require_subcommand(1);
  const auto add = [&](const char* verb, const char* text, auto action) {
    CLI::App* command = group->add_subcommand(verb, text);
    command
        ->add_option("--name", arguments->name,
                     "Which of several testbeds: its namespaces are sx-NAME-...")
        ->type_name("NAME");
    command->callback([action, kind, arguments] { action(kind, *arguments); });
    return command;
  };
  const std::string self = "sextant testbed " + std::string{to_string(kind)};
  const std::string document =
      kind == Kind::kBasic ? "docs/walkthrough-basic.md" : "docs/walkthrough-full.md";
  teach(*group, {.examples = {{self + " up", "build it (root)"},
                              {self + " test", "does everything reach everything"},
                              {self + " down", "remove all of it"}},
                 .read_on = {document}});
  CLI::App* up = add("up", "Build it, or repair and keep what is there", run_up);
  up->add_option("--pods", arguments->pods, "Pods on each node (default 2)")->type_name("N");
  up->add_flag("--no-agent", arguments->no_agent, "Start no sextantd on the nodes");
  std::vector<Example> examples{{self + " up", "two pods a node"},
                                {self + " up --name lab2 --pods 1", "a second one beside it"}};
  if (kind == Kind::kFull) {
    up->add_option(
          "--bgp", arguments->bgp,
          "Nodes know each other over BGP alone; sextantd, gobgpd or none injects policies")
        ->type_name("INJECTOR")
        ->check(CLI::IsMember({"sextantd", "gobgpd", "none"}));
    examples.push_back({self + " up --bgp sextantd", "no policy objects; sextant pi injects them"});
  }
  std::vector<std::string> read_on{document};
  if (kind == Kind::kFull) read_on.emplace_back("docs/walkthrough-bgp.md    --bgp");
  teach(*up, {.examples = std::move(examples), .read_on = std::move(read_on)});
  CLI::App* test =
      add("test", "Check that everything reaches everything, on the paths that policies choose",
          run_test);
  teach(*test, {.examples = {{self + " test", "pings and paths, a line a check"}},
                .exit_statuses = {{0, "all checks passed"}, {1, "one failed, or it is not up"}},
                .read_on = {document}});
  CLI::App* status = add("status", "Show its machines and addresses", run_status);
  status->add_option("-o,--output", arguments->output, "table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
  teach(*status, {.examples = {{self + " status", "machines, namespaces, addresses"},
                               {self + " status -o json", "with sockets and manifests"}},
                  .read_on = {document}});
  CLI::App* down = add("down", "Remove all of it", run_down);
  teach(*down, {.examples = {{self + " down", "ends its processes, removes its namespaces"}},
                .read_on = {document}});
  const auto tracing = std::make_shared<TraceArguments>();
  CLI::App* trace =
      add("trace", "The path between two pods, hop by hop: trace FROM TO",
          [tracing](Kind of, const Arguments& given) { run_testbed_trace(of, given, tracing); });
  add_trace_options(*trace, tracing);
  teach(*trace,
        {.examples = {{self + " trace pod-master-1 pod-worker2-1", "both directions"},
                      {self + " trace --family 6 --all pod-master-1 pod-worker2-1", "all lists"}},
         .exit_statuses = {{0, "every traced list led to its end"},
                           {1, "packets are lost, or nothing could be traced"}},
         .read_on = {"docs/trace.md    what is probed, and how to read it"}});
  CLI::App* exec = add("exec", "Run a command inside: exec MACHINE -- COMMAND...", run_exec);
  const std::string pod_address = kind == Kind::kBasic ? "172.16.1.2" : "172.16.2.2";
  teach(*exec,
        {.examples = {{self + " exec pod-master-1 -- ping -c 3 " + pod_address, "from a pod"},
                      {self + " exec worker1 -- ip -6 route", "on a node"}},
         .exit_statuses = {{0, "the command's own status"},
                           {1, "the command's own, or there is no such machine"}},
         .read_on = {document}});
  exec->add_option("MACHINE", arguments->machine, "master, r3, pod-worker1-2, ...")->required();
  exec->add_option("COMMAND", arguments->command, "The command and its arguments, after --")
      ->required();
}

}  // namespace

void add_testbed_commands(CLI::App& app) {
  CLI::App* testbed =
      app.add_subcommand("testbed", "Laboratories of network namespaces on this machine");
  testbed->require_subcommand(1);
  teach(*testbed, {.examples = {{"sextant testbed basic up", "three nodes on one link (root)"},
                                {"sextant testbed full up", "eight routers, policies"}},
                   .read_on = {"docs/walkthrough-basic.md, docs/walkthrough-full.md"}});
  add_kind(*testbed, Kind::kBasic, "Three nodes on one IPv6 link");
  add_kind(*testbed, Kind::kFull, "Three nodes around eight IS-IS routers, with policies");
  add_cluster_commands(*testbed);
  add_demo(app);
}

}  // namespace sextant::cli
