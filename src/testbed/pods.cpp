#include "testbed/pods.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>

#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/socket.h"
#include "testbed/files.h"
#include "testbed/process.h"

namespace sextant::testbed {
namespace {

namespace json = boost::json;
using netlink::Netns;

constexpr std::string_view kCniVersion = "1.0.0";
constexpr std::string_view kPlugin = "sextant-cni";
constexpr std::string_view kIpamPlugins = "/usr/lib/cni";

std::filesystem::path result_file(const Id& id, std::string_view pod) {
  return id.directory() / "pods" / fmt::format("{}.json", pod);
}

json::object conflist(const Id& id, const ClusterNode& node) {
  json::array ranges;
  json::array routes;
  for (const std::string& prefix : node.pod_prefixes) {
    // The first address is the node's own in the overlay, the second the first pod's.
    const IpPrefix pods = IpPrefix::parse(prefix).value();
    ranges.push_back(json::array{json::object{{"subnet", prefix},
                                              {"rangeStart", pods.at(2).value().to_string()},
                                              {"gateway", pods.at(1).value().to_string()}}});
    routes.push_back(json::object{{"dst", pods.family() == Family::kIpv4 ? "0.0.0.0/0" : "::/0"}});
  }
  const std::string data = id.directory() / "ipam" / node.name;
  json::object ipam{
      {"type", "host-local"}, {"dataDir", data}, {"ranges", ranges}, {"routes", routes}};
  return {{"cniVersion", kCniVersion},
          {"name", "sextant"},
          {"plugins", json::array{json::object{{"type", kPlugin}, {"ipam", ipam}}}}};
}

/// What the CNI library hands to one plugin of a conflist (CNI specification, "Deriving execution
/// configuration").
std::string plugin_configuration(const json::object& list) {
  json::object plugin = list.at("plugins").as_array().at(0).as_object();
  plugin["cniVersion"] = list.at("cniVersion");
  plugin["name"] = list.at("name");
  return json::serialize(plugin);
}

Result<void> bring_up_loopback(const Netns& space) {
  return space.run([]() -> Result<void> {
    auto socket = netlink::Socket::make();
    if (!socket) return tl::unexpected(socket.error());
    return netlink::set_link_up(*socket, "lo");
  });
}

Result<void> make_pod(const Id& id, const ClusterNode& node, const std::string& pod,
                      const std::filesystem::path& plugin) {
  const auto space = Netns::create(id.netns(pod));
  if (!space) return tl::unexpected(space.error());
  if (auto up = bring_up_loopback(*space); !up) return up;
  const auto output =
      run({.arguments = {plugin},
           .netns = id.netns(node.name),
           .environment = {{"CNI_COMMAND", "ADD"},
                           {"CNI_CONTAINERID", id.netns(pod)},
                           {"CNI_NETNS", "/run/netns/" + id.netns(pod)},
                           {"CNI_IFNAME", "eth0"},
                           {"CNI_PATH",
                            fmt::format("{}:{}", plugin.parent_path().string(), kIpamPlugins)}},
           .input = plugin_configuration(conflist(id, node))},
          std::chrono::seconds{20});
  if (!output) return tl::unexpected(output.error());
  if (output->status != 0) {
    return failure("wire", pod, fmt::format("{} says {}", kPlugin, output->out), output->err);
  }
  return write_file(result_file(id, pod), output->out);
}

Result<Pod> read_pod(const Id& id, const std::string& node, const std::string& name) {
  const auto text = read_file(result_file(id, name));
  if (!text) return tl::unexpected(text.error());
  Pod pod{.name = name, .node = node, .addresses = {}};
  boost::system::error_code error;
  const json::value result = json::parse(*text, error);
  const json::object* object = result.if_object();
  const json::value* ips = object != nullptr ? object->if_contains("ips") : nullptr;
  if (error || ips == nullptr || !ips->is_array()) {
    return failure("read", result_file(id, name).string(), "not a CNI result");
  }
  for (const json::value& ip : ips->get_array()) {
    const json::object* entry = ip.if_object();
    const json::value* address = entry != nullptr ? entry->if_contains("address") : nullptr;
    if (address == nullptr || !address->is_string()) continue;
    const std::string full{address->get_string()};
    const auto parsed = IpAddress::parse(full.substr(0, full.find('/')));
    if (!parsed) return tl::unexpected(parsed.error());
    pod.addresses.push_back(*parsed);
  }
  std::ranges::sort(pod.addresses);
  return pod;
}

}  // namespace

std::string cni_conflist(const Id& id, const ClusterNode& node) {
  return json::serialize(conflist(id, node));
}

Result<void> make_pods(const Id& id, const Topology& lab, unsigned count,
                       const std::filesystem::path& programs) {
  if (count == 0) return {};
  const auto plugin = find_program(programs, std::string{kPlugin});
  if (!plugin) return tl::unexpected(plugin.error());
  for (const char* directory : {"pods", "cni", "ipam"}) {
    if (auto made = make_directory(id.directory() / directory); !made) return made;
  }
  for (const ClusterNode& node : lab.nodes) {
    const auto file = id.directory() / "cni" / fmt::format("{}.conflist", node.name);
    if (auto written = write_file(file, cni_conflist(id, node)); !written) return written;
    for (unsigned number = 1; number <= count; ++number) {
      const std::string pod = Id::pod(node.name, number);
      if (std::filesystem::exists(result_file(id, pod))) continue;
      if (auto made = make_pod(id, node, pod, *plugin); !made) return made;
    }
  }
  return {};
}

Result<std::vector<Pod>> list_pods(const Id& id, const Topology& lab, unsigned count) {
  std::vector<Pod> pods;
  for (const ClusterNode& node : lab.nodes) {
    for (unsigned number = 1; number <= count; ++number) {
      auto pod = read_pod(id, node.name, Id::pod(node.name, number));
      if (!pod) return tl::unexpected(pod.error());
      pods.push_back(std::move(*pod));
    }
  }
  return pods;
}

}  // namespace sextant::testbed
