// The laboratory of the forwarding scenarios: three nodes with pods on an IPv6 underlay with two
// parallel paths.
//
//               r1
//             /    \                 a: two uplinks, its address on lo; r1 is preferred
//   a -------        ------- r3 --- b   b, c: one uplink with the node's address on it
//             \    /           \        routers: static routes, End at fcff:N::1
//               r2              --- c   pods a1, a2, b1, b2, c1
//
// The underlay knows nodes, locators and routers, and nothing of pods. What the data plane shall do
// is resolved from the Intent, as the agent does.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/ip.h"
#include "dataplane/dataplane.h"
#include "dataplane/linux/netlink/mtu.h"
#include "dataplanes.h"
#include "lab_netns.h"
#include "overlay/resolver.h"

namespace sextant::conformance {

inline constexpr std::uint32_t kUnderlayMtu = 1500;
inline constexpr std::size_t kMaxSegments = 6;
inline constexpr std::uint32_t kPodMtu = netlink::pod_mtu(kUnderlayMtu, kMaxSegments);

/// Literals of the tests; they throw where they are no address.
[[nodiscard]] Ipv6Address v6(std::string_view text);
[[nodiscard]] IpAddress ip(std::string_view text);
[[nodiscard]] srv6::Sid sid(std::string_view text);

struct Pod {
  LabNetns netns;
  std::string node;
  std::string host_device;  // the node's end of the veth
  Ipv4Address ipv4;
  Ipv6Address ipv6;
  [[nodiscard]] IpAddress address(Family family) const {
    return family == Family::kIpv4 ? IpAddress(ipv4) : IpAddress(ipv6);
  }
};

/// A Kubernetes node with its data plane, which lives in the node's namespace.
class Node {
 public:
  Node(const std::string& name, const DataplaneUnderTest& under_test);
  ~Node();

  [[nodiscard]] const LabNetns& netns() const { return netns_; }
  [[nodiscard]] const overlay::Forwarding& wanted() const { return wanted_; }
  [[nodiscard]] dataplane::Dataplane& dataplane() { return *dataplane_; }

  /// An agent's start: a new data plane that knows nothing. An earlier one is gone before.
  void restart_dataplane();
  /// Each throws where a part could not be made so.
  dataplane::ApplyReport reconcile(overlay::Forwarding wanted);
  dataplane::ApplyReport reconcile() { return reconcile(wanted_); }
  dataplane::ApplyReport apply(const overlay::Forwarding& wanted);
  void remove_all();
  /// Waits until the data plane noticed that somebody changed what it owns.
  [[nodiscard]] bool notices_damage(std::chrono::milliseconds timeout);

  /// Runs `function` on a thread inside the node's namespace.
  template <typename Function>
  auto run(Function&& function) const {
    return netns_.netns().run(std::forward<Function>(function));
  }

 private:
  const DataplaneUnderTest& under_test_;
  LabNetns netns_;
  std::unique_ptr<dataplane::Dataplane> dataplane_;
  overlay::Forwarding wanted_;
};

struct LabOptions {
  std::uint32_t pod_mtu = kPodMtu;
  bool start = true;  // the data planes reconcile
  /// Nodes b and c on one link, each other's locators reached over it.
  bool on_link = false;
};

class Lab {
 public:
  explicit Lab(const Case& value, LabOptions options = {});
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  [[nodiscard]] Node& node(const std::string& name) { return *nodes_.at(name); }
  [[nodiscard]] const LabNetns& router(const std::string& name) const { return routers_.at(name); }
  [[nodiscard]] const Pod& pod(const std::string& name) const { return pods_.at(name); }
  [[nodiscard]] const std::map<std::string, Pod>& pods() const { return pods_; }

  /// The node's own address of the family, in the underlay.
  [[nodiscard]] IpAddress address(const std::string& node, Family family) const;
  /// The node's address in the overlay.
  [[nodiscard]] IpAddress overlay_address(const std::string& node, Family family) const;
  /// A pod address of the node's prefix that no pod has.
  [[nodiscard]] IpAddress unused_address(const std::string& node, Family family) const;
  /// The node's decapsulating SID for the family.
  [[nodiscard]] srv6::Sid service_sid(const std::string& node, Family family) const;

  /// What the agent of the node would want for the Intent as it is now.
  [[nodiscard]] overlay::Forwarding resolve(const std::string& node) const;
  /// Every data plane reconciles with the Intent.
  void reconcile();
  /// Changes the Intent; every data plane applies what that means for its node.
  void edit(const std::function<void(overlay::Intent&)>& change);
  [[nodiscard]] const overlay::Intent& intent() const { return intent_; }

  /// Moves the underlay's routing towards a: r3 sends to it through `router` ("r1" or "r2").
  void route_to_a_through(const std::string& router) const;
  /// Takes a's uplink down, or brings it back with its addresses and routes, as a network manager
  /// would.
  void uplink_down(const std::string& router) const;
  void uplink_up(const std::string& router) const;

 private:
  void make_underlay(const LabOptions& options);
  void make_pod(const std::string& name, const std::string& node, std::uint64_t index,
                std::uint32_t mtu);
  void route_pods_in_underlay() const;

  DataplaneUnderTest under_test_;
  std::map<std::string, LabNetns> routers_;
  std::map<std::string, std::unique_ptr<Node>> nodes_;
  std::map<std::string, Pod> pods_;
  overlay::Intent intent_;
};

/// A policy of `headend` towards `endpoint`, both families, with one candidate path. The lists'
/// last SIDs are the endpoint's own service SIDs, which the resolver appends.
struct PolicyOptions {
  std::string headend = "a";
  std::string endpoint = "b";
  std::vector<overlay::WeightedSegments> lists;
  std::optional<srv6::Sid> binding_sid = {};
  overlay::Fallback fallback = overlay::Fallback::kPlain;
  std::optional<Family> only = {};  // none: both families
};
void set_policy(overlay::Intent& intent, const std::string& name, const PolicyOptions& options);

}  // namespace sextant::conformance
