#include "testbed/netns_socket.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <thread>

namespace sextant::testbed {

Result<UniqueFd> socket_in_netns(const std::string& netns, int domain, int type, int protocol) {
  int error = 0;
  UniqueFd opened;
  const auto open_socket = [&] {
    opened.reset(::socket(domain, type | SOCK_CLOEXEC, protocol));
    if (!opened) error = errno;
  };
  if (netns.empty()) {
    open_socket();
  } else {
    const std::string path = netns.find('/') == std::string::npos ? "/run/netns/" + netns : netns;
    const UniqueFd ns(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!ns) return system_error("open network namespace", netns, errno);
    // Only the calling thread enters the namespace, so a short-lived one does it.
    std::thread([&] {
      if (::setns(ns.get(), CLONE_NEWNET) != 0) {
        error = errno;
      } else {
        open_socket();
      }
    }).join();
  }
  if (error != 0) return system_error("open socket in network namespace", netns, error);
  return opened;
}

}  // namespace sextant::testbed
