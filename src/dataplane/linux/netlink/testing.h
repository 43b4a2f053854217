// For tests: a network namespace of their own, which goes with the object.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::netlink::testing {

/// Named after the process, so that tests running at once do not meet. `lo` is up.
class ScratchNetns {
 public:
  explicit ScratchNetns(const std::string& label)
      : name_("sx-t" + std::to_string(::getpid()) + "-" + label), netns_(make(name_)) {}
  ~ScratchNetns() { (void)Netns::remove(name_); }
  ScratchNetns(const ScratchNetns&) = delete;
  ScratchNetns& operator=(const ScratchNetns&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string path() const { return "/run/netns/" + name_; }
  [[nodiscard]] const Netns& netns() const { return netns_; }
  /// A request socket inside. Throws where that fails: the test cannot go on.
  [[nodiscard]] Socket socket() const {
    return netns_.run([] { return Socket::make(); }).value();
  }

 private:
  static Netns make(const std::string& name) {
    (void)Netns::remove(name);
    auto made = Netns::create(name).value();
    auto socket = made.run([] { return Socket::make(); }).value();
    (void)set_link_up(socket, "lo");
    return made;
  }
  std::string name_;
  Netns netns_;
};

/// Why namespaces cannot be made here; empty where they can.
[[nodiscard]] inline std::string missing_privilege() {
  return ::geteuid() == 0 ? "" : "needs root to make network namespaces";
}

/// The value, or a test failure with the error's message and an exception that ends the test.
template <typename T>
T expect(Result<T> result) {
  if (!result) ADD_FAILURE() << result.error().message();
  return std::move(result).value();
}
inline void expect(const Result<void>& result) {
  if (!result) ADD_FAILURE() << result.error().message();
}

}  // namespace sextant::netlink::testing
