#include "testbed/cluster/settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>

#include "testbed/files.h"

namespace sextant::cluster {
namespace {

namespace json = boost::json;
using testbed::ClusterNode;

std::filesystem::path file(const Places& places) { return places.state() / "cluster.json"; }

/// One value a family of the cluster, in its order.
std::string each_family(const Settings& settings, const char* ipv4, const char* ipv6) {
  std::vector<std::string> values;
  for (const Family family : settings.families) {
    values.emplace_back(family == Family::kIpv4 ? ipv4 : ipv6);
  }
  return fmt::format("{}", fmt::join(values, ","));
}

Family family_of(const std::string& address) {
  return address.find(':') == std::string::npos ? Family::kIpv4 : Family::kIpv6;
}

}  // namespace

bool Settings::has(Family family) const {
  return std::ranges::find(families, family) != families.end();
}

Result<std::vector<Family>> parse_families(std::string_view text) {
  if (text == "4") return std::vector{Family::kIpv4};
  if (text == "6") return std::vector{Family::kIpv6};
  if (text == "4,6") return std::vector{Family::kIpv4, Family::kIpv6};
  if (text == "6,4") return std::vector{Family::kIpv6, Family::kIpv4};
  return failure("read", fmt::format("address families '{}'", text), "not understood",
                 "one of 4, 6, 4,6 and 6,4; the primary one first");
}

std::string to_text(const std::vector<Family>& families) {
  std::string text;
  for (const Family each : families) {
    text += fmt::format("{}{}", text.empty() ? "" : ",", each == Family::kIpv4 ? "4" : "6");
  }
  return text;
}

std::optional<Settings> read_settings(const Places& places) {
  const auto text = testbed::read_file(file(places));
  if (!text) return std::nullopt;
  try {
    const json::object object = json::parse(*text).as_object();
    const auto underlay = testbed::parse_kind(std::string{object.at("underlay").as_string()});
    const auto families = parse_families(std::string{object.at("families").as_string()});
    if (!underlay || !families) return std::nullopt;
    return Settings{.underlay = *underlay,
                    .families = *families,
                    .pods = object.at("pods").to_number<unsigned>(),
                    .kube_proxy = object.at("kubeProxy").as_bool(),
                    .overlay = object.at("overlay").as_bool()};
  } catch (const std::exception&) {  // whatever is wrong with it: it says nothing
    return std::nullopt;
  }
}

Result<void> write_settings(const Places& places, const Settings& settings) {
  const json::object object{{"underlay", testbed::to_string(settings.underlay)},
                            {"families", to_text(settings.families)},
                            {"pods", settings.pods},
                            {"kubeProxy", settings.kube_proxy},
                            {"overlay", settings.overlay}};
  return testbed::write_file(file(places), json::serialize(object) + "\n");
}

std::string pod_pools(const Settings& settings) {
  return each_family(settings, "172.16.0.0/16", "fdfb:af47:32af::/48");
}

std::string service_ranges(const Settings& settings) {
  return each_family(settings, "10.96.0.0/12", "fdfb:af47:32b0::/112");
}

std::vector<std::string> api_services(const Settings& settings) {
  std::vector<std::string> result;
  for (const Family family : settings.families) {
    result.emplace_back(family == Family::kIpv4 ? "10.96.0.1" : "fdfb:af47:32b0::1");
  }
  return result;
}

std::vector<std::string> pod_prefixes(const Settings& settings, const ClusterNode& node) {
  std::vector<std::string> result;
  for (const Family family : settings.families) {
    for (const std::string& prefix : node.pod_prefixes) {
      if (family_of(prefix) == family) result.push_back(prefix);
    }
  }
  return result;
}

std::vector<std::string> node_addresses(const Settings& settings, const ClusterNode& node) {
  std::vector<std::string> result;
  for (const std::string& address : node.addresses) {
    // SRv6 needs the IPv6 one, whatever the pods speak. kubelet takes the first for what is
    // single-stack.
    if (family_of(address) == Family::kIpv6 || settings.has(Family::kIpv4)) {
      result.push_back(address);
    }
  }
  if (settings.families.front() == Family::kIpv4 && !settings.dual_stack()) {
    std::ranges::reverse(result);
  }
  return result;
}

const ClusterNode& control_node(const Settings& settings) {
  const auto& nodes = testbed::topology(settings.underlay).nodes;
  return *std::ranges::find_if(nodes, &ClusterNode::control_plane);
}

std::string api_address(const Settings& settings, Family family) {
  for (const std::string& address : control_node(settings).addresses) {
    if (family_of(address) == family) return address;
  }
  return {};
}

std::string api_url(const Settings& settings) {
  return fmt::format("https://[{}]:{}", api_address(settings, Family::kIpv6), kApiPort);
}

}  // namespace sextant::cluster
