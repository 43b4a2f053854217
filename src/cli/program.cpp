#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "agent/help_format.h"
#include "base/version.h"
#include "cli/cni_command.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/plain_words.h"
#include "cli/testbed_commands.h"
#include "cli/trace_command.h"
#include "cli/walk.h"

namespace sextant::cli {
namespace {

constexpr int kWrongCommandLine = 2;

/// "sextant testbed" for the help of `sextant testbed full`, which adds its own name.
std::string parent_of(const std::string& path) {
  const auto blank = path.rfind(' ');
  return blank == std::string::npos ? "" : path.substr(0, blank);
}

int unknown_command(const Position& at) {
  std::vector<std::string> names;
  for (const auto* command : visible_commands(*at.command)) names.push_back(command->get_name());
  std::cerr << at.path << ": ";
  if (names.empty()) {
    std::cerr << "takes no argument '" << *at.unknown << "'\n";
  } else {
    std::cerr << "there is no command '" << *at.unknown << "'\n";
    const auto near = suggestions(*at.unknown, names);
    for (const auto& name : near) std::cerr << "  did you mean: " << at.path << ' ' << name << '\n';
    if (near.empty()) {
      std::cerr << "  commands:";
      for (const auto& name : names) std::cerr << ' ' << name;
      std::cerr << '\n';
    }
  }
  std::cerr << "  see: " << at.path << " --help\n";
  return kWrongCommandLine;
}

}  // namespace

void DeleteApp::operator()(CLI::App* app) const { delete app; }

Program make_program() {
  Program app(new CLI::App(
      "Sextant gives Kubernetes an SRv6 overlay network.\n"
      "The agent of a node, sextantd, does the work. These commands show what it knows and does, "
      "find out what is wrong,\nand build laboratories of network namespaces to try things in.\n",
      "sextant"));
  app->formatter(std::make_shared<agent::HelpFormat>());
  app->set_version_flag("--version", "sextant " + std::string(sextant::version()));
  app->require_subcommand(1);
  app->fallthrough(false);
  add_agent_commands(*app);
  add_bgp_commands(*app);
  add_pi_commands(*app);
  add_doctor_command(*app);
  add_trace_command(*app);
  add_prepare_command(*app);
  add_cni_commands(*app);
  add_uninstall_command(*app);
  add_testbed_commands(*app);
  add_shell_commands(*app);
  teach(*app, {.examples = {{"sextant status", "is this node healthy, and if not, why"},
                            {"sextant doctor", "what is wrong with it, its underlay, its peers"},
                            {"sextant policies", "which paths are active, and which are not"},
                            {"sextant trace 172.16.0.2 172.16.1.3", "the path, hop by hop"},
                            {"sextant demo", "see the overlay at work on this machine"},
                            {"sextant status --help", "what a command does, with examples"}},
               .read_on = {"sextant man sextant | man -l -    the manual page",
                           "docs/reference-cli.md             every command and option",
                           "docs/walkthrough-basic.md         three nodes, step by step"}});
  return app;
}

int run(int argc, const char* const* argv) {
  const auto app = make_program();
  const auto at = walk(*app, {argv + (argc > 0 ? 1 : 0), argv + argc});
  const bool is_group = at.command->get_require_subcommand_min() > 0;
  if (at.unknown_option && is_group && !at.wants_help) {
    std::cerr << at.path << ": there is no option '" << *at.unknown_option
              << "' here\n  see: " << at.path << " --help\n";
    return kWrongCommandLine;
  }
  if (at.unknown && !at.wants_help) return unknown_command(at);
  if (is_group && !at.wants_help) {
    std::cerr << at.command->help(parent_of(at.path));
    return kWrongCommandLine;
  }
  try {
    auto words = quote_words(argc, argv);
    if (!words.empty()) words.erase(words.begin());
    std::ranges::reverse(words);  // as CLI11 wants a vector
    app->parse(std::move(words));
  } catch (const CLI::RuntimeError& done) {
    return done.get_exit_code();
  } catch (const CLI::Success& asked) {  // --help, --version
    return app->exit(asked);
  } catch (const CLI::ParseError& wrong) {
    std::cerr << at.path << ": " << wrong.what() << "\n  see: " << at.path << " --help\n";
    return kWrongCommandLine;
  }
  return 0;
}

}  // namespace sextant::cli
