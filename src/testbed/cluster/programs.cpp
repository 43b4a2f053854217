#include "testbed/cluster/programs.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <sstream>

namespace sextant::cluster {
namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 5> kBuilt{"kube-apiserver", "kube-controller-manager",
                                            "kube-scheduler", "kubelet", "kube-proxy"};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool runs(const fs::path& path) { return ::access(path.c_str(), X_OK) == 0; }

/// Empty where there is none.
fs::path on_path(const std::string& program) {
  std::istringstream folders{variable("PATH") + ":/usr/sbin:/usr/bin:/sbin:/bin"};
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty() && runs(fs::path{folder} / program)) return fs::path{folder} / program;
  }
  return {};
}

fs::path cache() {
  const std::string xdg = variable("XDG_CACHE_HOME");
  return (xdg.empty() ? fs::path{variable("HOME")} / ".cache" : fs::path{xdg}) / "sextant";
}

/// The newest of the built versions.
Result<fs::path> find_kubernetes() {
  if (const std::string given = variable("SEXTANT_KUBERNETES"); !given.empty()) return given;
  fs::path newest;
  fs::file_time_type newest_time{};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(cache(), ignored)) {
    const bool built = entry.path().filename().string().starts_with("kubernetes-") &&
                       runs(entry.path() / "kube-apiserver");
    if (!built) continue;
    const auto time = entry.last_write_time(ignored);
    if (newest.empty() || time > newest_time) {
      newest = entry.path();
      newest_time = time;
    }
  }
  if (!newest.empty()) return newest;
  return failure("find", "Kubernetes' programs", fmt::format("none in {}", cache().string()),
                 "build them with ./run kubernetes, or name their folder in SEXTANT_KUBERNETES");
}

Result<fs::path> find_packaged(const std::string& program, std::string_view package) {
  const fs::path found = on_path(program);
  if (!found.empty()) return found;
  return failure("find program", program, "it is not on PATH",
                 fmt::format("install Debian's package {}", package));
}

}  // namespace

Result<Programs> find_programs() {
  Programs result;
  const auto kubernetes = find_kubernetes();
  if (!kubernetes) return tl::unexpected(kubernetes.error());
  result.kubernetes = *kubernetes;
  for (const char* each : kBuilt) {
    if (!runs(result.kubernetes / each)) {
      return failure("find program", (result.kubernetes / each).string(), "it is not there",
                     "remove that folder and build it again with ./run kubernetes");
    }
  }
  result.kubectl = on_path("kubectl");
  if (result.kubectl.empty()) result.kubectl = result.kubernetes / "kubectl";
  for (const auto& [place, name, package] :
       {std::tuple{&result.etcd, "etcd", "etcd-server"},
        std::tuple{&result.containerd, "containerd", "containerd"}}) {
    const auto found = find_packaged(name, package);
    if (!found) return tl::unexpected(found.error());
    *place = *found;
  }
  for (const auto& [name, package] : {std::pair{"runc", "runc"},
                                      {"openssl", "openssl"},
                                      {"ctr", "containerd"},
                                      {"iptables", "iptables"},
                                      {"busybox", "busybox-static"}}) {
    if (const auto found = find_packaged(name, package); !found) {
      return tl::unexpected(found.error());
    }
  }
  return result;
}

}  // namespace sextant::cluster
