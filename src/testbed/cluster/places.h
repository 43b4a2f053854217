// Where everything of a cluster lies on the machine.
//
//   /run/sextant-testbed/NAME/        the testbed's state directory, as of every testbed
//     pki/ kubeconfigs/               certificates and what uses them
//     daemons/NODE-DAEMON.pid         what runs
//     logs/NODE/DAEMON.log
//   /var/lib/sextant-testbed/NAME/NODE/   a node's disk: it outlives the node's power
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "testbed/testbed.h"

namespace sextant::cluster {

class Places {
 public:
  explicit Places(const testbed::Id& id) : id_(id) {}

  [[nodiscard]] const testbed::Id& id() const { return id_; }
  [[nodiscard]] std::filesystem::path state() const { return id_.directory(); }
  [[nodiscard]] std::filesystem::path pki(std::string_view file) const;
  [[nodiscard]] std::filesystem::path kubeconfig(std::string_view user) const;
  [[nodiscard]] std::filesystem::path pid(std::string_view node, std::string_view daemon) const;
  [[nodiscard]] std::filesystem::path logs(std::string_view node) const;
  [[nodiscard]] std::filesystem::path log(std::string_view node, std::string_view daemon) const;
  /// Named in the command line of each of the node's processes that was started from outside.
  [[nodiscard]] std::filesystem::path mark(std::string_view node) const;
  [[nodiscard]] std::filesystem::path images() const;
  /// The disks of all nodes.
  [[nodiscard]] std::filesystem::path disks() const;
  [[nodiscard]] std::filesystem::path disk(std::string_view node) const;
  /// The node's cgroup, at the top of each hierarchy: "sx-NAME-master".
  [[nodiscard]] std::string cgroup(std::string_view node) const { return id_.netns(node); }

 private:
  testbed::Id id_;
};

}  // namespace sextant::cluster
