// Sysctls, devices, the gateway, routes, firewalls.
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include "dataplane/linux/gateway.h"
#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/mtu.h"
#include "dataplane/linux/netlink/neighbor.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/sysctl.h"
#include "dataplane/linux/uplinks.h"
#include "doctor/gather.h"
#include "footprint/nft_tables.h"

namespace sextant::doctor {
namespace {

namespace fs = std::filesystem;
using netlink::Netns;
using netlink::Socket;

constexpr unsigned kRouterAdvertisement = 9;  // RTPROT_RA

std::string file_text(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void read_into(std::map<std::string, std::string>& values, const std::string& name) {
  if (auto value = netlink::read_sysctl(name)) values[name] = std::move(*value);
}

std::vector<DeviceFacts> devices_of(Socket& socket) {
  std::vector<DeviceFacts> devices;
  const auto links = netlink::list_links(socket);
  if (!links) return devices;
  for (const auto& link : *links)
    devices.push_back({.name = link.name, .up = link.is_up(), .mtu = link.mtu, .kind = link.kind});
  return devices;
}

std::string text_of(const netlink::Route& route,
                    const std::map<netlink::IfIndex, std::string>& names) {
  std::string text = route.destination.to_string();
  for (const auto& hop : route.next_hops) {
    if (hop.gateway) text += " via " + hop.gateway->to_string();
    if (const auto name = names.find(hop.link); name != names.end()) text += " dev " + name->second;
  }
  return text + " proto " + std::to_string(netlink::number(route.protocol));
}

/// Output of a shell's command; empty where it fails.
std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "re"), ::pclose);
  if (!pipe) return {};
  std::string text;
  std::array<char, 4096> buffer{};
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    text.append(buffer.data(), size);
  return text;
}

}  // namespace

GatewayFacts gather_gateway() {
  GatewayFacts facts;
  const auto name = dataplane::Gateway::name_here();
  facts.name = name ? *name : "sextant";
  if (auto socket = Socket::make()) facts.host = devices_of(*socket);
  const auto names = Netns::list();
  const bool named = names && std::find(names->begin(), names->end(), facts.name) != names->end();
  const auto netns = Netns::open(facts.name);
  facts.present = netns.has_value();
  facts.stale_name = named && !netns && netns.error().errno_value == EINVAL;
  if (!netns) return facts;
  if (auto socket = netns->run([] { return Socket::make(); })) facts.gateway = devices_of(*socket);
  return facts;
}

SysctlFacts gather_sysctls() {
  SysctlFacts facts;
  auto socket = Socket::make();
  if (!socket) return facts;
  std::map<netlink::IfIndex, std::string> names;
  if (const auto links = netlink::list_links(*socket))
    for (const auto& link : *links) names[link.index] = link.name;
  dataplane::Uplinks uplinks;
  if (uplinks.refresh(*socket))
    for (const auto& uplink : uplinks.devices()) facts.uplinks.push_back(uplink.name);

  for (const auto* name :
       {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding", "net/ipv6/conf/all/disable_ipv6",
        "net/ipv6/conf/all/seg6_enabled", "net/ipv4/conf/all/rp_filter",
        "net/netfilter/nf_conntrack_count", "net/netfilter/nf_conntrack_max",
        "net/netfilter/nf_hooks_lwtunnel", "net/ipv6/route/max_size",
        "net/ipv4/neigh/default/gc_thresh3", "net/ipv6/neigh/default/gc_thresh3"})
    read_into(facts.host, name);
  auto devices = facts.uplinks;
  devices.insert(devices.end(), {"sextant0", "sextant1"});
  for (const auto& device : devices) {
    for (const auto* leaf :
         {"disable_ipv6", "accept_dad", "accept_ra", "seg6_enabled", "seg6_require_hmac"})
      read_into(facts.host, "net/ipv6/conf/" + device + "/" + leaf);
    read_into(facts.host, "net/ipv4/conf/" + device + "/rp_filter");
  }
  if (const auto name = dataplane::Gateway::name_here()) {
    if (const auto netns = Netns::open(*name))
      (void)netns->run([&] { read_into(facts.gateway, "net/ipv6/conf/outer/seg6_require_hmac"); });
  }
  if (const auto addresses = netlink::list_addresses(*socket, {.family = Family::kIpv6}))
    for (const auto& address : *addresses)
      if ((address.flags & IFA_F_DADFAILED) != 0)
        facts.duplicate_addresses.push_back(address.to_string() + " on " + names[address.link]);
  if (const auto routes = netlink::list_routes(*socket, {.family = Family::kIpv6})) {
    facts.ipv6_routes = routes->size();
    facts.router_advertised_default =
        std::any_of(routes->begin(), routes->end(), [](const netlink::Route& route) {
          return netlink::number(route.protocol) == kRouterAdvertisement &&
                 route.destination.length() == 0;
        });
  }
  for (const auto& [index, name] : names) {
    const auto neighbors = netlink::list_neighbors(*socket, index);
    if (!neighbors) continue;
    for (const auto& neighbor : *neighbors)
      if (!neighbor.is_permanent()) ++facts.neighbors[neighbor.address.is_v6() ? 1 : 0];
  }
  return facts;
}

OwnerFacts gather_owners() {
  OwnerFacts facts;
  auto socket = Socket::make();
  if (!socket) return facts;
  std::map<netlink::IfIndex, std::string> names;
  if (const auto links = netlink::list_links(*socket)) {
    for (const auto& link : *links) {
      names[link.index] = link.name;
      for (const auto* stem : {"cni0", "flannel", kCalicoPodPrefix.data(), "vxlan.calico", "cilium",
                               "lxc_health", "weave", "antrea-gw", "kube-bridge"})
        if (link.name.starts_with(stem) &&
            (facts.other_devices.empty() || facts.other_devices.back().find(stem) != 0))
          facts.other_devices.push_back(link.name);
    }
  }
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    const auto routes =
        netlink::list_routes(*socket, {.family = family, .table = netlink::TableId::kMain});
    if (!routes) continue;
    for (const auto& route : *routes) {
      if (route.protocol == netlink::RouteProtocol::kSextant ||
          route.protocol == netlink::RouteProtocol::kSextantCni)
        continue;
      facts.routes.push_back({.destination = route.destination,
                              .protocol = netlink::number(route.protocol),
                              .text = text_of(route, names)});
    }
  }
  static const std::map<std::string, std::string> kManagers{
      {"systemd-network", "systemd-networkd"},  // comm holds 15 characters
      {"NetworkManager", "NetworkManager"},
      {"zebra", "zebra"},
      {"bird", "bird"},
      {"babeld", "babeld"}};
  std::error_code error;
  const auto here = fs::read_symlink("/proc/thread-self/ns/net", error);
  fs::directory_iterator at("/proc", error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    const auto pid = std::atoi(at->path().filename().c_str());
    if (pid <= 0) continue;
    auto name = file_text(at->path() / "comm");
    if (!name.empty()) name.pop_back();
    const auto manager = kManagers.find(name);
    std::error_code gone;
    if (manager == kManagers.end() || fs::read_symlink(at->path() / "ns/net", gone) != here)
      continue;
    facts.processes.push_back({.name = manager->second, .pid = pid});
  }
  // networkd.conf(5): the main file first, then the snippets of all folders by their names.
  facts.networkd.push_back(file_text("/etc/systemd/networkd.conf"));
  std::map<std::string, fs::path> snippets;
  for (const auto* folder : {"/usr/lib/systemd/networkd.conf.d", "/run/systemd/networkd.conf.d",
                             "/etc/systemd/networkd.conf.d"}) {
    fs::directory_iterator files(folder, error);
    for (; !error && files != fs::directory_iterator(); files.increment(error))
      snippets[files->path().filename().string()] = files->path();
  }
  for (const auto& [name, path] : snippets) facts.networkd.push_back(file_text(path));
  for (const auto* folder : {"/usr/lib/NetworkManager/conf.d", "/run/NetworkManager/conf.d",
                             "/etc/NetworkManager/conf.d"}) {
    fs::directory_iterator files(folder, error);
    for (; !error && files != fs::directory_iterator(); files.increment(error)) {
      const auto text = file_text(files->path());
      if (text.find("unmanaged-devices") != std::string::npos &&
          text.find("sextant") != std::string::npos)
        facts.network_manager_ignores = true;
    }
  }
  return facts;
}

Firewall gather_firewall() {
  Firewall firewall;
  const auto json = footprint::nft_ruleset_json();
  if (!json) {
    firewall.unread = json.error().cause;
    return firewall;
  }
  auto chains = parse_nft(*json);
  if (!chains) {
    firewall.unread = chains.error().message();
    return firewall;
  }
  firewall.chains = std::move(*chains);
  // The old kernel interface has rules of its own, which nft does not show.
  const std::pair<const char*, const char*> legacy[] = {{"ip", "iptables-legacy-save"},
                                                        {"ip6", "ip6tables-legacy-save"}};
  for (const auto& [family, program] : legacy) {
    const auto names =
        file_text(std::string("/proc/thread-self/net/") +
                  (std::string_view(family) == "ip" ? "ip_tables_names" : "ip6_tables_names"));
    if (names.find("filter") == std::string::npos) continue;
    const auto saved = output_of(std::string("timeout 3 ") + program + " -t filter 2>/dev/null");
    if (saved.empty()) firewall.unread = std::string(program) + " tells nothing";
    for (auto& chain : parse_iptables_save(saved, family))
      firewall.chains.push_back(std::move(chain));
  }
  return firewall;
}

CniFacts gather_cni(const footprint::Places& places, std::size_t max_segments) {
  CniFacts facts;
  facts.here = !places.cni_configs.empty();
  if (facts.here) {
    facts.config_folder = places.cni_configs.front();
    facts.configs = footprint::cni_configs(facts.config_folder);
    for (const auto& folder : places.cni_programs) {
      facts.program_folders.push_back(folder.string());
      const auto program = folder / "sextant-cni";
      std::error_code error;
      if (!facts.program.empty() || !fs::exists(program, error)) continue;
      facts.program = program.string();
      facts.program_runs = ::access(program.c_str(), X_OK) == 0;
    }
  }
  auto socket = Socket::make();
  if (!socket) return facts;
  for (const auto& device : devices_of(*socket))
    if (device.kind == "veth" && (device.name.starts_with(dataplane::kPodDevicePrefix) ||
                                  device.name.starts_with(kCalicoPodPrefix)))
      facts.pod_devices[device.name] = device.mtu;
  if (const auto mtu = netlink::underlay_mtu(*socket); mtu && max_segments > 0)
    facts.pod_mtu = netlink::pod_mtu(*mtu, max_segments);
  return facts;
}

}  // namespace sextant::doctor
