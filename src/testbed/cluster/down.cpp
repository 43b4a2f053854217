#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "testbed/cluster/cluster.h"
#include "testbed/cluster/node.h"
#include "testbed/state.h"

namespace sextant::cluster {
namespace {

namespace fs = std::filesystem;
using testbed::Id;

/// Where each cgroup hierarchy is mounted.
std::vector<fs::path> hierarchies() {
  std::vector<fs::path> result;
  std::ifstream mounts{"/proc/self/mounts"};
  for (std::string device, place, type, rest;
       mounts >> device >> place >> type && std::getline(mounts, rest);) {
    if (type == "cgroup" || type == "cgroup2") result.emplace_back(place);
  }
  return result;
}

/// A cgroup is removed by its folder, children first; its files are the kernel's.
Result<void> remove_cgroup(const fs::path& top) {
  std::error_code error;
  std::vector<fs::path> folders{top};
  for (const auto& entry : fs::recursive_directory_iterator(top, error)) {
    if (entry.is_directory(error)) folders.push_back(entry.path());
  }
  // A folder sorts before those in it.
  std::ranges::sort(folders, std::ranges::greater{});
  constexpr std::chrono::milliseconds kAgain{10};
  for (const fs::path& each : folders) {
    // The kernel takes the processes out of it some time after they have ended.
    for (int tries = 0; ::rmdir(each.c_str()) != 0; ++tries) {
      if (errno == ENOENT) break;
      if (errno != EBUSY || tries == 200) return system_error("remove", each.string(), errno);
      std::this_thread::sleep_for(kAgain);
    }
  }
  return {};
}

}  // namespace

Result<testbed::DownReport> remove_all(const Id& id, const testbed::Progress& progress) {
  const Places places{id};
  // Whatever settings it had: every node that there can be. Powered off first, for nobody in there
  // needs to be asked.
  std::size_t off = 0;
  for (const auto& node : testbed::topology(id.kind()).nodes) {
    const auto was_on = power_off(places, node.name);
    if (!was_on) return tl::unexpected(was_on.error());
    if (*was_on) ++off;
  }
  if (progress && off > 0) progress(fmt::format("{} nodes powered off", off));
  auto report = testbed::take_down(id, progress);
  if (!report) return report;
  for (const auto& node : testbed::topology(id.kind()).nodes) {
    for (const fs::path& hierarchy : hierarchies()) {
      const fs::path cgroup = hierarchy / places.cgroup(node.name);
      if (!fs::exists(cgroup)) continue;
      if (auto removed = remove_cgroup(cgroup); !removed) return tl::unexpected(removed.error());
    }
  }
  std::error_code error;
  fs::remove_all(places.disks(), error);
  if (error) return system_error("remove", places.disks().string(), error.value());
  fs::remove(places.disks().parent_path(), error);  // where it is empty
  report->processes += off;
  return report;
}

Result<testbed::DownReport> down(const std::string& name, const testbed::Progress& progress) {
  const auto id = Id::make(testbed::Kind::kBasic, name);  // both kinds have the same nodes
  if (!id) return tl::unexpected(id.error());
  const auto held = testbed::lock(*id);
  if (!held) return tl::unexpected(held.error());
  if (const auto state = testbed::read_state(*id); state && !state->cluster) {
    return failure(
        "take down", "a cluster",
        fmt::format("what is up under that name is a {} testbed", testbed::to_string(state->kind)),
        Id::make(state->kind, name).value_or(*id).command("down"));
  }
  auto report = remove_all(*id, progress);
  if (!report) return report;
  std::error_code error;
  fs::remove(id->directory().string() + ".lock", error);
  fs::remove(id->directory().parent_path(), error);  // where it is empty
  return report;
}

}  // namespace sextant::cluster
