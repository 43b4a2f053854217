#include <fmt/format.h>

#include "testbed/cluster/cgroups.h"
#include "testbed/cluster/cluster.h"
#include "testbed/cluster/node.h"
#include "testbed/state.h"

namespace sextant::cluster {

namespace fs = std::filesystem;
using testbed::Id;

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
    auto removed = remove_cgroups(places.cgroup(node.name));
    if (!removed) return tl::unexpected(removed.error());
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
