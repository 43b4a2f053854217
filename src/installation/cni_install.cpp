#include "installation/cni_install.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "footprint/cni_files.h"
#include "installation/atomic_file.h"

namespace sextant::installation {
namespace {

namespace fs = std::filesystem;

constexpr auto kPlugin = "sextant-cni";

struct Companion {
  const char* name;
  bool needed;  // by every pod
};
constexpr std::array kCompanions{Companion{"host-local", true}, Companion{"loopback", true},
                                 Companion{"portmap", false}, Companion{"bandwidth", false}};

std::optional<fs::path> find(const std::vector<fs::path>& folders, const std::string& name) {
  std::error_code error;
  for (const auto& folder : folders)
    if (fs::is_regular_file(folder / name, error)) return folder / name;
  return std::nullopt;
}

/// Also a link that leads nowhere from here: in a container, its target may be the node's.
bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

Result<void> make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return system_error("make folder", folder, error.value());
  return {};
}

std::string names_of(const std::vector<fs::path>& folders) {
  std::string text;
  for (const auto& folder : folders) text += (text.empty() ? "" : ", ") + folder.string();
  return text;
}

Result<bool> note_companion(const fs::path& folder, const std::string& name) {
  auto names = footprint::companions(folder);
  names.insert(name);
  std::string text;
  for (const auto& each : names) text += each + "\n";
  return put_file(folder / footprint::kCompanionList, text, 0644);
}

}  // namespace

CniPlaces default_cni_places() {
  CniPlaces places;
  std::error_code error;
  if (const auto self = fs::read_symlink("/proc/self/exe", error); !error)
    places.sources.push_back(self.parent_path());
  places.sources.insert(places.sources.end(), {"/usr/libexec/sextant/cni", "/usr/lib/cni"});
  return places;
}

Result<InstallReport> install_programs(const CniPlaces& places) {
  constexpr auto kOperation = "install CNI plugin";
  if (auto made = make_folder(places.programs); !made) return tl::unexpected(made.error());
  const auto plugin = find(places.sources, kPlugin);
  if (!plugin)
    return failure(kOperation, kPlugin, "it is in none of " + names_of(places.sources),
                   "name its folder with --from");
  InstallReport report;
  const auto put = [&](const fs::path& from) -> Result<void> {
    const auto to = places.programs / from.filename();
    const auto written = put_program(from, to);
    if (!written) return tl::unexpected(written.error());
    if (*written) report.written.push_back(to);
    return {};
  };
  for (const auto& companion : kCompanions) {
    if (is_there(places.programs / companion.name)) continue;  // left alone: it may be newer
    const auto from = find(places.sources, companion.name);
    if (!from && companion.needed)
      return failure(
          kOperation, companion.name,
          "it is neither in " + places.programs.string() + " nor in " + names_of(places.sources),
          "install containernetworking-plugins");
    if (!from) {
      report.notes.push_back(std::string(companion.name) +
                             " is neither there nor to be found: " + "pods do without");
      continue;
    }
    // Listed first: what is interrupted can still be found, and removed.
    if (auto noted = note_companion(places.programs, companion.name); !noted)
      return tl::unexpected(noted.error());
    if (auto done = put(*from); !done) return tl::unexpected(done.error());
  }
  if (auto done = put(*plugin); !done) return tl::unexpected(done.error());
  return report;
}

Result<InstallReport> install_config(const CniPlaces& places, NetworkList list,
                                     bool beside_others) {
  if (auto made = make_folder(places.configs); !made) return tl::unexpected(made.error());
  const auto path = places.configs / kConfigName;
  InstallReport report;
  const auto configs = footprint::cni_configs(places.configs);
  for (const auto& config : configs) {
    if (config.path == path || !config.damage.empty()) continue;  // runtimes skip damaged ones
    if (!config.own && config.network == list.network)
      return failure("install network", list.network,
                     config.path.string() + " has a network of the same name",
                     "give this one another with --network");
    if (config.path > path) continue;
    const auto what = config.path.string() + " (network '" + config.network +
                      "') comes first, so pods get that and not Sextant's";
    if (!beside_others && !config.own)
      return failure("install network", path, what,
                     "remove that file where Sextant is to be the pods' network; to leave it so, "
                     "give --beside-others");
    report.notes.push_back(what);
  }
  list.port_map = list.port_map && is_there(places.programs / "portmap");
  list.bandwidth = list.bandwidth && is_there(places.programs / "bandwidth");
  auto file = path;
  if (!places.volatile_configs.empty()) {
    if (auto made = make_folder(places.volatile_configs); !made)
      return tl::unexpected(made.error());
    file = places.volatile_configs / kConfigName;
  }
  const auto written = put_file(file, network_list(list), 0644);
  if (!written) return tl::unexpected(written.error());
  if (*written) report.written.push_back(file);
  if (file == path) return report;
  std::error_code error;
  if (!*written && fs::read_symlink(path, error) == file && !error) return report;
  if (auto linked = put_link(path, file); !linked) return tl::unexpected(linked.error());
  report.written.push_back(path);
  return report;
}

}  // namespace sextant::installation
