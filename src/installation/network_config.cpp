#include "installation/network_config.h"

#include <fmt/ranges.h>

#include "base/log.h"

namespace sextant::installation {

NetworkConfig::NetworkConfig(const std::filesystem::path& folder,
                             const std::filesystem::path& socket, std::size_t max_segments)
    : max_segments_(max_segments) {
  places_.configs = folder;
  places_.volatile_configs = socket.parent_path() / "cni";
}

bool NetworkConfig::publish(const std::vector<IpPrefix>& pod_prefixes) {
  if (pod_prefixes.empty() || pod_prefixes == published_) return true;
  NetworkList list;
  list.pod_prefixes = pod_prefixes;
  list.max_segments = max_segments_;
  const auto done = install_config(places_, list, false);
  if (!done) {
    const auto text = done.error().message();
    if (text != told_) log::error({{"error", done.error()}}, "{}", text);
    told_ = text;
    return false;
  }
  published_ = pod_prefixes;
  told_.clear();
  if (!done->written.empty())
    log::info({{"files", fmt::format("{}", fmt::join(done->written, ", "))}},
              "this node forwards: the container runtime has a network now");
  return true;
}

}  // namespace sextant::installation
