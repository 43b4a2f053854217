#include "cli/testbed_commands.h"

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <memory>

#include "cli/output.h"
#include "cli/table.h"
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
  std::string output = "table";
  std::string machine;
  std::vector<std::string> command;
};

[[noreturn]] void fail(const Error& error) {
  fmt::print(stderr, "sextant: {}\n", error.message());
  throw CLI::RuntimeError(1);
}

template <typename T>
T value_or_fail(Result<T> result) {
  if (!result) fail(result.error());
  return std::move(*result);
}

Id identify(Kind kind, const Arguments& arguments) {
  if (::geteuid() != 0) {
    fail({.operation = "use",
          .object = "a testbed",
          .cause = "network namespaces need root",
          .hint = "run it as root"});
  }
  return value_or_fail(Id::make(kind, arguments.name));
}

/// Prints each step with the seconds since it was made.
testbed::Progress progress() {
  const auto start = std::chrono::steady_clock::now();
  return [start](std::string_view step) {
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    fmt::print("[{:5.1f} s] {}\n", elapsed.count(), step);
    std::fflush(stdout);
  };
}

void run_up(Kind kind, const Arguments& arguments) {
  const Id id = identify(kind, arguments);
  const testbed::Progress say = progress();
  const auto report = value_or_fail(
      testbed::up(id, {.pods = arguments.pods, .agents = !arguments.no_agent, .progress = say}));
  say(report.was_up ? id.title() + " was up already" : id.title() + " is up");
}

void run_down(Kind kind, const Arguments& arguments) {
  const Id id = identify(kind, arguments);
  const testbed::Progress say = progress();
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
  fmt::print("manifests: {}\n\n", id.manifests().string());
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

void run_exec(Kind kind, const Arguments& arguments) {
  const Id id = identify(kind, arguments);
  const int status = value_or_fail(testbed::run_attached(
      {.arguments = arguments.command, .netns = id.netns(arguments.machine)}));
  if (status != 0) throw CLI::RuntimeError(status);
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
      ->capture_default_str();
  demo->add_option("--picture", arguments->picture, "Where to write the picture (SVG)")
      ->capture_default_str();
  demo->callback([arguments] { run_demo(*arguments); });
}

void add_kind(CLI::App& testbed, Kind kind, const std::string& description) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* group = testbed.add_subcommand(std::string{to_string(kind)}, description);
  group->require_subcommand(1);
  const auto add = [&](const char* verb, const char* text, auto action) {
    CLI::App* command = group->add_subcommand(verb, text);
    command->add_option("--name", arguments->name,
                        "Which of several testbeds: its namespaces are sx-NAME-...");
    command->callback([action, kind, arguments] { action(kind, *arguments); });
    return command;
  };
  CLI::App* up = add("up", "Build it, or repair and keep what is there", run_up);
  up->add_option("--pods", arguments->pods, "Pods on each node (default 2)");
  up->add_flag("--no-agent", arguments->no_agent, "Start no sextantd on the nodes");
  add("test", "Check that everything reaches everything, on the paths that policies choose",
      run_test);
  CLI::App* status = add("status", "Show its machines and addresses", run_status);
  status->add_option("-o,--output", arguments->output, "table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}));
  add("down", "Remove all of it", run_down);
  CLI::App* exec = add("exec", "Run a command inside: exec MACHINE -- COMMAND...", run_exec);
  exec->add_option("MACHINE", arguments->machine, "master, r3, pod-worker1-2, ...")->required();
  exec->add_option("COMMAND", arguments->command, "The command and its arguments, after --")
      ->required();
}

}  // namespace

void add_testbed_commands(CLI::App& app) {
  CLI::App* testbed =
      app.add_subcommand("testbed", "Laboratories of network namespaces on this machine");
  testbed->require_subcommand(1);
  add_kind(*testbed, Kind::kBasic, "Three nodes on one IPv6 link");
  add_kind(*testbed, Kind::kFull, "Three nodes around eight IS-IS routers, with policies");
  add_demo(app);
}

}  // namespace sextant::cli
