// The gateway: the network namespace in which encapsulation and decapsulation happen, and its two
// links to the host.
//
// It outlives the agent: the namespace is kept by its name in /run/netns of the machine, also where
// the agent runs in a mount namespace of its own, so a restart adopts it as it is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "dataplane/dataplane.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/route.h"
#include "dataplane/linux/netlink/rule.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::dataplane {

class Gateway {
 public:
  /// The name of the calling thread's namespace's gateway: `sextant` on a machine, `NAME-gw` in the
  /// namespace NAME.
  [[nodiscard]] static Result<std::string> name_here();
  /// Opens it, or makes an empty one (`report.writes` counts that).
  [[nodiscard]] static Result<Gateway> open_or_create(ApplyReport& report);
  /// Gives this gateway its name again where somebody removed it: the namespace itself lives on,
  /// and forwards. Where the name is somebody else's now, it is left alone.
  [[nodiscard]] Result<void> keep_name(ApplyReport& report) const;
  /// Whether there is one already.
  [[nodiscard]] static bool exists();
  /// Whether an agent has worked on it: an empty one without links is what open_or_create() leaves,
  /// in a pod already before the first agent starts.
  [[nodiscard]] static bool is_linked(netlink::Socket& host);
  /// Removes the links and the namespace; nothing there is no error.
  [[nodiscard]] static Result<void> remove(netlink::Socket& host);

  /// Links, sysctls, neighbors: what every gateway has, whatever it forwards. Writes only what
  /// differs. Error: there are no links, so nothing else can be done.
  [[nodiscard]] Result<void> prepare(netlink::Socket& host, ApplyReport& report);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const netlink::Netns& netns() const { return netns_; }
  [[nodiscard]] netlink::Socket& socket() { return socket_; }
  // Valid after prepare().
  [[nodiscard]] netlink::IfIndex inner() const { return inner_; }
  [[nodiscard]] netlink::IfIndex outer() const { return outer_; }
  [[nodiscard]] netlink::IfIndex host_inner() const { return host_inner_; }
  [[nodiscard]] netlink::IfIndex host_outer() const { return host_outer_; }

 private:
  Gateway(std::string name, netlink::Netns netns, netlink::Socket socket)
      : name_(std::move(name)), netns_(std::move(netns)), socket_(std::move(socket)) {}
  [[nodiscard]] Result<void> ensure_pair(netlink::Socket& host, std::string_view host_end,
                                         std::string_view gateway_end, ApplyReport& report);

  std::string name_;
  netlink::Netns netns_;
  netlink::Socket socket_;
  netlink::IfIndex inner_{}, outer_{}, host_inner_{}, host_outer_{};
};

}  // namespace sextant::dataplane
