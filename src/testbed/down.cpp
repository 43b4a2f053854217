#include <fmt/format.h>

#include <algorithm>

#include "dataplane/linux/netlink/netns.h"
#include "testbed/process.h"
#include "testbed/state.h"
#include "testbed/testbed.h"

namespace sextant::testbed {
namespace {

using netlink::Netns;

/// Processes of ours that pid files name, wherever they are now: their namespace may have lost its
/// name to an interrupted `down`.
std::vector<pid_t> recorded_processes(const Id& id) {
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(id.directory(), ignored)) {
    if (entry.path().extension() != ".pid") continue;
    // All of ours carry the state directory in their command line.
    if (const pid_t pid = running_process(entry.path(), id.directory().string() + "/")) {
      found.push_back(pid);
    }
  }
  return found;
}

Result<std::vector<pid_t>> all_processes(const Id& id, const std::vector<std::string>& names) {
  std::vector<ino_t> namespaces;
  for (const std::string& name : names) {
    const auto space = Netns::open(name);
    if (!space) continue;  // a name without a namespace: an interrupted `up` or `down`
    const auto number = space->id();
    if (!number) return tl::unexpected(number.error());
    namespaces.push_back(*number);
  }
  const auto self = Netns::current();
  if (!self) return tl::unexpected(self.error());
  if (std::ranges::find(namespaces, self->id().value_or(0)) != namespaces.end()) {
    return failure("take down", id.title(), "this command runs inside one of its namespaces",
                   "leave the namespace first");
  }
  std::vector<pid_t> found = processes_in(namespaces);
  for (const pid_t pid : recorded_processes(id)) {
    if (std::ranges::find(found, pid) == found.end()) found.push_back(pid);
  }
  return found;
}

void say(const Progress& progress, std::size_t count, std::string_view what) {
  if (progress && count > 0) progress(fmt::format("{} {}", count, what));
}

}  // namespace

Result<DownReport> take_down(const Id& id, const Progress& progress) {
  constexpr std::chrono::seconds kGrace{2};
  // An agent that was just starting may have made its gateway after the names were read: each round
  // takes what the one before left.
  constexpr int kRounds = 4;
  DownReport report;
  for (int round = 0; round < kRounds; ++round) {
    const auto names = existing_namespaces(id);
    if (!names) return tl::unexpected(names.error());
    const auto processes = all_processes(id, *names);
    if (!processes) return tl::unexpected(processes.error());
    if (names->empty() && processes->empty()) break;
    if (auto ended = end_processes(*processes, kGrace); !ended) {
      return tl::unexpected(ended.error());
    }
    report.processes += processes->size();
    for (const std::string& name : *names) {
      if (auto removed = Netns::remove(name); !removed) return tl::unexpected(removed.error());
    }
    report.namespaces += names->size();
  }
  say(progress, report.processes, "processes ended");
  say(progress, report.namespaces, "namespaces removed");
  std::error_code error;
  std::filesystem::remove_all(id.directory(), error);
  if (error) return system_error("remove", id.directory().string(), error.value());
  return report;
}

Result<DownReport> down(const Id& id, const Progress& progress) {
  const auto held = lock(id);
  if (!held) return tl::unexpected(held.error());
  const auto state = read_state(id);
  if (state && state->cluster) {
    return failure("take down", id.title(), "what is up under that name is a Kubernetes cluster",
                   "sextant testbed cluster down --name " + id.directory().filename().string());
  }
  if (state && state->kind != id.kind()) {
    return failure(
        "take down", id.title(),
        fmt::format("what is up under that name is a {} testbed", to_string(state->kind)),
        Id::make(state->kind, id.name()).value_or(id).command("down"));
  }
  auto report = take_down(id, progress);
  if (!report) return report;
  std::error_code error;
  std::filesystem::remove(id.directory().string() + ".lock", error);
  std::filesystem::remove(id.directory().parent_path(), error);  // where it is empty
  return report;
}

}  // namespace sextant::testbed
