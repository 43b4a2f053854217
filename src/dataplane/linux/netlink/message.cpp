#include "dataplane/linux/netlink/message.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cassert>
#include <cstring>

namespace sextant::netlink {
namespace {

struct Object {
  std::uint16_t first_type;  // RTM_NEW...; RTM_DEL, RTM_GET and RTM_SET follow
  const char* name;
};
constexpr std::array kObjects{
    Object{RTM_NEWLINK, "link"},
    Object{RTM_NEWADDR, "address"},
    Object{RTM_NEWROUTE, "route"},
    Object{RTM_NEWNEIGH, "neighbor"},
    Object{RTM_NEWRULE, "routing rule"},
    Object{RTM_NEWQDISC, "qdisc"},
    Object{RTM_NEWTCLASS, "traffic class"},
    Object{RTM_NEWTFILTER, "traffic filter"},
    Object{RTM_NEWNSID, "namespace id"},
    Object{RTM_NEWNEXTHOP, "nexthop"},
};

}  // namespace

Message::Message(std::uint16_t type, std::uint16_t flags) {
  buffer_.reserve(256);
  buffer_.resize(NLMSG_HDRLEN);
  header().nlmsg_len = NLMSG_HDRLEN;
  header().nlmsg_type = type;
  header().nlmsg_flags = static_cast<std::uint16_t>(flags | NLM_F_REQUEST);
}

Message& Message::raw(std::span<const std::uint8_t> bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  buffer_.resize(NLMSG_ALIGN(buffer_.size()));
  header().nlmsg_len = static_cast<std::uint32_t>(buffer_.size());
  return *this;
}

Message& Message::bytes(std::uint16_t type, std::span<const std::uint8_t> value) {
  assert(value.size() + NLA_HDRLEN <= UINT16_MAX);
  const nlattr attribute{.nla_len = static_cast<std::uint16_t>(NLA_HDRLEN + value.size()),
                         .nla_type = type};
  return raw({reinterpret_cast<const std::uint8_t*>(&attribute), sizeof attribute}).raw(value);
}

Message& Message::be16(std::uint16_t type, std::uint16_t value) { return u16(type, htons(value)); }
Message& Message::be32(std::uint16_t type, std::uint32_t value) { return u32(type, htonl(value)); }

Message& Message::text(std::uint16_t type, std::string_view value) {
  const std::string terminated(value);
  return bytes(type,
               {reinterpret_cast<const std::uint8_t*>(terminated.c_str()), terminated.size() + 1});
}

Message::Nest Message::nest(std::uint16_t type) {
  const std::size_t at = buffer_.size();
  bytes(static_cast<std::uint16_t>(type | NLA_F_NESTED), {});
  return {*this, at};
}

void Message::Nest::close() {
  if (message_ == nullptr) return;
  const auto length = message_->buffer_.size() - at_;
  assert(length <= UINT16_MAX);
  reinterpret_cast<nlattr*>(message_->buffer_.data() + at_)->nla_len =
      static_cast<std::uint16_t>(length);
  message_ = nullptr;
}

Message& Message::patch(std::size_t position, std::uint16_t value) {
  assert(position + sizeof value <= buffer_.size());
  std::memcpy(buffer_.data() + position, &value, sizeof value);
  return *this;
}

Message& Message::about(std::string object) {
  object_ = std::move(object);
  return *this;
}

std::string operation_name(std::uint16_t message_type) {
  static constexpr std::array<const char*, 4> kVerbs{"add ", "delete ", "read ", "change "};
  const auto first = static_cast<std::uint16_t>(message_type & ~3U);
  for (const Object& object : kObjects) {
    if (object.first_type == first) return std::string(kVerbs[message_type & 3U]) + object.name;
  }
  return "netlink request " + std::to_string(message_type);
}

}  // namespace sextant::netlink
