// Tells when somebody else may have changed what the data plane owns or stands on.
//
// Hears rtnetlink (tc too) and nftables of host and gateway, and the removal of the gateway's name.
// The data plane's own writes do not come back: the kernel filters them by port id, before they can
// fill a buffer. Those of libbpf and libnftables, which have sockets of their own, do.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "dataplane/linux/gateway.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::dataplane {

/// Descriptors to be waited for as one. One that is closed leaves by itself, so that the set can
/// outlive what it waits for.
class EventSet {
 public:
  [[nodiscard]] static Result<EventSet> make();
  /// Readable when one of them is.
  [[nodiscard]] int fd() const { return epoll_.get(); }
  [[nodiscard]] Result<void> watch(int other);

 private:
  explicit EventSet(UniqueFd epoll) : epoll_(std::move(epoll)) {}
  UniqueFd epoll_;
};

class Monitor {
 public:
  /// `host` and the gateway's socket are those whose writes are not to be heard. `events` turns
  /// readable when there is something to drain.
  [[nodiscard]] static Result<Monitor> make(const netlink::Socket& host, Gateway& gateway,
                                            EventSet& events);

  struct Handlers {
    netlink::MessageHandler host;     // an rtnetlink message about the host
    netlink::MessageHandler gateway;  // ... about the gateway
    std::function<void()> tables;     // somebody touched an nftables table named `sextant`
    std::function<void()> name;       // the gateway's name is gone from /run/netns
    std::function<void()> lost;       // events were lost (ENOBUFS): anything may have happened
  };
  void drain(const Handlers& handlers);
  /// Forgets rtnetlink events: for a caller that reads everything anew afterwards.
  void skip_routing();
  /// Forgets nftables events that the data plane's own transaction has just caused.
  void skip_own_tables();

 private:
  Monitor(netlink::Socket host, netlink::Socket gateway, std::array<UniqueFd, 2> tables,
          UniqueFd names, std::string name)
      : host_(std::move(host)),
        gateway_(std::move(gateway)),
        tables_(std::move(tables)),
        names_(std::move(names)),
        name_(std::move(name)) {}
  [[nodiscard]] bool name_is_gone() const;

  netlink::Socket host_;
  netlink::Socket gateway_;
  std::array<UniqueFd, 2> tables_;  // of host and gateway
  UniqueFd names_;                  // inotify of /run/netns
  std::string name_;                // the gateway's
};

}  // namespace sextant::dataplane
