// The container runtime's network configurations (CNI specification, section 1).
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sextant::footprint {

struct CniConfig {
  std::filesystem::path path;
  std::string network = {};               // "name"
  std::vector<std::string> plugins = {};  // their types, in order
  std::set<std::string> programs = {};    // those that it runs: the plugins and their IPAM
  std::optional<std::size_t> max_segments = {};
  std::filesystem::path lease_directory = {};  // ipam.dataDir, where it says one
  std::string damage = {};                     // why it cannot be read; empty where it can
  /// Names the plugin sextant-cni, also where the rest is damaged.
  bool own = false;
};

/// One file's text; `path` is only copied.
[[nodiscard]] CniConfig read_cni_config(const std::filesystem::path& path, const std::string& text);

/// Those that a runtime would look at (.conf, .conflist, .json), in its order: by name. The first
/// one is what pods get.
[[nodiscard]] std::vector<CniConfig> cni_configs(const std::filesystem::path& folder);
[[nodiscard]] std::vector<CniConfig> own_cni_configs(const std::filesystem::path& folder);

/// Plugins of others that Sextant put into a folder of programs because they were missing
/// (host-local, portmap, ...): it lists them there, a name a line, in a file of this name.
inline constexpr auto kCompanionList = ".sextant-companions";
[[nodiscard]] std::set<std::string> companions(const std::filesystem::path& folder);

/// What of Sextant is in a folder of programs: sextant-cni, what an interrupted installation left,
/// and the companions that none of `configs` of others runs.
[[nodiscard]] std::vector<std::filesystem::path> own_cni_programs(
    const std::filesystem::path& folder, const std::vector<CniConfig>& configs);

}  // namespace sextant::footprint
