// Network namespaces of a benchmark, and commands inside them. What fails throws: it is start-up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/linux/netlink/netns.h"

namespace sextant::bench {

/// A network namespace `sx-bench-<pid>-<role>` with `lo` up; removed with this object, and
/// so is the gateway namespace of a data plane that worked in it.
class Space {
 public:
  explicit Space(const std::string& role);
  ~Space();
  Space(Space&& other) noexcept;
  Space& operator=(Space&&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const netlink::Netns& netns() const { return netns_; }

  /// What the command printed. Throws where its exit status is not 0.
  std::string run(const std::vector<std::string>& command, std::string_view input = {}) const;
  /// Lines of `ip -batch`.
  void ip(std::string_view lines) const;
  /// An nft script.
  void nft(std::string_view script) const;
  /// "net.ipv4.ip_forward=1"
  void sysctl(const std::vector<std::string>& settings) const;

 private:
  std::string name_;
  netlink::Netns netns_;
};

/// Received by a device of the space until now.
struct DeviceCount {
  unsigned long long packets = 0;
  unsigned long long bytes = 0;
};
[[nodiscard]] DeviceCount received_by(const Space& space, const std::string& device);

/// Removes the namespaces that benchmarks left behind which were killed.
void remove_abandoned_spaces();

}  // namespace sextant::bench
