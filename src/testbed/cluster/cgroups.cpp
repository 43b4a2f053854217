#include "testbed/cluster/cgroups.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace sextant::cluster {
namespace {

namespace fs = std::filesystem;

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

Result<void> remove_cgroups(const std::string& name) {
  for (const fs::path& hierarchy : hierarchies()) {
    const fs::path cgroup = hierarchy / name;
    if (!fs::exists(cgroup)) continue;
    if (auto removed = remove_cgroup(cgroup); !removed) return removed;
  }
  return {};
}

}  // namespace sextant::cluster
