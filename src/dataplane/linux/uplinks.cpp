#include "dataplane/linux/uplinks.h"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/address.h"
#include "dataplane/linux/netlink/attributes.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/message.h"

namespace sextant::dataplane {
namespace {

Result<bool> has_gateway_route(netlink::Socket& socket, netlink::IfIndex link) {
  netlink::Message dump(RTM_GETROUTE, 0, rtmsg{.rtm_family = AF_INET6});
  dump.u32(RTA_TABLE, netlink::number(netlink::TableId::kMain)).u32(RTA_OIF, netlink::number(link));
  bool found = false;
  const auto read = socket.dump(dump, [&](const nlmsghdr& message) {
    const auto attributes = netlink::Attributes::of<rtmsg>(message);
    found |= attributes.address(RTA_GATEWAY).has_value() || attributes.has(RTA_MULTIPATH) ||
             attributes.has(RTA_NH_ID);
  });
  if (!read) return tl::unexpected(read.error());
  return found;
}

}  // namespace

std::set<Uplink> Uplinks::ethernet() const {
  auto devices = devices_;
  std::erase_if(devices, [](const Uplink& uplink) { return !uplink.ethernet; });
  return devices;
}

std::set<std::string> Uplinks::names() const {
  std::set<std::string> names;
  for (const auto& device : devices_) names.insert(device.name);
  return names;
}

std::string Uplinks::to_string() const {
  std::string text;
  for (const auto& device : devices_) text += (text.empty() ? "" : ", ") + device.name;
  return text;
}

bool Uplinks::is_named(const std::string& device) const {
  return std::ranges::any_of(names_, [&](const std::string& name) {
    const std::string_view wanted(name);
    return wanted.ends_with('*') ? device.starts_with(wanted.substr(0, wanted.size() - 1))
                                 : device == wanted;
  });
}

Result<bool> Uplinks::refresh(netlink::Socket& socket) {
  const auto links = netlink::list_links(socket);
  if (!links) return tl::unexpected(links.error());
  const auto addresses = netlink::list_addresses(socket, {.family = Family::kIpv6});
  if (!addresses) return tl::unexpected(addresses.error());
  std::set<netlink::IfIndex> global;
  for (const auto& address : *addresses) {
    if (address.scope == netlink::AddressScope::kUniverse) global.insert(address.link);
  }
  std::set<Uplink> devices;
  std::set<netlink::IfIndex> candidates, routed;
  for (const auto& link : *links) {
    const bool ours = link.name == kHostInner || link.name == kHostOuter ||
                      link.name.starts_with(kPodDevicePrefix);
    if (ours || link.is_loopback()) continue;
    bool uplink =
        names_.empty() ? global.contains(link.index) && link.kind != "bridge" : is_named(link.name);
    if (!uplink && names_.empty()) {
      uplink = routed_.contains(link.index);
      if (!uplink) {
        const auto found = has_gateway_route(socket, link.index);
        if (!found) return tl::unexpected(found.error());
        uplink = *found;
      }
      (uplink ? routed : candidates).insert(link.index);
    }
    // A device without a hardware address carries no Ethernet header to rewrite.
    if (uplink) {
      devices.insert({.index = netlink::number(link.index),
                      .name = link.name,
                      .ethernet = link.mac != netlink::MacAddress{}});
    }
  }
  // None up at the moment: pods keep the minimum, which passes everywhere.
  const auto underlay = netlink::underlay_mtu(socket);
  const auto mtu = underlay ? *underlay : 0;
  const bool changed = devices != devices_ || mtu != mtu_;
  devices_ = std::move(devices);
  candidates_ = std::move(candidates);
  routed_ = std::move(routed);
  mtu_ = mtu;
  return changed;
}

}  // namespace sextant::dataplane
