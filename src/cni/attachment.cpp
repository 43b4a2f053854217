#include "cni/attachment.h"

#include <algorithm>
#include <boost/json.hpp>
#include <future>

#include "cni/attachment_result.h"
#include "cni/ipam.h"
#include "cni/maintenance.h"
#include "cni/node.h"
#include "cni/pod_link.h"

namespace sextant::cni {
namespace {

namespace json = boost::json;
using netlink::Netns;
using netlink::Socket;

// The pod's namespace; never the node's own, where we would move its devices about.
Outcome<Netns> open_pod(const Invocation& invocation) {
  auto pod = Netns::open_path(invocation.netns);
  if (!pod) {
    return refuse(ErrorCode::kUnknownContainer, "CNI_NETNS: no such network namespace",
                  pod.error());
  }
  const auto node = Netns::current();
  if (!node) return refuse(ErrorCode::kNetwork, "cannot open the own namespace", node.error());
  const auto pod_id = pod->id(), node_id = node->id();
  if (pod_id && node_id && *pod_id == *node_id) {
    return refuse(ErrorCode::kInvalidEnvironment, "CNI_NETNS: the node's own network namespace",
                  invocation.netns);
  }
  return std::move(*pod);
}

Owner owner_of(const Invocation& invocation) {
  return {.container_id = invocation.container_id, .ifname = invocation.ifname};
}

PodLink describe(const Invocation& invocation, const NetworkConfig& config) {
  PodLink link{.names = link_names(owner_of(invocation)),
               .ifname = invocation.ifname,
               .alias = link_alias(config.name, owner_of(invocation))};
  if (config.mac) link.names.pod_mac = *config.mac;
  return link;
}

AttachmentResult describe_result(const NetworkConfig& config, const Invocation& invocation,
                                 const PodLink& link, const AttachmentResult& lease) {
  // In a chain the earlier plugins' results stay.
  AttachmentResult result = config.previous.value_or(AttachmentResult{});
  result.interfaces.push_back(
      {.name = link.names.host, .mac = link.names.host_mac.to_string(), .mtu = link.mtu});
  result.interfaces.push_back({.name = link.ifname,
                               .mac = link.names.pod_mac.to_string(),
                               .sandbox = invocation.netns,
                               .mtu = link.mtu});
  for (const IpAddress& address : link.addresses) {
    result.ips.push_back({.address = address,
                          .prefix_length = address_bits(address.family()),
                          .gateway = gateway(address.family()),
                          .interface = result.interfaces.size() - 1});
  }
  for (const ResultRoute& route : pod_routes(link)) result.routes.push_back(route);
  if (config.dns) {
    result.dns = *config.dns;
  } else if (!lease.dns.empty()) {
    result.dns = lease.dns;
  }
  return result;
}

// We make the pod's interface: a plugin before us that has made one of that name is in our place.
Outcome<void> refuse_second_interface(const Invocation& invocation, const NetworkConfig& config) {
  if (!config.previous) return {};
  for (const ResultInterface& each : config.previous->interfaces) {
    if (each.name == invocation.ifname && each.sandbox == invocation.netns) {
      return refuse(
          ErrorCode::kInvalidConfig,
          "prevResult: an earlier plugin has made " + each.name + " already",
          "sextant-cni makes the pod's interface: let it be the first plugin of the list");
    }
  }
  return {};
}

// The addresses, while the devices come up. host-local forgets no lease by itself: where it gives
// none, those of pods that are gone (a reboot) are released, and it is asked once more.
Outcome<AttachmentResult> lease_and_bring_up(Ipam& ipam, Socket& host, const Netns& pod,
                                             const NetworkConfig& config, const PodLink& link) {
  auto asked = std::async(std::launch::async, [&] { return ipam.add(); });
  const auto up = bring_up(host, pod, link);
  auto lease = asked.get();
  if (!up) {
    if (lease) (void)ipam.del();  // its error would hide the one that matters
    return refuse(ErrorCode::kNetwork, "cannot bring the pod's interface up", up.error());
  }
  if (!lease && !config.lease_folder.empty()) {
    // Also where none was released: another ADD may have done it in between.
    release_dead_leases(host, config);
    lease = ipam.add();
  }
  return lease;
}

}  // namespace

Outcome<std::string> add(const Invocation& invocation, const NetworkConfig& config) {
  if (auto first = refuse_second_interface(invocation, config); !first) {
    return tl::unexpected(first.error());
  }
  const auto pod = open_pod(invocation);
  if (!pod) return tl::unexpected(pod.error());
  auto host = open_socket();
  if (!host) return tl::unexpected(host.error());
  PodLink link = describe(invocation, config);
  const auto mtu = choose_mtu(config, *host);
  if (!mtu) return tl::unexpected(mtu.error());
  link.mtu = *mtu;
  auto ipam = Ipam::find(config, invocation.plugin_path);
  if (!ipam) return tl::unexpected(ipam.error());

  // The device comes before the lease. An attachment that is there already (a second ADD) is found
  // before anything of it is touched.
  if (auto made = create(*host, *pod, link); !made) {
    return refuse(ErrorCode::kNetwork, "cannot attach the pod", made.error());
  }
  const auto lease = lease_and_bring_up(*ipam, *host, *pod, config, link);
  if (!lease) {
    (void)detach(*host, link.names.host);
    return tl::unexpected(lease.error());
  }
  for (const ResultIp& ip : lease->ips) link.addresses.push_back(ip.address);
  link.routes = lease->routes;
  if (auto done = configure(*host, *pod, link); !done) {
    (void)detach(*host, link.names.host);
    (void)ipam->del();
    return refuse(ErrorCode::kNetwork, "cannot attach the pod", done.error());
  }
  return json::serialize(
      to_json(describe_result(config, invocation, link, *lease), config.cni_version));
}

Outcome<std::string> del(const Invocation& invocation, const NetworkConfig& config) {
  auto host = open_socket();
  if (!host) return tl::unexpected(host.error());
  const std::string device = link_names(owner_of(invocation)).host;
  // The address is given to the next pod only when nothing routes it here. The device itself goes
  // while the IPAM plugin runs.
  const auto down = take_down(*host, device);
  auto ipam = Ipam::find(config, invocation.plugin_path);
  if (!ipam) {
    (void)detach(*host, device);
    return tl::unexpected(ipam.error());
  }
  auto releasing =
      std::async(down ? std::launch::async : std::launch::deferred, [&] { return ipam->del(); });
  const auto detached = detach(*host, device);
  const auto released = releasing.get();
  if (!detached) {
    return refuse(ErrorCode::kNetwork, "cannot detach the pod", detached.error());
  }
  if (!released) return tl::unexpected(released.error());
  return std::string();
}

namespace {

// What ADD said it made: the addresses on the pod's interface, and the routes.
Outcome<PodLink> expected_link(const Invocation& invocation, const NetworkConfig& config) {
  if (config.cni_version == "0.3.1") {
    return refuse(ErrorCode::kIncompatibleVersion, "cniVersion: '0.3.1' has no CHECK",
                  "CHECK came with 0.4.0");
  }
  if (!config.previous) return refuse(ErrorCode::kInvalidConfig, "prevResult: missing");
  const AttachmentResult& previous = *config.previous;
  const auto ours = std::find_if(
      previous.interfaces.begin(), previous.interfaces.end(), [&](const ResultInterface& each) {
        return each.name == invocation.ifname && each.sandbox == invocation.netns;
      });
  if (ours == previous.interfaces.end()) {
    return refuse(ErrorCode::kInvalidConfig,
                  "prevResult.interfaces: no '" + invocation.ifname + "' in " + invocation.netns);
  }
  PodLink link = describe(invocation, config);
  // A plugin behind us in the chain may have given the pod another MAC address ("tuning"); it is in
  // the result then.
  if (!ours->mac.empty()) {
    const auto mac = netlink::MacAddress::parse(ours->mac);
    if (!mac) {
      return refuse(ErrorCode::kInvalidConfig, "prevResult.interfaces: wrong mac", mac.error());
    }
    link.names.pod_mac = *mac;
  }
  const auto index = static_cast<std::size_t>(ours - previous.interfaces.begin());
  for (const ResultIp& ip : previous.ips) {
    if (ip.interface.value_or(index) == index) link.addresses.push_back(ip.address);
  }
  if (link.addresses.empty()) {
    return refuse(ErrorCode::kInvalidConfig,
                  "prevResult.ips: no address of '" + invocation.ifname + "'");
  }
  for (const ResultRoute& route : previous.routes) {
    // Others' routes are others' to check.
    if (route.gateway == gateway(route.destination.family())) link.routes.push_back(route);
  }
  link.mtu = ours->mtu.value_or(0);
  return link;
}

}  // namespace

Outcome<std::string> check(const Invocation& invocation, const NetworkConfig& config) {
  auto link = expected_link(invocation, config);
  if (!link) return tl::unexpected(link.error());
  auto ipam = Ipam::find(config, invocation.plugin_path);
  if (!ipam) return tl::unexpected(ipam.error());
  if (auto leased = ipam->check(); !leased) return tl::unexpected(leased.error());
  const auto pod = open_pod(invocation);
  if (!pod) return tl::unexpected(pod.error());
  auto host = open_socket();
  if (!host) return tl::unexpected(host.error());
  auto knowledge = MtuKnowledge::kExact;
  if (link->mtu == 0) {  // results before 1.1.0 do not tell
    const auto mtu = choose_mtu(config, *host);
    if (!mtu) return tl::unexpected(mtu.error());
    link->mtu = *mtu;
    if (!config.mtu) knowledge = MtuKnowledge::kAtMost;
  }
  if (auto done = verify(*host, *pod, *link, knowledge); !done) {
    return refuse(ErrorCode::kCheckFailed, "the pod's attachment is damaged", done.error());
  }
  return std::string();
}

}  // namespace sextant::cni
