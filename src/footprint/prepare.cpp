#include "footprint/prepare.h"

#include <fstream>
#include <iterator>
#include <sstream>

#include "dataplane/linux/gateway.h"
#include "dataplane/linux/privileges.h"

namespace sextant::footprint {
namespace {

constexpr auto kNames = "/run/netns";

}  // namespace

// proc_pid_mountinfo(5): id parent device root mount-point options optional... - type source ...
bool keeps_mounts(const std::string& mountinfo, const std::string& path) {
  bool keeps = false;
  std::istringstream lines(mountinfo);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string skipped, point, field;
    for (int i = 0; i < 4; ++i) words >> skipped;
    words >> point >> skipped;
    if (point != path) continue;
    keeps = true;  // the last one counts: it lies on top
    while (words >> field && field != "-")
      if (field.starts_with("shared:")) keeps = false;
  }
  return keeps;
}

Result<Prepared> prepare_node() {
  if (auto able = dataplane::check_privileges(); !able) return tl::unexpected(able.error());
  std::ifstream file("/proc/self/mountinfo");
  const std::string mounts((std::istreambuf_iterator<char>(file)), {});
  if (keeps_mounts(mounts, kNames))
    return failure("prepare this node", kNames, "what is mounted there does not reach the node",
                   "give the container's volume mountPropagation: Bidirectional");
  dataplane::ApplyReport report;
  const auto gateway = dataplane::Gateway::open_or_create(report);
  if (!gateway) return tl::unexpected(gateway.error());
  return Prepared{.gateway = gateway->name(), .made = report.writes > 0};
}

}  // namespace sextant::footprint
