#include "testbed/netns_socket.h"

#include <sys/socket.h>

#include <cerrno>

#include "dataplane/linux/netlink/netns.h"

namespace sextant::testbed {

Result<UniqueFd> socket_in_netns(const std::string& netns, int domain, int type, int protocol) {
  const auto open_socket = [&]() -> Result<UniqueFd> {
    UniqueFd opened(::socket(domain, type | SOCK_CLOEXEC, protocol));
    if (!opened) return system_error("open socket in network namespace", netns, errno);
    return opened;
  };
  if (netns.empty()) return open_socket();
  auto found = netns.find('/') == std::string::npos ? netlink::Netns::open(netns)
                                                    : netlink::Netns::open_path(netns);
  if (!found) return tl::unexpected(found.error());
  return found->run(open_socket);
}

}  // namespace sextant::testbed
