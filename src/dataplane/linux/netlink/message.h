// One netlink request under construction: header, the family's fixed header, attributes.
//
//   Message message(RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE, nhmsg{.nh_family = AF_INET6});
//   message.u32(NHA_ID, 7).u32(NHA_OIF, 3).u16(NHA_ENCAP_TYPE, LWTUNNEL_ENCAP_SEG6);
//   {
//     auto encap = message.nest(NHA_ENCAP);
//     message.bytes(SEG6_IPTUNNEL_SRH, srh);
//   }  // the nest's length is set here
//
// Attributes are in host byte order unless a function says otherwise.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/ip.h"

namespace sextant::netlink {

class Message {
 public:
  /// Closes the attribute that it opened when it goes out of scope. The message must outlive it.
  class [[nodiscard]] Nest {
   public:
    Nest(Nest&& other) noexcept : message_(other.message_), at_(other.at_) {
      other.message_ = nullptr;
    }
    Nest& operator=(Nest&&) = delete;
    Nest(const Nest&) = delete;
    Nest& operator=(const Nest&) = delete;
    ~Nest() { close(); }
    void close();

   private:
    friend class Message;
    Nest(Message& message, std::size_t at) : message_(&message), at_(at) {}
    Message* message_;
    std::size_t at_;
  };

  /// `flags`: NLM_F_REQUEST is added here, NLM_F_ACK and NLM_F_DUMP by the socket.
  Message(std::uint16_t type, std::uint16_t flags);
  template <typename Header>
  Message(std::uint16_t type, std::uint16_t flags, const Header& header) : Message(type, flags) {
    append(header);
  }

  /// Appends a fixed structure as it is, padded to 4 bytes: a family header, also inside of a nest
  /// (VETH_INFO_PEER).
  template <typename Header>
  Message& append(const Header& header) {
    static_assert(std::is_trivially_copyable_v<Header>);
    return raw({reinterpret_cast<const std::uint8_t*>(&header), sizeof header});
  }

  Message& u8(std::uint16_t type, std::uint8_t value) { return scalar(type, value); }
  Message& u16(std::uint16_t type, std::uint16_t value) { return scalar(type, value); }
  Message& u32(std::uint16_t type, std::uint32_t value) { return scalar(type, value); }
  Message& u64(std::uint16_t type, std::uint64_t value) { return scalar(type, value); }
  Message& s32(std::uint16_t type, std::int32_t value) { return scalar(type, value); }
  /// Network byte order on the wire.
  Message& be16(std::uint16_t type, std::uint16_t value);
  Message& be32(std::uint16_t type, std::uint32_t value);
  /// With the terminating NUL.
  Message& text(std::uint16_t type, std::string_view value);
  /// 4 or 16 bytes.
  Message& address(std::uint16_t type, const IpAddress& value) {
    return bytes(type, value.bytes());
  }
  Message& bytes(std::uint16_t type, std::span<const std::uint8_t> value);
  /// Any plain structure as the attribute's payload.
  template <typename Struct>
  Message& structure(std::uint16_t type, const Struct& value) {
    return scalar(type, value);
  }
  /// An attribute without payload: its presence says it.
  Message& flag(std::uint16_t type) { return bytes(type, {}); }
  /// Opens a nested attribute (NLA_F_NESTED set); what is added until the Nest goes lies inside.
  Nest nest(std::uint16_t type);

  /// Overwrites two bytes at `position` of wire(): for a length inside of a nest that is known only
  /// afterwards (rtnexthop).
  Message& patch(std::size_t position, std::uint16_t value);

  /// What the message is about, for errors: "10.0.1.0/24", "link eth0".
  Message& about(std::string object);
  [[nodiscard]] const std::string& object() const { return object_; }

  [[nodiscard]] std::uint16_t type() const { return header().nlmsg_type; }
  [[nodiscard]] nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(buffer_.data()); }
  [[nodiscard]] const nlmsghdr& header() const {
    return *reinterpret_cast<const nlmsghdr*>(buffer_.data());
  }
  /// The whole message; nlmsg_len is kept right by every call.
  [[nodiscard]] std::span<const std::uint8_t> wire() const { return buffer_; }

 private:
  template <typename Value>
  Message& scalar(std::uint16_t type, const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    return bytes(type, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
  Message& raw(std::span<const std::uint8_t> bytes);

  std::vector<std::uint8_t> buffer_;
  std::string object_;
};

/// "add route" for RTM_NEWROUTE, for the operation of an Error.
[[nodiscard]] std::string operation_name(std::uint16_t message_type);

}  // namespace sextant::netlink
