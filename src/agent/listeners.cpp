#include "agent/listeners.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace sextant::agent {
namespace {

constexpr auto kOperation = "listen on";
constexpr mode_t kSocketMode = 0660;

/// The socket address and its length; `domain` stands for the family where there is no address.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const ListenAddress& address, int domain) {
  SocketAddress result;
  if (domain == AF_INET6) {
    sockaddr_in6 v6{.sin6_family = AF_INET6, .sin6_port = htons(address.port)};
    if (address.address) std::ranges::copy(address.address->bytes(), v6.sin6_addr.s6_addr);
    std::memcpy(&result.storage, &v6, result.size = sizeof v6);
  } else {
    sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(address.port)};
    if (address.address) {
      const auto bytes = address.address->bytes();
      std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    }
    std::memcpy(&result.storage, &v4, result.size = sizeof v4);
  }
  return result;
}

std::string hint_for(int errno_value, const ListenAddress& address) {
  switch (errno_value) {
    case EADDRINUSE:
      return "`ss -ltnp sport = :" + std::to_string(address.port) +
             "` shows who listens there; end it or choose another port";
    case EADDRNOTAVAIL:
      return "no device of this node has the address (`ip address`), or it is not usable yet";
    case EACCES:
      return "ports under 1024 take CAP_NET_BIND_SERVICE";
    default:
      return {};
  }
}

tl::unexpected<Error> tcp_failure(const ListenAddress& address, int errno_value) {
  auto failed = system_error(kOperation, address.to_string(), errno_value);
  failed.value().hint = hint_for(errno_value, address);
  return failed;
}

}  // namespace

Result<UniqueFd> listen_on_unix_socket(const std::string& path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return failure(kOperation, path, "not a path of 1 to 107 bytes");
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);

  std::error_code folder_error;
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty())
    std::filesystem::create_directories(folder, folder_error);
  if (folder_error) return system_error(kOperation, path, folder_error.value());
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode))
      return failure(kOperation, path, "it exists and is not a socket", "choose another --socket");
    ::unlink(path.c_str());  // an earlier agent's; failing shows in bind()
  }
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error(kOperation, path, errno);
  // The mode of the descriptor (less the umask) becomes that of the file: it is never wider than
  // wanted.
  if (::fchmod(fd.get(), kSocketMode) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), kSocketMode) != 0 || ::listen(fd.get(), SOMAXCONN) != 0)
    return system_error(kOperation, path, errno);
  return fd;
}

Result<TcpListener> listen_on_tcp(const ListenAddress& address) {
  int domain = address.address && !address.address->is_v6() ? AF_INET : AF_INET6;
  const auto open = [&] {
    return UniqueFd(::socket(domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  };
  auto fd = open();
  if (!fd && errno == EAFNOSUPPORT && !address.address) {  // a kernel without IPv6
    domain = AF_INET;
    fd = open();
  }
  if (!fd) return tcp_failure(address, errno);
  // Connections of an earlier agent in TIME_WAIT do not hold the port.
  const int on = 1, both_families = 0;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      (domain == AF_INET6 && !address.address &&
       ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &both_families, sizeof both_families) !=
           0))
    return tcp_failure(address, errno);
  auto name = socket_address(address, domain);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name.storage), name.size) != 0 ||
      ::listen(fd.get(), SOMAXCONN) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name.storage), &name.size) != 0)
    return tcp_failure(address, errno);
  auto bound = address;
  // The port lies at the same place in both families' addresses.
  bound.port = ntohs(reinterpret_cast<const sockaddr_in*>(&name.storage)->sin_port);
  return TcpListener{.fd = std::move(fd), .domain = domain, .bound = bound};
}

}  // namespace sextant::agent
