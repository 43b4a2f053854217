#include "dataplane/linux/netlink/await.h"

#include <poll.h>

#include <cerrno>

namespace sextant::netlink {

Result<void> await_state(const std::string& operation, const std::string& object,
                         rtnetlink_groups group, std::chrono::milliseconds limit,
                         const std::function<Result<bool>(Socket& socket)>& reached) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  // Listening starts before the first look, so that no change falls in between.
  auto events = Socket::make({.groups = {group}});
  if (!events) return tl::unexpected(events.error());
  auto socket = Socket::make();
  if (!socket) return tl::unexpected(socket.error());
  for (;;) {
    const auto done = reached(*socket);
    if (!done) return tl::unexpected(done.error());
    if (*done) return {};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd waiting{.fd = events->fd(), .events = POLLIN};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0) {
      return system_error(operation, object, ETIMEDOUT);
    }
    // Lost events (ENOBUFS) do no harm: the state is read again.
    (void)events->receive([](const nlmsghdr&) {});
  }
}

}  // namespace sextant::netlink
