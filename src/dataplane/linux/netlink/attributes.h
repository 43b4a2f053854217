// Reading what the kernel sent: a view over attributes. Wrong lengths read as "not there".
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/ip.h"

namespace sextant::netlink {

class Attributes {
 public:
  Attributes() = default;
  explicit Attributes(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  /// The attributes of a message behind its fixed header, for instance
  /// `Attributes::of<rtmsg>(message)`.
  template <typename Header>
  [[nodiscard]] static Attributes of(const nlmsghdr& message) {
    return behind(message, sizeof(Header));
  }

  /// The payload of the first attribute of that type (flags of the type do not count).
  [[nodiscard]] std::optional<std::span<const std::uint8_t>> bytes(std::uint16_t type) const;
  [[nodiscard]] bool has(std::uint16_t type) const { return bytes(type).has_value(); }
  [[nodiscard]] std::optional<std::uint8_t> u8(std::uint16_t type) const {
    return structure<std::uint8_t>(type);
  }
  [[nodiscard]] std::optional<std::uint16_t> u16(std::uint16_t type) const {
    return structure<std::uint16_t>(type);
  }
  [[nodiscard]] std::optional<std::uint32_t> u32(std::uint16_t type) const {
    return structure<std::uint32_t>(type);
  }
  [[nodiscard]] std::optional<std::uint64_t> u64(std::uint16_t type) const {
    return structure<std::uint64_t>(type);
  }
  [[nodiscard]] std::optional<std::int32_t> s32(std::uint16_t type) const {
    return structure<std::int32_t>(type);
  }
  /// Up to the first NUL.
  [[nodiscard]] std::optional<std::string> text(std::uint16_t type) const;
  /// 4 or 16 bytes; other lengths are none.
  [[nodiscard]] std::optional<IpAddress> address(std::uint16_t type) const;
  /// Empty where there is no such attribute.
  [[nodiscard]] Attributes nest(std::uint16_t type) const {
    return Attributes(bytes(type).value_or(std::span<const std::uint8_t>{}));
  }
  /// A plain structure; a longer payload (a newer kernel) is cut.
  template <typename Struct>
  [[nodiscard]] std::optional<Struct> structure(std::uint16_t type) const {
    const auto payload = bytes(type);
    if (!payload || payload->size() < sizeof(Struct)) return std::nullopt;
    Struct value;
    std::memcpy(&value, payload->data(), sizeof value);
    return value;
  }
  /// Every attribute in order: for lists like NHA_GROUP's or IFLA_AF_SPEC's.
  void for_each(const std::function<void(std::uint16_t type,
                                         std::span<const std::uint8_t> payload)>& visit) const;

 private:
  [[nodiscard]] static Attributes behind(const nlmsghdr& message, std::size_t header_size);
  std::span<const std::uint8_t> bytes_;
};

/// The fixed header behind nlmsghdr, or nothing where the message is too short.
template <typename Header>
[[nodiscard]] const Header* fixed_header(const nlmsghdr& message) {
  if (message.nlmsg_len < NLMSG_HDRLEN + sizeof(Header)) return nullptr;
  return reinterpret_cast<const Header*>(reinterpret_cast<const std::uint8_t*>(&message) +
                                         NLMSG_HDRLEN);
}

}  // namespace sextant::netlink
