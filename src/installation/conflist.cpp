#include "installation/conflist.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

namespace sextant::installation {
namespace {

std::string quoted(const std::string& text) {
  return boost::json::serialize(boost::json::string(text));
}

/// `[{"subnet": A}, {"subnet": B}]` of one family; empty where it has none.
std::string pool(const std::vector<IpPrefix>& prefixes, Family family) {
  std::vector<std::string> subnets;
  for (const auto& prefix : prefixes)
    if (prefix.family() == family)
      subnets.push_back(fmt::format("{{\"subnet\": {}}}", quoted(prefix.to_string())));
  return subnets.empty() ? "" : fmt::format("[{}]", fmt::join(subnets, ", "));
}

}  // namespace

std::string network_list(const NetworkList& list) {
  std::vector<std::string> ranges;
  for (const auto family : {Family::kIpv4, Family::kIpv6})
    if (auto range = pool(list.pod_prefixes, family); !range.empty())
      ranges.push_back("          " + std::move(range));
  std::vector<std::string> plugins{fmt::format(R"(    {{
      "type": "sextant-cni",
      "maxSegments": {},
      "ipam": {{
        "type": "host-local",
        "ranges": [
{}
        ]
      }}
    }})",
                                               list.max_segments, fmt::join(ranges, ",\n"))};
  if (list.port_map)
    plugins.emplace_back(R"(    {"type": "portmap", "capabilities": {"portMappings": true}})");
  if (list.bandwidth)
    plugins.emplace_back(R"(    {"type": "bandwidth", "capabilities": {"bandwidth": true}})");
  return fmt::format(R"({{
  "cniVersion": "1.0.0",
  "name": {},
  "plugins": [
{}
  ]
}}
)",
                     quoted(list.network), fmt::join(plugins, ",\n"));
}

}  // namespace sextant::installation
