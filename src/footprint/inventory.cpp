#include "footprint/inventory.h"

#include <algorithm>
#include <map>

#include "agent/defaults.h"
#include "dataplane/linux/gateway.h"
#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/rule.h"
#include "dataplane/linux/tc_program.h"
#include "footprint/cni_files.h"
#include "footprint/nft_tables.h"

namespace sextant::footprint {
namespace {

namespace fs = std::filesystem;
using netlink::RouteProtocol;

Result<void> add_devices(netlink::Socket& socket, Inventory& found) {
  const auto links = netlink::list_links(socket);
  if (!links) return tl::unexpected(links.error());
  std::vector<Item> own;
  for (const auto& link : *links) {
    const bool veth = link.kind == "veth";
    if (veth && link.name.starts_with(dataplane::kPodDevicePrefix))
      found.items.push_back({Kind::kPodDevice, link.name});
    if (veth && (link.name == dataplane::kHostInner || link.name == dataplane::kHostOuter))
      own.push_back({Kind::kDevice, link.name});
  }
  found.items.insert(found.items.end(), own.begin(), own.end());
  return {};
}

Result<void> add_gateway(Inventory& found) {
  const auto name = dataplane::Gateway::name_here();
  if (!name) return tl::unexpected(name.error());
  const auto names = netlink::Netns::list();
  if (!names) return tl::unexpected(names.error());
  if (std::find(names->begin(), names->end(), *name) != names->end()) {
    const bool whole = netlink::Netns::open(*name).has_value();
    found.items.push_back(
        {Kind::kNamespace, *name, whole ? "" : "the name alone, the namespace is gone"});
  }
  return {};
}

std::string table_name(netlink::TableId table) {
  if (table == netlink::TableId::kMain) return "main";
  return std::to_string(netlink::number(table));
}

Result<void> add_routes(netlink::Socket& socket, Inventory& found) {
  for (const auto protocol : {RouteProtocol::kSextant, RouteProtocol::kSextantCni}) {
    for (const auto family : {Family::kIpv4, Family::kIpv6}) {
      const auto routes = netlink::list_routes(socket, {.family = family, .protocol = protocol});
      if (!routes) return tl::unexpected(routes.error());
      std::map<netlink::TableId, std::size_t> counts;
      for (const auto& route : *routes) ++counts[route.table];
      for (const auto& [table, count] : counts) {
        found.items.push_back({Kind::kRoutes,
                               "table " + table_name(table) + " " +
                                   std::string(sextant::to_string(family)) + " protocol " +
                                   std::to_string(netlink::number(protocol)),
                               std::to_string(count) + (count == 1 ? " route" : " routes")});
      }
    }
  }
  return {};
}

Result<void> add_rules(netlink::Socket& socket, Inventory& found) {
  const auto rules = netlink::list_rules(socket);
  if (!rules) return tl::unexpected(rules.error());
  for (const auto& rule : *rules)
    if (rule.protocol == RouteProtocol::kSextant)
      found.items.push_back({Kind::kRule, rule.to_string()});
  return {};
}

Result<void> add_tc_programs(netlink::Socket& socket, Inventory& found) {
  const auto links = netlink::list_links(socket);
  if (!links) return tl::unexpected(links.error());
  for (const auto& link : *links) {
    // Those of sextant0 go with it.
    if (link.is_loopback() || link.name == dataplane::kHostInner ||
        link.name.starts_with(dataplane::kPodDevicePrefix))
      continue;
    for (const auto& [hook, name] : {std::pair{dataplane::TcHook::kIngress, " ingress"},
                                     std::pair{dataplane::TcHook::kEgress, " egress"}}) {
      const auto program = dataplane::find_tc_program(link.index, hook);
      // A kernel or a device without tc has none.
      if (program && *program) found.items.push_back({Kind::kTcProgram, link.name + name});
    }
  }
  return {};
}

void add_files(const Places& places, Inventory& found) {
  std::vector<CniConfig> all;
  for (const auto& folder : places.cni_configs)
    for (auto& config : cni_configs(folder)) all.push_back(std::move(config));
  auto configs = all;
  std::erase_if(configs, [](const CniConfig& config) { return !config.own; });
  for (const auto& config : configs)
    found.items.push_back({Kind::kCniConfig, config.path.string(), config.damage});
  for (const auto& folder : places.cni_programs)
    for (const auto& program : own_cni_programs(folder, all))
      found.items.push_back({Kind::kCniProgram, program.string()});
  std::error_code ignored;
  for (const auto& config : configs) {
    if (config.network.empty()) continue;
    const auto folder =
        (config.lease_directory.empty() ? places.leases : config.lease_directory) / config.network;
    if (fs::is_directory(folder, ignored)) found.items.push_back({Kind::kLeases, folder.string()});
  }
  if (!places.socket.empty()) {
    auto lock = places.socket;
    lock += ".lock";
    for (const auto& path : {places.socket, lock})
      if (fs::exists(fs::symlink_status(path, ignored)))
        found.items.push_back({Kind::kRuntime, path.string()});
    // A folder of another name is not ours: --socket may point anywhere.
    const auto folder = places.socket.parent_path();
    if (folder.filename() == "sextant" && fs::is_directory(folder, ignored))
      found.items.push_back({Kind::kRuntime, folder.string()});
  }
  if (!places.manifests.empty() && fs::is_directory(places.manifests, ignored))
    found.items.push_back({Kind::kManifests, places.manifests.string()});
}

}  // namespace

Places default_places() {
  const auto gateway = dataplane::Gateway::name_here();
  if (gateway && *gateway != "sextant") return {.socket = agent::kDefaultSocket};
  return {.socket = agent::kDefaultSocket,
          .cni_configs = {"/etc/cni/net.d"},
          .cni_programs = {"/opt/cni/bin", "/usr/lib/cni"},
          .leases = "/var/lib/cni/networks",
          .manifests = agent::kDefaultManifests};
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::kPodDevice:
      return "pod device";
    case Kind::kDevice:
      return "device";
    case Kind::kNamespace:
      return "gateway namespace";
    case Kind::kRoutes:
      return "routes";
    case Kind::kRule:
      return "rule";
    case Kind::kNftTable:
      return "nftables table";
    case Kind::kTcProgram:
      return "BPF program";
    case Kind::kCniConfig:
      return "CNI configuration";
    case Kind::kCniProgram:
      return "CNI program";
    case Kind::kLeases:
      return "address leases";
    case Kind::kRuntime:
      return "runtime file";
    case Kind::kManifests:
      return "manifests";
  }
  return "";
}

bool Inventory::has(Kind kind) const {
  return std::any_of(items.begin(), items.end(),
                     [kind](const Item& item) { return item.kind == kind; });
}

std::vector<std::string> Inventory::names(Kind kind) const {
  std::vector<std::string> found;
  for (const auto& item : items)
    if (item.kind == kind) found.push_back(item.name);
  return found;
}

Result<Inventory> take_inventory(const Places& places) {
  Inventory found{.agent = running_agent(), .items = {}};
  auto socket = netlink::Socket::make();
  if (!socket) return tl::unexpected(socket.error());
  if (auto done = add_devices(*socket, found); !done) return tl::unexpected(done.error());
  if (auto done = add_gateway(found); !done) return tl::unexpected(done.error());
  if (auto done = add_routes(*socket, found); !done) return tl::unexpected(done.error());
  if (auto done = add_rules(*socket, found); !done) return tl::unexpected(done.error());
  const auto tables = own_nft_tables();
  if (!tables) return tl::unexpected(tables.error());
  for (const auto& table : *tables) found.items.push_back({Kind::kNftTable, table});
  if (auto done = add_tc_programs(*socket, found); !done) return tl::unexpected(done.error());
  add_files(places, found);
  return found;
}

}  // namespace sextant::footprint
