#include "bgp/tcp.h"

#include <linux/tcp.h>  // struct tcp_md5sig; clashes with <netinet/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sextant::bgp {
namespace {

constexpr int kCs6 = 0xc0;

template <typename Value>
Result<void> set_option(int fd, int level, int name, const Value& value, const std::string& text,
                        const std::string& object) {
  if (::setsockopt(fd, level, name, &value, sizeof value) == 0) return {};
  return system_error(text, object, errno);
}

void put_address(__kernel_sockaddr_storage& out, const IpAddress& address) {
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::ranges::copy(address.bytes(), reinterpret_cast<std::uint8_t*>(&v4.sin_addr));
    std::memcpy(&out, &v4, sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::ranges::copy(address.bytes(), reinterpret_cast<std::uint8_t*>(&v6.sin6_addr));
    std::memcpy(&out, &v6, sizeof v6);
  }
}

}  // namespace

Result<void> set_md5(int fd, const IpPrefix& peer, const std::string& password) {
  tcp_md5sig signature{};
  put_address(signature.tcpm_addr, peer.address());
  signature.tcpm_flags = TCP_MD5SIG_FLAG_PREFIX;
  signature.tcpm_prefixlen = peer.length();
  signature.tcpm_keylen =
      static_cast<std::uint16_t>(std::min<std::size_t>(password.size(), sizeof signature.tcpm_key));
  std::memcpy(signature.tcpm_key, password.data(), signature.tcpm_keylen);
  if (::setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, &signature, sizeof signature) == 0) return {};
  if (errno == ENOENT && password.empty()) return {};  // there was no key
  const int number = errno;
  auto error = system_error("set TCP MD5 password", peer.to_string(), number);
  error.value().hint = number == ENOMEM
                           ? "raise the sysctl net.core.optmem_max: it bounds a socket's keys"
                           : "the kernel needs CONFIG_TCP_MD5SIG, and refuses MD5 in FIPS mode";
  return error;
}

Result<void> set_gtsm(int fd, sextant::Family family, std::uint8_t hops) {
  if (auto sent = set_ttl(fd, family, 255); !sent) return sent;
  const int least = 256 - std::max<int>(hops, 1);
  return family == sextant::Family::kIpv4
             ? set_option(fd, IPPROTO_IP, IP_MINTTL, least, "set GTSM", "IP_MINTTL")
             : set_option(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, least, "set GTSM",
                          "IPV6_MINHOPCOUNT");
}

Result<void> set_ttl(int fd, sextant::Family family, std::uint8_t ttl) {
  const int value = ttl;
  return family == sextant::Family::kIpv4
             ? set_option(fd, IPPROTO_IP, IP_TTL, value, "set TTL", "IP_TTL")
             : set_option(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, value, "set TTL",
                          "IPV6_UNICAST_HOPS");
}

Result<void> bind_device(int fd, const std::string& device) {
  if (device.empty()) return {};
  if (::setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(),
                   static_cast<socklen_t>(device.size() + 1)) == 0) {
    return {};
  }
  return system_error("bind to device", device, errno);
}

Result<void> set_routing_socket(int fd, sextant::Family family) {
  const int on = 1;
  if (auto set = set_option(fd, IPPROTO_TCP, TCP_NODELAY, on, "set TCP_NODELAY", "socket"); !set) {
    return set;
  }
  const int tos = kCs6;
  return family == sextant::Family::kIpv4
             ? set_option(fd, IPPROTO_IP, IP_TOS, tos, "set traffic class", "IP_TOS")
             : set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, tos, "set traffic class", "IPV6_TCLASS");
}

Result<std::uint32_t> device_index(const std::string& device) {
  const unsigned index = ::if_nametoindex(device.c_str());
  if (index == 0) return system_error("find device", device, errno);
  return index;
}

}  // namespace sextant::bgp
