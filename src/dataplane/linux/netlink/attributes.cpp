#include "dataplane/linux/netlink/attributes.h"

#include <linux/rtnetlink.h>

#include <algorithm>

namespace sextant::netlink {
namespace {

// Calls `visit(type, payload)` until it returns true or the attributes end. A broken length ends
// the walk.
template <typename Visit>
void walk(std::span<const std::uint8_t> bytes, Visit visit) {
  const auto* attribute = reinterpret_cast<const rtattr*>(bytes.data());
  int left = static_cast<int>(bytes.size());
  while (RTA_OK(attribute, left)) {
    const auto* payload = static_cast<const std::uint8_t*>(RTA_DATA(attribute));
    const auto type = static_cast<std::uint16_t>(attribute->rta_type & NLA_TYPE_MASK);
    if (visit(type, std::span(payload, RTA_PAYLOAD(attribute)))) return;
    attribute = RTA_NEXT(attribute, left);
  }
}

}  // namespace

std::optional<std::span<const std::uint8_t>> Attributes::bytes(std::uint16_t type) const {
  std::optional<std::span<const std::uint8_t>> found;
  walk(bytes_, [&](std::uint16_t have, std::span<const std::uint8_t> payload) {
    if (have == type) found = payload;
    return found.has_value();
  });
  return found;
}

std::optional<std::string> Attributes::text(std::uint16_t type) const {
  const auto payload = bytes(type);
  if (!payload) return std::nullopt;
  return std::string(payload->begin(), std::find(payload->begin(), payload->end(), 0));
}

std::optional<IpAddress> Attributes::address(std::uint16_t type) const {
  const auto payload = bytes(type);
  if (!payload) return std::nullopt;
  if (payload->size() == 4) return IpAddress(*structure<Ipv4Address>(type));
  if (payload->size() == 16) return IpAddress(*structure<Ipv6Address>(type));
  return std::nullopt;
}

void Attributes::for_each(
    const std::function<void(std::uint16_t, std::span<const std::uint8_t>)>& visit) const {
  walk(bytes_, [&](std::uint16_t type, std::span<const std::uint8_t> payload) {
    visit(type, payload);
    return false;
  });
}

Attributes Attributes::behind(const nlmsghdr& message, std::size_t header_size) {
  const std::size_t start = NLMSG_HDRLEN + NLMSG_ALIGN(header_size);
  if (message.nlmsg_len < start) return {};
  return Attributes(
      {reinterpret_cast<const std::uint8_t*>(&message) + start, message.nlmsg_len - start});
}

}  // namespace sextant::netlink
