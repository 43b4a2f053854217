// uninstall: removes everything of Sextant from this node, or says what it would remove.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/help.h"
#include "cli/place_options.h"
#include "cli/table.h"
#include "footprint/uninstall.h"

namespace sextant::cli {
namespace {

struct Options {
  footprint::UninstallOptions uninstall;
  PlaceOptions places;
  std::string manifests;
  bool dry_run = false;
};

void print_error(const Error& error) { fmt::print(stderr, "sextant: {}\n", error.message()); }

std::string table_of(const std::vector<footprint::Item>& items) {
  Table table({"WHAT", "NAME", "DETAIL"});
  for (const auto& item : items)
    table.add({std::string(to_string(item.kind)), item.name, item.detail});
  return table.to_string();
}

void show(const footprint::UninstallOptions& options) {
  const auto found = value_or_fail(footprint::take_inventory(options.places));
  const auto items = footprint::removable(found, options.purge);
  if (items.empty() && !found.agent) {
    fmt::print("Nothing of Sextant is on this node.\n");
    return;
  }
  fmt::print("Would remove:\n{}", table_of(items));
  for (const auto& objection : footprint::objections(found))
    fmt::print("{}: {}: {}; {}\n", options.force ? "with --force, although" : "would refuse",
               objection.object, objection.cause, objection.hint);
}

void run(Options& options) {
  auto& places = options.uninstall.places;
  take_places(options.places, places);
  if (!options.manifests.empty()) places.manifests = options.manifests;
  if (options.dry_run) return show(options.uninstall);

  const auto report = value_or_fail(footprint::uninstall(options.uninstall));
  if (!report.removed.empty()) fmt::print("Removed:\n{}", table_of(report.removed));
  if (report.clean()) {
    fmt::print("Nothing of Sextant is on this node{}.\n",
               report.removed.empty() ? "" : " any more");
    return;
  }
  std::fflush(stdout);
  for (const auto& error : report.errors) print_error(error);
  fmt::print(stderr, "Still there:\n{}", table_of(report.remaining));
  throw CLI::RuntimeError(1);
}

}  // namespace

void add_uninstall_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "uninstall", "Remove everything of Sextant from this node, also what is half installed");
  auto options = std::make_shared<Options>();
  command->add_flag("--dry-run", options->dry_run, "Only say what would go");
  command->add_flag("--force", options->uninstall.force,
                    "End a running agent, and take the network from pods that are attached");
  command->add_flag("--purge", options->uninstall.purge, "Remove the manifests too");
  add_place_options(*command, options->places);
  command
      ->add_option("--manifests", options->manifests,
                   "The agent's folder, for --purge (default /etc/sextant/manifests)")
      ->type_name("DIR");
  command->callback([options] { run(*options); });
  teach(*command,
        {.examples = {{"sextant uninstall --dry-run", "what is there, and what would go"},
                      {"sextant uninstall", "refuses while the agent runs or pods are attached"},
                      {"sextant uninstall --force", "ends the agent, cuts off the pods"}},
         .exit_statuses = {{0, "nothing of Sextant is left"},
                           {1, "refused, or something remains: it says what and why"}},
         .read_on = {"docs/reference-cli.md    what is removed, and what stays",
                     "sextantd --remove        the forwarding alone"}});
}

}  // namespace sextant::cli
