#include "testbed/underlay.h"

#include <charconv>
#include <functional>
#include <map>

#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/socket.h"
#include "dataplane/linux/netlink/sysctl.h"

namespace sextant::testbed {
namespace {

using netlink::Netns;

/// Everything that one machine needs, gathered from the topology's tables.
struct Machine {
  std::vector<std::pair<std::string, std::string>> sysctls;
  std::vector<LinkEnd> devices;
  std::vector<std::string> loopbacks;
  std::vector<std::string> gateways;
  bool bridge = false;
};

using Sysctls = std::vector<std::pair<std::string, std::string>>;

/// Before any device is made: new devices take over `default`.
const Sysctls& common_sysctls() {
  // Without duplicate address detection link-local addresses are usable at once.
  static const Sysctls values{{"net/ipv6/conf/all/accept_dad", "0"},
                              {"net/ipv6/conf/default/accept_dad", "0"},
                              {"net/ipv6/conf/default/accept_ra", "0"}};
  return values;
}

const Sysctls& forwarding_sysctls() {
  static const Sysctls values{{"net/ipv4/ip_forward", "1"}, {"net/ipv6/conf/all/forwarding", "1"}};
  return values;
}

const Sysctls& router_sysctls() {
  // A device takes SRHs only where both `all` and its own value say so (kernel: min of both).
  static const Sysctls values{{"net/ipv6/conf/all/seg6_enabled", "1"},
                              {"net/ipv6/conf/default/seg6_enabled", "1"},
                              {"net/ipv6/conf/lo/seg6_enabled", "1"},
                              // Detours make paths differ by direction.
                              {"net/ipv4/conf/all/rp_filter", "0"},
                              {"net/ipv4/conf/default/rp_filter", "0"}};
  return values;
}

void append(Sysctls& onto, const Sysctls& more) {
  onto.insert(onto.end(), more.begin(), more.end());
}

std::map<std::string, Machine> gather(const Topology& lab) {
  std::map<std::string, Machine> machines;
  for (const std::string& name : lab.machines()) machines[name].sysctls = common_sysctls();
  for (const Router& router : lab.routers) {
    append(machines[router.name].sysctls, forwarding_sysctls());
    append(machines[router.name].sysctls, router_sysctls());
    machines[router.name].loopbacks = router.loopbacks;
  }
  for (const ClusterNode& node : lab.nodes) {
    append(machines[node.name].sysctls, forwarding_sysctls());
    machines[node.name].gateways = node.gateways;
  }
  for (const Host& host : lab.hosts) machines[host.name].gateways = host.gateways;
  if (!lab.bridge.empty()) machines[lab.bridge].bridge = true;
  for (const Link& link : lab.links) {
    for (const LinkEnd& end : {link.a, link.b}) machines[end.machine].devices.push_back(end);
  }
  return machines;
}

Result<void> set_sysctls(const Machine& machine) {
  for (const auto& [name, value] : machine.sysctls) {
    if (auto written = netlink::write_sysctl(name, value); !written) {
      return tl::unexpected(written.error());
    }
  }
  return {};
}

Result<netlink::InterfaceAddress> parse(netlink::IfIndex link, const std::string& text) {
  const auto address = IpAddress::parse(without_length(text));
  if (!address) return tl::unexpected(address.error());
  std::uint8_t length = address_bits(address->family());
  if (const std::size_t slash = text.find('/'); slash != std::string::npos) {
    std::from_chars(text.data() + slash + 1, text.data() + text.size(), length);
  }
  return netlink::InterfaceAddress{.link = link, .address = *address, .prefix_length = length};
}

Result<void> bring_up(netlink::Socket& socket, const std::string& device,
                      const std::vector<std::string>& addresses,
                      std::optional<netlink::IfIndex> master) {
  const auto link = netlink::get_link(socket, device);
  if (!link) return tl::unexpected(link.error());
  for (const std::string& text : addresses) {
    const auto address = parse(link->index, text);
    if (!address) return tl::unexpected(address.error());
    if (auto added = netlink::add_address(socket, *address); !added) return added;
  }
  return netlink::change_link(socket, link->index, {.up = true, .master = master});
}

Result<void> add_default_route(netlink::Socket& socket, const std::string& gateway) {
  const auto address = IpAddress::parse(gateway);
  if (!address) return tl::unexpected(address.error());
  const IpAddress any = address->is_v4() ? IpAddress{Ipv4Address{}} : IpAddress{Ipv6Address{}};
  return netlink::replace_route(
      socket, {.destination = IpPrefix{any, 0}, .next_hops = {{.gateway = *address}}});
}

/// Inside the machine's namespace, when its veth ends are there.
Result<void> configure(const Machine& machine) {
  auto socket = netlink::Socket::make();
  if (!socket) return tl::unexpected(socket.error());
  if (auto up = bring_up(*socket, "lo", machine.loopbacks, {}); !up) return up;
  std::optional<netlink::IfIndex> master;
  if (machine.bridge) {
    if (auto made = netlink::create_link(*socket, "bridge", "bridge"); !made) return made;
    const auto bridge = netlink::get_link(*socket, "bridge");
    if (!bridge) return tl::unexpected(bridge.error());
    master = bridge->index;
    if (auto up = netlink::set_link_up(*socket, "bridge"); !up) return up;
  }
  for (const LinkEnd& end : machine.devices) {
    if (auto up = bring_up(*socket, end.device, end.addresses, master); !up) return up;
  }
  for (const std::string& gateway : machine.gateways) {
    if (auto added = add_default_route(*socket, gateway); !added) return added;
  }
  return {};
}

Result<Netns> make_machine(const Id& id, const std::string& name, const Machine& machine) {
  auto space = Netns::create(id.netns(name));
  if (!space) return space;
  if (auto set = space->run([&machine] { return set_sysctls(machine); }); !set) {
    return tl::unexpected(set.error());
  }
  return space;
}

Result<void> run_on(const Netns& space, const std::string& name,
                    const std::function<Result<void>()>& function) {
  auto done = space.run(function);
  if (done) return done;
  Error error = done.error();
  error.object = name + ": " + error.object;
  return tl::unexpected(error);
}

/// The far end of a cable to a machine that was built anew.
Result<void> configure_end(const LinkEnd& end, bool bridge) {
  auto socket = netlink::Socket::make();
  if (!socket) return tl::unexpected(socket.error());
  std::optional<netlink::IfIndex> master;
  if (bridge) {
    const auto link = netlink::get_link(*socket, "bridge");
    if (!link) return tl::unexpected(link.error());
    master = link->index;
  }
  return bring_up(*socket, end.device, end.addresses, master);
}

/// The cables of `machine`, its own end first.
std::vector<std::pair<LinkEnd, LinkEnd>> cables(const Topology& lab, const std::string& machine) {
  std::vector<std::pair<LinkEnd, LinkEnd>> result;
  for (const Link& link : lab.links) {
    if (link.a.machine == machine) result.emplace_back(link.a, link.b);
    if (link.b.machine == machine) result.emplace_back(link.b, link.a);
  }
  return result;
}

}  // namespace

Result<void> build_underlay(const Id& id, const Topology& lab) {
  const std::map<std::string, Machine> machines = gather(lab);
  std::map<std::string, Netns> spaces;
  for (const auto& [name, machine] : machines) {
    auto space = make_machine(id, name, machine);
    if (!space) return tl::unexpected(space.error());
    spaces.emplace(name, std::move(*space));
  }
  // Any namespace will do for the requests: both ends of a pair appear in their own at once.
  auto socket = spaces.begin()->second.run([] { return netlink::Socket::make(); });
  if (!socket) return tl::unexpected(socket.error());
  for (const Link& link : lab.links) {
    const auto end = [&spaces](const LinkEnd& e) {
      return netlink::VethEnd{
          .name = e.device, .netns = &spaces.at(e.machine), .mtu = kUnderlayMtu};
    };
    if (auto made = netlink::create_veth(*socket, end(link.a), end(link.b)); !made) return made;
  }
  for (const auto& [name, machine] : machines) {
    auto configured = run_on(spaces.at(name), name, [&m = machine] { return configure(m); });
    if (!configured) return configured;
  }
  return {};
}

Result<void> remove_machine(const Id& id, const Topology& lab, const std::string& machine) {
  for (const auto& [own, far] : cables(lab, machine)) {
    const auto space = Netns::open(id.netns(far.machine));
    if (!space) return tl::unexpected(space.error());
    // At once: a namespace takes its devices away only some time after its last process has ended.
    auto removed = run_on(*space, far.machine, [&device = far.device]() -> Result<void> {
      auto socket = netlink::Socket::make();
      if (!socket) return tl::unexpected(socket.error());
      const auto link = netlink::find_link(*socket, device);
      if (!link) return tl::unexpected(link.error());
      if (!*link) return {};  // taken out before
      return netlink::delete_link(*socket, (*link)->index);
    });
    if (!removed) return removed;
  }
  return Netns::remove(id.netns(machine));
}

Result<void> rebuild_machine(const Id& id, const Topology& lab, const std::string& machine) {
  const Machine plan = gather(lab).at(machine);
  const auto space = make_machine(id, machine, plan);
  if (!space) return tl::unexpected(space.error());
  auto socket = space->run([] { return netlink::Socket::make(); });
  if (!socket) return tl::unexpected(socket.error());
  for (const auto& [own, far] : cables(lab, machine)) {
    const auto other = Netns::open(id.netns(far.machine));
    if (!other) return tl::unexpected(other.error());
    auto made =
        netlink::create_veth(*socket, {.name = own.device, .netns = &*space, .mtu = kUnderlayMtu},
                             {.name = far.device, .netns = &*other, .mtu = kUnderlayMtu});
    if (!made) return made;
    const bool bridge = far.machine == lab.bridge;
    auto configured =
        run_on(*other, far.machine, [&end = far, bridge] { return configure_end(end, bridge); });
    if (!configured) return configured;
  }
  return run_on(*space, machine, [&plan] { return configure(plan); });
}

}  // namespace sextant::testbed
