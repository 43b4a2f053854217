// completion, man, help, and the hidden __complete that the shells' scripts ask.
#include <CLI/CLI.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>

#include "agent/defaults.h"
#include "agent/http_client.h"
#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/completion_scripts.h"
#include "cli/help.h"
#include "cli/man_pages.h"
#include "cli/program.h"
#include "injector/report_json.h"
#include "testbed/status.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;

// A shell waits for the answer at each TAB.
constexpr std::chrono::milliseconds kPatience{400};

using Typed = std::function<std::string(const char*)>;

std::vector<Candidate> node_names(const Typed& typed) {
  std::string socket = typed("--socket");
  if (const char* environment = std::getenv("SEXTANT_SOCKET"); socket.empty() && environment)
    socket = environment;
  if (socket.empty()) socket = agent::kDefaultSocket;
  const auto reply = agent::http_get(socket, "/v1/nodes", kPatience);
  if (!reply || reply->status != 200) return {};
  json::error_code error;
  const auto answer = json::parse(reply->body, error);
  if (error || !answer.is_object()) return {};
  std::vector<Candidate> names;
  const auto* items = answer.get_object().if_contains("items");
  if (items == nullptr || !items->is_array()) return {};
  for (const auto& item : items->get_array()) {
    const auto* node = item.if_object();
    const auto* name = node == nullptr ? nullptr : node->if_contains("name");
    const auto* role = node == nullptr ? nullptr : node->if_contains("role");
    if (name == nullptr || !name->is_string()) continue;
    names.push_back({std::string(name->get_string()),
                     role != nullptr && role->is_string() ? std::string(role->get_string()) : ""});
  }
  return names;
}

std::vector<Candidate> machine_names(const std::string& command, const Typed& typed) {
  const auto kind =
      command.find(" basic ") != std::string::npos ? testbed::Kind::kBasic : testbed::Kind::kFull;
  const auto id = testbed::Id::make(kind, typed("--name"));
  if (!id) return {};
  const auto status = testbed::status(*id);
  if (!status) return {};
  std::vector<Candidate> names;
  for (const auto& machine : status->machines) names.push_back({machine.name, machine.role});
  return names;
}

std::vector<Candidate> policy_names(const Typed& typed) {
  if (!typed("--host").empty()) return {};
  std::string socket = typed("--socket");
  if (const char* environment = std::getenv("SEXTANT_INJECTOR_SOCKET");
      socket.empty() && environment)
    socket = environment;
  if (socket.empty()) socket = agent::kDefaultInjectorSocket;
  const auto reply = agent::http_call(socket, {.target = "/v1/policies"}, kPatience);
  if (!reply || reply->status != 200) return {};
  const auto reports = injector::read_reports(reply->body);
  std::vector<Candidate> names;
  if (!reports) return names;
  for (const auto& report : *reports) {
    Candidate name{report.policy.title(), injector::to_string(report.policy.key)};
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  return names;
}

std::vector<Candidate> running_names(const std::string& kind, const std::string& command,
                                     const Typed& typed) {
  if (kind.starts_with("NODE")) return node_names(typed);
  if (kind == "POLICY") return policy_names(typed);
  if (kind == "MACHINE") return machine_names(command, typed);
  if (kind == "FROM" || kind == "TO") {  // of a trace
    if (command.find(" testbed ") == std::string::npos) return node_names(typed);
    auto names = machine_names(command, typed);
    std::erase_if(names, [](const Candidate& name) {
      return name.description != "pod" && name.description != "node";
    });
    return names;
  }
  return {};
}

std::string printable(std::string text) {
  for (auto& byte : text)
    if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) byte = ' ';
  return text;
}

void answer_shell(const std::vector<std::string>& words) {
  const auto done = complete(*make_program(), words, running_names);
  for (const auto& candidate : done.candidates)
    std::cout << printable(candidate.value) << '\t' << printable(candidate.description) << '\n';
  if (done.files == Files::kFiles) std::cout << ":files\n";
  if (done.files == Files::kDirectories) std::cout << ":directories\n";
}

void add_completion(CLI::App& app) {
  auto* command = app.add_subcommand(
      "completion", "Print the script that makes a shell complete sextant's command lines");
  auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash or zsh")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh"}));
  command->callback(
      [shell] { std::cout << (*shell == "bash" ? kBashCompletion : kZshCompletion); });
  teach(*command,
        {.examples = {{"source <(sextant completion bash)", "in this shell"},
                      {"sextant completion bash > /etc/bash_completion.d/sextant", "for everybody"},
                      {"sextant completion zsh > /usr/local/share/zsh/site-functions/_sextant",
                       "zsh"}},
         .read_on = {"docs/reference-cli.md"}});

  auto* asked = app.add_subcommand("__complete", "What the scripts of `completion` ask");
  asked->group("");  // not in the help
  auto words = std::make_shared<std::vector<std::string>>();
  asked->add_option("WORDS", *words, "The line so far, after --");
  asked->callback([words] { answer_shell(*words); });
}

void add_man(CLI::App& app) {
  auto* command = app.add_subcommand("man", "Print a manual page");
  auto page = std::make_shared<std::string>("sextant");
  command->add_option("PAGE", *page, "sextant, sextantd or sextant-cni")
      ->check(CLI::IsMember({"sextant", "sextantd", "sextant-cni"}))
      ->capture_default_str();
  command->callback([page] { std::cout << manual(*page); });
  teach(*command,
        {.examples = {{"sextant man sextantd | man -l -", "read it"},
                      {"sextant man > /usr/local/share/man/man1/sextant.1", "install it"}},
         .read_on = {"docs/reference-cli.md"}});
}

void add_help(CLI::App& app) {
  auto* command = app.add_subcommand("help", "Say what a command does: the same as COMMAND --help");
  auto words = std::make_shared<std::vector<std::string>>();
  command->add_option("COMMAND", *words, "The command's words: testbed full up");
  command->callback([words] {
    std::vector<const char*> line{"sextant"};
    for (const auto& word : *words) line.push_back(word.c_str());
    line.push_back("--help");
    throw CLI::RuntimeError(run(static_cast<int>(line.size()), line.data()));
  });
  teach(*command, {.examples = {{"sextant help testbed full exec", ""}},
                   .exit_statuses = {{0, "shown"}},
                   .read_on = {"docs/reference-cli.md"}});
}

}  // namespace

void add_shell_commands(CLI::App& app) {
  add_completion(app);
  add_man(app);
  add_help(app);
}

}  // namespace sextant::cli
