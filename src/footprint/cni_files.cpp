#include "footprint/cni_files.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fstream>
#include <iterator>

namespace sextant::footprint {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kPlugin = "sextant-cni";

std::string text_of(const json::object& object, std::string_view key) {
  const auto* member = object.if_contains(key);
  return member != nullptr && member->is_string() ? std::string(member->get_string()) : "";
}

void take_plugin(const json::object& plugin, CniConfig& config) {
  config.plugins.push_back(text_of(plugin, "type"));
  config.programs.insert(config.plugins.back());
  const auto* allocator = plugin.if_contains("ipam");
  if (allocator != nullptr && allocator->is_object())
    config.programs.insert(text_of(allocator->get_object(), "type"));
  if (config.plugins.back() != kPlugin) return;
  config.own = true;
  const auto* segments = plugin.if_contains("maxSegments");
  if (segments != nullptr && segments->is_int64() && segments->get_int64() > 0)
    config.max_segments = static_cast<std::size_t>(segments->get_int64());
  const auto* ipam = plugin.if_contains("ipam");
  if (ipam != nullptr && ipam->is_object())
    config.lease_directory = text_of(ipam->get_object(), "dataDir");
}

}  // namespace

CniConfig read_cni_config(const fs::path& path, const std::string& text) {
  CniConfig config{.path = path};
  json::error_code error;
  const auto value = json::parse(text, error);
  if (error || !value.is_object()) {
    config.damage = error ? error.message() : "not a JSON object";
    config.own = text.find(kPlugin) != std::string::npos ||
                 path.filename().string().find("sextant") != std::string::npos;
    return config;
  }
  const auto& object = value.get_object();
  config.network = text_of(object, "name");
  // It becomes a folder's name below the leases: nothing may lead out of there.
  if (config.network == "." || config.network == ".." ||
      config.network.find('/') != std::string::npos)
    config.network.clear();
  if (const auto* plugins = object.if_contains("plugins"); plugins && plugins->is_array()) {
    for (const auto& plugin : plugins->get_array())
      if (plugin.is_object()) take_plugin(plugin.get_object(), config);
  } else {
    take_plugin(object, config);  // a single plugin, before lists
  }
  return config;
}

std::vector<CniConfig> cni_configs(const fs::path& folder) {
  std::vector<CniConfig> configs;
  std::error_code error;
  fs::directory_iterator at(folder, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const auto extension = at->path().extension();
    std::error_code gone;
    if ((extension != ".conf" && extension != ".conflist" && extension != ".json") ||
        (!at->is_regular_file(gone) && !at->is_symlink(gone)))  // a link may lead nowhere
      continue;
    std::ifstream file(at->path());
    configs.push_back(read_cni_config(at->path(), {std::istreambuf_iterator<char>(file), {}}));
  }
  std::sort(configs.begin(), configs.end(),
            [](const CniConfig& a, const CniConfig& b) { return a.path < b.path; });
  return configs;
}

std::vector<CniConfig> own_cni_configs(const fs::path& folder) {
  auto configs = cni_configs(folder);
  std::erase_if(configs, [](const CniConfig& config) { return !config.own; });
  return configs;
}

std::set<std::string> companions(const fs::path& folder) {
  std::set<std::string> names;
  std::ifstream file(folder / kCompanionList);
  for (std::string name; std::getline(file, name);)
    if (!name.empty() && name.find('/') == std::string::npos && name.front() != '.')
      names.insert(name);
  return names;
}

std::vector<fs::path> own_cni_programs(const fs::path& folder,
                                       const std::vector<CniConfig>& configs) {
  std::set<std::string> wanted;  // by others
  bool others = false;
  for (const auto& config : configs) {
    if (config.own) continue;
    others = true;
    wanted.insert(config.programs.begin(), config.programs.end());
  }
  if (others) wanted.insert("loopback");  // runtimes run it for every pod, whatever its network

  std::vector<std::string> names{std::string(kPlugin), ".sextant-cni.new"};
  for (const auto& name : companions(folder)) {
    names.push_back("." + name + ".new");
    if (!wanted.contains(name)) names.push_back(name);
  }
  names.emplace_back(kCompanionList);
  names.emplace_back("." + std::string(kCompanionList) + ".new");
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& name : names) {
    const auto status = fs::symlink_status(folder / name, ignored);
    if (fs::is_regular_file(status) || fs::is_symlink(status)) found.push_back(folder / name);
  }
  return found;
}

}  // namespace sextant::footprint
