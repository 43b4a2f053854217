#include "cli/pi_actions.h"

#include <fmt/core.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include "cli/failure.h"
#include "cli/output.h"
#include "cli/pi_edit.h"
#include "cli/pi_selection.h"
#include "cli/pi_tables.h"
#include "injector/policy_files.h"
#include "injector/report_json.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;
using injector::Backend;
using injector::InjectedPolicy;
using injector::PolicyKey;
using injector::PolicyReport;
using injector::PolicySet;

/// With a line for each warning on standard error.
PolicySet load(const std::vector<std::string>& files) {
  auto set = value_or_fail(injector::load_policies(files));
  for (const auto& finding : set.findings) std::cerr << "warning: " << finding.text() << '\n';
  return set;
}

std::vector<InjectedPolicy> policies_of(const std::vector<PolicyReport>& reports) {
  std::vector<InjectedPolicy> policies;
  for (const auto& report : reports) policies.push_back(report.policy);
  return policies;
}

/// Those of `present` whose keys `wanted` has.
std::vector<InjectedPolicy> same_keys(const std::vector<PolicyReport>& present,
                                      const std::vector<InjectedPolicy>& wanted) {
  std::set<PolicyKey> keys;
  for (const auto& policy : wanted) keys.insert(policy.key);
  std::vector<InjectedPolicy> found;
  for (const auto& report : present)
    if (keys.contains(report.policy.key)) found.push_back(report.policy);
  return found;
}

void tell(const char* what, const std::vector<InjectedPolicy>& policies) {
  for (const auto& policy : policies) std::cout << what << ' ' << full_title(policy) << '\n';
}

void flush() {
  if (!std::cout.flush()) fail({.operation = "write to", .object = "standard output"});
}

/// Announces and withdraws, in this order, and says so.
void apply(Backend& backend, const injector::Difference& change) {
  if (const auto announcements = change.announcements(); !announcements.empty())
    value_or_fail(backend.announce(announcements));
  if (!change.removed.empty()) value_or_fail(backend.withdraw(change.withdrawals()));
  tell("created", change.added);
  tell("changed", change.changed);
  tell("deleted", change.removed);
}

void print(const json::value& value, const std::string& output) {
  std::cout << (output == "json" ? indented_json(value) : yaml(value));
}

json::value items(const std::vector<PolicyReport>& reports) {
  json::array array;
  for (const auto& report : reports) array.push_back(to_json(report));
  return json::object{{"items", std::move(array)}};
}

}  // namespace

void pi_create(Backend& backend, const std::vector<std::string>& files) {
  const auto set = load(files);
  if (set.policies.empty())
    fail({.operation = "create policies from", .object = files.front(), .cause = "there are none"});
  const auto wanted = set.wanted();
  const auto present = value_or_fail(backend.list());
  auto change = injector::difference(same_keys(present, wanted), wanted);
  const auto unwanted = set.unwanted();
  for (const auto& report : present)
    if (std::ranges::find(unwanted, report.policy.key) != unwanted.end())
      change.removed.push_back(report.policy);
  apply(backend, change);
  if (change.empty()) std::cout << "unchanged: all of it is announced already\n";
  flush();
}

void pi_list(Backend& backend, const std::string& output) {
  const auto reports = value_or_fail(backend.list());
  if (output == "table")
    std::cout << pi_table(reports);
  else
    print(items(reports), output);
  flush();
}

void pi_show(Backend& backend, const std::string& name, const std::string& output) {
  const auto reports = value_or_fail(select_policies(value_or_fail(backend.list()), name));
  if (output != "table") {
    print(reports.size() == 1 ? json::value(to_json(reports.front())) : items(reports), output);
  } else {
    for (std::size_t i = 0; i < reports.size(); ++i)
      std::cout << (i > 0 ? "\n" : "") << pi_details(reports[i]);
  }
  flush();
}

void pi_edit(Backend& backend, const std::string& name) {
  const auto before =
      policies_of(value_or_fail(select_policies(value_or_fail(backend.list()), name)));
  const auto edited = value_or_fail(edit_policies(before));
  if (edited.difference.empty()) {
    std::cout << "edit cancelled, nothing was changed\n";
    if (!edited.file.empty()) std::filesystem::remove(edited.file);
    return flush();
  }
  const auto keep = [&](Error error) {
    error.hint += (error.hint.empty() ? "" : "; ") + ("your text is in " + edited.file);
    fail(error);
  };
  const auto now = backend.list();
  if (!now) keep(now.error());
  if (same_keys(*now, before) != before)
    keep({.operation = "edit",
          .object = name,
          .cause = "somebody else has changed it meanwhile, so nothing was changed",
          .hint = "begin again"});
  for (const auto& policy : same_keys(*now, edited.difference.added))
    keep({.operation = "edit",
          .object = name,
          .cause = full_title(policy) + " is announced already: it would be replaced",
          .hint = "choose another distinguisher"});
  if (const auto announcements = edited.difference.announcements(); !announcements.empty()) {
    if (const auto done = backend.announce(announcements); !done) keep(done.error());
  }
  if (!edited.difference.removed.empty()) {
    if (const auto done = backend.withdraw(edited.difference.withdrawals()); !done)
      keep(done.error());
  }
  std::filesystem::remove(edited.file);
  tell("created", edited.difference.added);
  tell("changed", edited.difference.changed);
  tell("deleted", edited.difference.removed);
  flush();
}

void pi_edit_from(Backend& backend, const std::vector<std::string>& files) {
  const auto wanted = load(files).wanted();
  const auto change =
      injector::difference(same_keys(value_or_fail(backend.list()), wanted), wanted);
  if (wanted.empty())
    fail({.operation = "edit from", .object = files.front(), .cause = "there is no policy in it"});
  if (!change.added.empty())
    fail({.operation = "edit",
          .object = full_title(change.added.front()),
          .cause = "no such policy is announced, so nothing was changed",
          .hint = "sextant pi create -f announces new ones"});
  apply(backend, change);
  if (change.empty()) std::cout << "unchanged: all of it is announced already\n";
  flush();
}

void pi_delete(Backend& backend, const PiDeletion& deletion) {
  const auto present = value_or_fail(backend.list());
  std::map<PolicyKey, InjectedPolicy> chosen;
  std::vector<Error> missing;
  const auto choose = [&](const std::string& name) {
    const auto found = select_policies(present, name);
    if (!found) return missing.push_back(found.error());
    for (const auto& report : *found) chosen.emplace(report.policy.key, report.policy);
  };
  for (const auto& name : deletion.names) choose(name);
  if (!deletion.files.empty()) {
    std::map<PolicyKey, const InjectedPolicy*> announced;
    for (const auto& report : present) announced.emplace(report.policy.key, &report.policy);
    for (const auto& placed : load(deletion.files).policies) {
      const auto found = announced.find(placed.policy.key);
      if (found != announced.end())
        chosen.emplace(found->first, *found->second);
      else
        missing.push_back({.operation = "find policy",
                           .object = full_title(placed.policy),
                           .cause = "no such policy is announced",
                           .hint = placed.location + " names it"});
    }
  }
  if (deletion.all)
    for (const auto& report : present) chosen.emplace(report.policy.key, report.policy);
  injector::Difference change;
  for (const auto& [key, policy] : chosen) change.removed.push_back(policy);
  // Where one of them is not there, surely something is not as its deleter thinks: none goes.
  for (const auto& error : missing) fmt::print(stderr, "sextant: {}\n", error.message());
  if (!missing.empty()) throw CLI::RuntimeError(1);
  apply(backend, change);
  if (change.empty()) std::cout << "no policies\n";
  flush();
}

void pi_replace(Backend& backend, const std::vector<std::string>& files, bool dry_run) {
  const auto wanted = load(files).wanted();
  // An empty folder is rather one that is not mounted than the wish to withdraw everything.
  if (wanted.empty())
    fail({.operation = "replace by",
          .object = files.front(),
          .cause = "there is no policy in it, so nothing was changed",
          .hint = "sextant pi delete --all withdraws everything"});
  const auto present = policies_of(value_or_fail(backend.list()));
  const auto change = injector::difference(present, wanted);
  if (!dry_run && !change.empty()) value_or_fail(backend.replace(wanted));
  std::cout << pi_difference(change) << (dry_run ? "dry run: nothing was changed\n" : "");
  flush();
}

void pi_watch(Backend& backend, const std::string& output) {
  const auto show = [&output](const injector::PolicyEvent& event) {
    if (output == "json")
      std::cout << json::serialize(to_json(event)) << '\n';
    else if (output == "yaml")
      std::cout << "---\n" << yaml(to_json(event));
    else
      std::cout << pi_event_line(event);
    return static_cast<bool>(std::cout.flush());
  };
  value_or_fail(backend.watch(show));
  fail({.operation = "watch",
        .object = "policies",
        .cause = "the injector has ended the stream",
        .hint = "it was stopped, or this reader was too slow; watch again"});
}

}  // namespace sextant::cli
