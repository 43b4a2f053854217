// pi: the policy injector. What each subcommand does is in pi_actions.h.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/help.h"
#include "cli/pi_actions.h"
#include "cli/pi_target.h"

namespace sextant::cli {
namespace {

using Files = std::shared_ptr<std::vector<std::string>>;
using Text = std::shared_ptr<std::string>;

Files add_files(CLI::App& command, const char* description) {
  auto files = std::make_shared<std::vector<std::string>>();
  command.add_option("-f,--policyFile", *files, description)
      ->type_name("FILE")
      ->allow_extra_args(false);
  return files;
}

Text add_output(CLI::App& command) {
  auto output = std::make_shared<std::string>("table");
  command.add_option("-o,--output", *output, "How to print: table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
  return output;
}

Text add_name(CLI::App& command, const char* description) {
  auto name = std::make_shared<std::string>();
  command.add_option("POLICY", *name, description);
  return name;
}

void teach_command(CLI::App& command, std::vector<Example> examples,
                   std::vector<ExitStatus> statuses = {
                       {0, "done"}, {1, "failed; standard error says what, why, and what to do"}}) {
  teach(command, {.examples = std::move(examples),
                  .exit_statuses = std::move(statuses),
                  .read_on = {"docs/reference-injector.md    files, settings, columns, the API"}});
}

constexpr auto kFiles =
    "A file or folder of policies (SRv6-PI's files, InjectedPolicy, SRv6Policy), - for standard "
    "input; may be repeated";
constexpr auto kName = "A policy's name, or COLOR,ENDPOINT[,DISTINGUISHER]";

void add_create(CLI::App& group) {
  auto* command = group.add_subcommand("create", "Announce the policies of files, beside others");
  const auto files = add_files(*command, kFiles);
  command->get_option("-f")->required();
  const auto target = add_target_options(*command);
  command->callback([files, target] { pi_create(*connect(*target), *files); });
  teach_command(*command,
                {{"sextant pi create -f policy1.yaml", "announce it, or what has changed of it"},
                 {"sextant pi create -u 192.168.9.254 -p 50051 --policyFile policy1.yaml",
                  "through a GoBGP daemon"}});
}

void add_list(CLI::App& group) {
  auto* command =
      group.add_subcommand("list", "The announced policies: to whom sent, and who took them");
  const auto output = add_output(*command);
  const auto target = add_target_options(*command);
  command->callback([output, target] { pi_list(*connect(*target), *output); });
  teach_command(*command,
                {{"sextant pi list", "a policy a line; who has not accepted it, and why"},
                 {"sextant pi list -o yaml > all.yaml", "for `sextant pi replace`"},
                 {"sextant pi list -u 192.168.9.254 -p 50051", "those of a GoBGP daemon"}});
}

void add_show(CLI::App& group) {
  auto* command = group.add_subcommand("show", "A policy with all that is known of it");
  const auto name = add_name(*command, kName);
  command->get_option("POLICY")->required();
  const auto output = add_output(*command);
  const auto target = add_target_options(*command);
  command->callback([=] { pi_show(*connect(*target), *name, *output); });
  teach_command(*command, {{"sextant pi show gold", "segments, peers, headends"},
                           {"sextant pi show 94,fd12::1000 -o yaml", "as a file"}});
}

void add_edit(CLI::App& group) {
  auto* command = group.add_subcommand(
      "edit", "Change an announced policy in an editor, or by a file ($VISUAL, $EDITOR, vi)");
  const auto name = add_name(*command, kName);
  const auto files = add_files(
      *command, "A file whose policies take the place of announced ones; may be repeated");
  const auto target = add_target_options(*command);
  command->callback([=] {
    if (name->empty() == files->empty())
      throw CLI::ValidationError("edit", "needs either POLICY or -f FILE");
    if (files->empty())
      pi_edit(*connect(*target), *name);
    else
      pi_edit_from(*connect(*target), *files);
  });
  teach_command(*command, {{"sextant pi edit gold", "as kubectl edit; mistakes open it again"},
                           {"sextant pi edit -f policy1.yaml",
                            "the file's form in place of what "
                            "is announced"}});
}

void add_delete(CLI::App& group) {
  auto* command = group.add_subcommand("delete", "Withdraw policies");
  const auto deletion = std::make_shared<PiDeletion>();
  command->add_option("POLICY", deletion->names, kName)->expected(0, -1);
  command
      ->add_option("-f,--policyFile", deletion->files,
                   "The policies of this file or folder; may be repeated")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_flag("--all", deletion->all, "All that are announced");
  const auto target = add_target_options(*command);
  command->callback([deletion, target] {
    if (deletion->names.empty() && deletion->files.empty() && !deletion->all)
      throw CLI::ValidationError("delete", "needs POLICY, -f FILE or --all");
    pi_delete(*connect(*target), *deletion);
  });
  teach_command(*command,
                {{"sextant pi delete gold", "all its candidate paths"},
                 {"sextant pi delete 94,fd12::1000,4", "one of them"},
                 {"sextant pi delete --all", "nothing is announced any more"}},
                {{0, "withdrawn"}, {1, "failed, or one of them is not there: then none goes"}});
}

void add_replace(CLI::App& group) {
  auto* command = group.add_subcommand(
      "replace", "Make the announced policies those of files, in one step: no others remain");
  const auto files = add_files(*command, kFiles);
  command->get_option("-f")->required();
  const auto dry_run = std::make_shared<bool>(false);
  command->add_flag("--dry-run", *dry_run, "Only say what would be added, changed and removed");
  const auto target = add_target_options(*command);
  command->callback([=] { pi_replace(*connect(*target), *files, *dry_run); });
  teach_command(*command, {{"sextant pi replace -f policies/ --dry-run", "what would happen"},
                           {"sextant pi replace -f policies/", "for a folder under git"}});
}

void add_watch(CLI::App& group) {
  auto* command = group.add_subcommand(
      "watch", "What there is, then each change: of policies, of sessions, of headends");
  const auto output = add_output(*command);
  const auto target = add_target_options(*command);
  command->callback([output, target] { pi_watch(*connect(*target), *output); });
  teach_command(*command,
                {{"sextant pi watch", "until Ctrl-C"},
                 {"sextant pi watch -o json", "an event a line, for programs"}},
                {{1, "the injector cannot be reached, or has ended"}});
}

}  // namespace

void add_pi_commands(CLI::App& app) {
  auto* group =
      app.add_subcommand("pi", "The policy injector: SR Policies announced to nodes over BGP");
  group->require_subcommand(1);
  add_create(*group);
  add_list(*group);
  add_show(*group);
  add_edit(*group);
  add_delete(*group);
  add_replace(*group);
  add_watch(*group);
  teach(*group, {.examples = {{"sextant pi create -f policy1.yaml", "announce a policy"},
                              {"sextant pi list", "what is announced, and who took it"},
                              {"sextant pi replace -f policies/", "exactly these"}},
                 .read_on = {"docs/reference-injector.md"}});
}

}  // namespace sextant::cli
