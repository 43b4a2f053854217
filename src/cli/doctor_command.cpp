// doctor: what is wrong with this node, its underlay and its peers, and what to do.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <boost/json/value.hpp>
#include <memory>

#include "cli/commands.h"
#include "cli/doctor_report.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/place_options.h"
#include "doctor/doctor.h"

namespace sextant::cli {
namespace {

struct Options {
  PlaceOptions places;
  std::string output = "table";
  std::vector<std::string> peers;
  bool no_probes = false;
  bool problems_only = false;
};

void run(const Options& options) {
  doctor::Options wanted{.peers = options.peers, .probes = !options.no_probes};
  take_places(options.places, wanted.places);
  const auto findings = doctor::examine(wanted);
  if (options.output == "json") {
    fmt::print("{}", indented_json(doctor_json(findings)));
  } else if (options.output == "yaml") {
    fmt::print("{}", yaml(doctor_json(findings)));
  } else {
    fmt::print("{}", doctor_text(findings, options.problems_only));
  }
  if (worst(findings) == doctor::Verdict::kFail) throw CLI::RuntimeError(1);
}

}  // namespace

void add_doctor_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "doctor", "Check this node, its underlay and its peers, and say what to do");
  auto options = std::make_shared<Options>();
  command->add_option("-o,--output", options->output, "How to print: table, json or yaml")
      ->check(CLI::IsMember({"table", "json", "yaml"}))
      ->capture_default_str();
  command->add_option("--peer", options->peers, "Probe this node only; may be repeated")
      ->type_name("NODE")
      ->allow_extra_args(false);
  command->add_flag("--no-probes", options->no_probes, "Send no packet: look at this node only");
  command->add_flag("-q,--quiet", options->problems_only, "Leave out what is well (table only)");
  add_place_options(*command, options->places);
  command->callback([options] { run(*options); });
  teach(*command,
        {.examples = {{"sextant doctor", "everything; takes a few seconds and changes nothing"},
                      {"sextant doctor -q", "only what is wrong"},
                      {"sextant doctor --peer worker2", "can that node be reached, and how big"},
                      {"sextant doctor -o json | jq '.findings[] | select(.verdict == \"fail\")'",
                       "for a script"}},
         .exit_statuses = {{0, "no check failed (there may be warnings)"},
                           {1, "a check failed: pods are without network, or will be"}},
         .read_on = {"docs/doctor.md    each check: what it looks at, why, what to do",
                     "sextant trace     the way of one flow, hop by hop"}});
}

}  // namespace sextant::cli
