// The ways from node to node that are measured: ours, and what it is held against.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "dataplane/lab.h"

namespace sextant::bench {

class Peer {
 public:
  explicit Peer(const std::string& name) : name_(name), lab_(name) {}
  virtual ~Peer() = default;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const Lab& lab() const { return lab_; }
  /// Netfilter is at work: the FORWARD chain must have seen the flood's packets.
  [[nodiscard]] virtual bool hooked() const = 0;
  /// Bytes between the Ethernet header and the pod's packet on the underlay.
  [[nodiscard]] virtual std::size_t overhead(bool steered) const = 0;
  /// Whether it can steer packets over three SIDs.
  [[nodiscard]] virtual bool steers() const = 0;

 private:
  std::string name_;
  Lab lab_;
};

/// Sextant's Linux data plane, with hooks.
inline constexpr std::string_view kOurs = "sextant";
/// All of them at work, ours first: plain routing and VXLAN with hooks, kernel seg6 routes made by
/// hand ("seg6": no netfilter at all; "seg6-tables": the same chains as ours, without the drop of
/// what conntrack calls invalid, for it calls decapsulated packets so; "seg6-hooks": inner packets
/// cross all the hooks that they cross with ours).
[[nodiscard]] std::vector<std::unique_ptr<Peer>> make_peers();

}  // namespace sextant::bench
