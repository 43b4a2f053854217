#include "cni/maintenance.h"

#include <algorithm>
#include <set>

#include "cni/ipam.h"
#include "cni/leases.h"
#include "cni/node.h"
#include "cni/pod_link.h"
#include "dataplane/linux/netlink/mtu.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/sysctl.h"

namespace sextant::cni {
namespace {

using netlink::Socket;

// The agent's device towards the other nodes.
const std::string kOverlayDevice = std::string(netlink::kOwnLinkPrefix) + "0";

Outcome<void> require_1_1(const NetworkConfig& config, const char* command) {
  if (config.cni_version == "1.1.0") return {};
  return refuse(ErrorCode::kIncompatibleVersion,
                "cniVersion: '" + config.cni_version + "' has no " + command,
                std::string(command) + " came with 1.1.0");
}

// A device that is not ours delivers the address without a gateway: its pod lives, whoever made it.
bool used_by_another_device(Socket& host, const IpAddress& address) {
  const auto route = netlink::lookup_route(host, address);
  if (!route || route->type != netlink::RouteType::kUnicast || route->next_hops.size() != 1 ||
      route->next_hops[0].gateway) {
    return false;
  }
  const auto device = netlink::get_link(host, route->next_hops[0].link);
  return device && device->is_running() && !device->name.starts_with(netlink::kPodLinkPrefix) &&
         !device->name.starts_with(netlink::kOwnLinkPrefix);
}

// Errors of a work that goes on: the first one counts.
class FirstError {
 public:
  void add(const char* message, const Error& error) {
    if (!error_) error_ = refuse(ErrorCode::kNetwork, message, error).value();
  }
  void add(const CniError& error) {
    if (!error_) error_ = error;
  }
  [[nodiscard]] Outcome<std::string> outcome() const {
    if (error_) return tl::unexpected(*error_);
    return std::string();
  }

 private:
  std::optional<CniError> error_;
};

// The leases of attachments that the runtime does not know. An IPAM plugin that speaks GC does it
// by itself; of host-local we know the store; any other is told of each attachment that we knew of.
void release_unknown_leases(Ipam& ipam, const NetworkConfig& config, const std::set<Owner>& unknown,
                            Socket& host, FirstError& errors) {
  const auto forwarded = ipam.forward("GC");
  if (!forwarded) errors.add(forwarded.error());
  if (!forwarded || *forwarded) return;
  if (config.lease_folder.empty()) {
    for (const Owner& owner : unknown) {
      if (auto done = ipam.del(owner); !done) errors.add(done.error());
    }
    return;
  }
  const auto& valid = *config.valid_attachments;
  const auto released = release_leases(config.lease_folder, [&](const Lease& lease) {
    if (!lease.owner) return !used_by_another_device(host, lease.address);
    if (!lease.owner->ifname.empty()) return !valid.contains(*lease.owner);
    return std::none_of(valid.begin(), valid.end(), [&](const Owner& each) {
      return each.container_id == lease.owner->container_id;
    });
  });
  if (!released) {
    errors.add("cannot release leases", released.error());
    return;
  }
  // Attachments that only the lease told of (no alias).
  for (const Lease& lease : *released) {
    if (!lease.owner || lease.owner->ifname.empty()) continue;
    if (auto gone = detach(host, link_names(*lease.owner).host); !gone) {
      errors.add("cannot detach a pod", gone.error());
    }
  }
}

}  // namespace

Outcome<std::string> collect_garbage(const Invocation& invocation, const NetworkConfig& config) {
  if (auto speaks = require_1_1(config, "GC"); !speaks) return tl::unexpected(speaks.error());
  if (!config.valid_attachments) {
    return refuse(ErrorCode::kInvalidConfig, "cni.dev/valid-attachments: missing",
                  "without it every pod would be detached");
  }
  auto host = open_socket();
  if (!host) return tl::unexpected(host.error());
  auto ipam = Ipam::find(config, invocation.plugin_path);
  if (!ipam) return tl::unexpected(ipam.error());
  const auto owners = list_owners(*host, config.name);
  if (!owners) return refuse(ErrorCode::kNetwork, "cannot list attachments", owners.error());
  FirstError errors;
  std::set<Owner> unknown;
  for (const Owner& owner : *owners) {
    if (config.valid_attachments->contains(owner)) continue;
    unknown.insert(owner);
    if (auto gone = detach(*host, link_names(owner).host); !gone) {
      errors.add("cannot detach a pod", gone.error());
    }
  }
  release_unknown_leases(*ipam, config, unknown, *host, errors);
  return errors.outcome();
}

Outcome<std::string> report_status(const Invocation& invocation, const NetworkConfig& config) {
  if (auto speaks = require_1_1(config, "STATUS"); !speaks) return tl::unexpected(speaks.error());
  auto host = open_socket();
  if (!host) return tl::unexpected(host.error());
  auto ipam = Ipam::find(config, invocation.plugin_path);
  if (!ipam) return refuse(ErrorCode::kNotAvailable, ipam.error().message, ipam.error().details);
  if (auto mtu = choose_mtu(config, *host); !mtu) {
    return refuse(ErrorCode::kNotAvailable, mtu.error().message, mtu.error().details);
  }
  if (auto ready = ipam->forward("STATUS"); !ready) return tl::unexpected(ready.error());

  // What the agent sets up, and what stays when it is replaced.
  const auto overlay = netlink::find_link(*host, kOverlayDevice);
  if (!overlay) return refuse(ErrorCode::kNetwork, "cannot read devices", overlay.error());
  if (!*overlay || !(*overlay)->is_running()) {
    return refuse(ErrorCode::kLimitedConnectivity, "pods cannot reach other nodes",
                  "device " + kOverlayDevice + (*overlay ? " is down" : " is missing") +
                      ": is sextantd running? (sextant status)");
  }
  for (const char* sysctl : {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"}) {
    const auto value = netlink::read_sysctl(sysctl);
    if (value && *value == "0") {
      return refuse(ErrorCode::kLimitedConnectivity, "the node does not forward packets",
                    "sysctl " + std::string(sysctl) + " is 0: set it to 1");
    }
  }
  return std::string();
}

void release_dead_leases(Socket& host, const NetworkConfig& config) {
  if (config.lease_folder.empty()) return;
  // An error here would hide the one that matters: that there is no address.
  (void)release_leases(config.lease_folder, [&](const Lease& lease) {
    if (used_by_another_device(host, lease.address)) return false;
    if (!lease.owner) return true;
    if (lease.owner->ifname.empty()) return false;  // not of a version that we ever ran with
    const auto device = netlink::find_link(host, link_names(*lease.owner).host);
    return device && !*device;
  });
}

}  // namespace sextant::cni
