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
        !at->is_regular_file(gone))
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

}  // namespace sextant::footprint
