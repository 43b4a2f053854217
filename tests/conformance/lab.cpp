#include "lab.h"

#include <fmt/format.h>
#include <poll.h>

#include <array>
#include <stdexcept>

namespace sextant::conformance {

namespace {

struct NodeFacts {
  std::string_view name;
  std::string_view ipv6, ipv4;  // its own addresses
  std::string_view locator;
  std::string_view pods4, pods6;  // its pod prefixes
};

constexpr std::array<NodeFacts, 3> kNodes = {{
    {"a", "fd10::a", "192.168.10.2", "fcdd:0:0:a::/64", "172.16.0.0/26", "fdfb:af47:32af::/122"},
    {"b", "fd11::b", "192.168.11.2", "fcdd:0:0:b::/64", "172.16.0.64/26", "fdfb:af47:32af::40/122"},
    {"c", "fd12::c", "192.168.12.2", "fcdd:0:0:c::/64", "172.16.0.128/26",
     "fdfb:af47:32af::80/122"},
}};

const NodeFacts& facts(const std::string& node) {
  for (const NodeFacts& entry : kNodes) {
    if (entry.name == node) return entry;
  }
  throw std::out_of_range("no node " + node);
}

overlay::Node intent_node(const NodeFacts& entry) {
  overlay::Node node;
  node.name = entry.name;
  node.location = "lab";
  node.addresses = {ip(entry.ipv6), ip(entry.ipv4)};
  node.locator = must(srv6::Locator::parse(entry.locator));
  node.pod_prefixes = {{must(IpPrefix::parse(entry.pods4)), std::nullopt},
                       {must(IpPrefix::parse(entry.pods6)), std::nullopt}};
  return node;
}

void throw_problems(const dataplane::ApplyReport& report) {
  if (report.ok()) return;
  std::string text = "the data plane reports:";
  for (const dataplane::ApplyProblem& problem : report.problems) {
    text += fmt::format("\n  {}: {}", problem.object, problem.error.message());
  }
  throw std::runtime_error(text);
}

}  // namespace

Ipv6Address v6(std::string_view text) { return must(Ipv6Address::parse(text)); }
IpAddress ip(std::string_view text) { return must(IpAddress::parse(text)); }
srv6::Sid sid(std::string_view text) { return must(srv6::Sid::parse(text)); }

Node::Node(const std::string& name, const DataplaneUnderTest& under_test)
    : under_test_(under_test), netns_(name) {}

Node::~Node() {
  if (!dataplane_) return;
  // A data plane may have made namespaces of its own, which the node's end does not remove.
  (void)run([this] {
    (void)dataplane_->remove_all();
    dataplane_.reset();
  });
}

void Node::restart_dataplane() {
  must(run([this]() -> Result<void> {
    dataplane_.reset();
    auto made = under_test_.make();
    if (!made) return tl::unexpected(made.error());
    dataplane_ = std::move(*made);
    return {};
  }));
}

dataplane::ApplyReport Node::reconcile(overlay::Forwarding wanted) {
  wanted_ = std::move(wanted);
  auto report = must(run([this] { return dataplane_->reconcile(wanted_); }));
  throw_problems(report);
  return report;
}

dataplane::ApplyReport Node::apply(const overlay::Forwarding& wanted) {
  const overlay::ForwardingDiff change = overlay::diff(wanted_, wanted);
  wanted_ = wanted;
  auto report = must(run([&] { return dataplane_->apply(change); }));
  throw_problems(report);
  return report;
}

void Node::remove_all() {
  must(run([this] { return dataplane_->remove_all(); }));
}

bool Node::notices_damage(std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{.fd = dataplane_->event_fd(), .events = POLLIN, .revents = 0};
    if (entry.fd < 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) return false;
    if (must(run([this] { return dataplane_->damaged(); }))) return true;
  }
  return false;
}

Lab::Lab(const Case& value, LabOptions options) : under_test_(value.dataplane) {
  make_underlay(options);
  for (const NodeFacts& entry : kNodes) {
    overlay::Node node = intent_node(entry);
    if (options.on_link && entry.name != "a") node.reach = overlay::LocatorReach::kOnLink;
    intent_.nodes.emplace(node.name, std::move(node));
  }
  make_pod("a1", "a", 2, options.pod_mtu);
  make_pod("a2", "a", 3, options.pod_mtu);
  make_pod("b1", "b", 2, options.pod_mtu);
  make_pod("b2", "b", 3, options.pod_mtu);
  make_pod("c1", "c", 2, options.pod_mtu);
  if (!under_test_.encapsulates) route_pods_in_underlay();
  for (const auto& [name, node] : nodes_) node->restart_dataplane();
  if (options.start) reconcile();
}

Lab::~Lab() = default;

IpAddress Lab::address(const std::string& node, Family family) const {
  return ip(family == Family::kIpv4 ? facts(node).ipv4 : facts(node).ipv6);
}

IpAddress Lab::overlay_address(const std::string& node, Family family) const {
  const NodeFacts& entry = facts(node);
  return must(IpPrefix::parse(family == Family::kIpv4 ? entry.pods4 : entry.pods6)).at(1).value();
}

IpAddress Lab::unused_address(const std::string& node, Family family) const {
  const NodeFacts& entry = facts(node);
  return must(IpPrefix::parse(family == Family::kIpv4 ? entry.pods4 : entry.pods6)).at(60).value();
}

srv6::Sid Lab::service_sid(const std::string& node, Family family) const {
  return srv6::derived_sid(
      must(srv6::Locator::parse(facts(node).locator)),
      family == Family::kIpv4 ? srv6::Behavior::kEndDt4 : srv6::Behavior::kEndDt6);
}

overlay::Forwarding Lab::resolve(const std::string& node) const {
  return overlay::resolve(intent_, {.node = node, .max_segments = kMaxSegments}).forwarding;
}

void Lab::reconcile() {
  for (const auto& [name, node] : nodes_) node->reconcile(resolve(name));
}

void Lab::edit(const std::function<void(overlay::Intent&)>& change) {
  change(intent_);
  for (const auto& [name, node] : nodes_) node->apply(resolve(name));
}

void Lab::make_pod(const std::string& name, const std::string& node, std::uint64_t index,
                   std::uint32_t mtu) {
  const NodeFacts& entry = facts(node);
  Pod pod{.netns = LabNetns(name),
          .node = node,
          .host_device = fmt::format("sxp{:0>11}", name),
          .ipv4 = must(IpPrefix::parse(entry.pods4)).at(index)->v4(),
          .ipv6 = must(IpPrefix::parse(entry.pods6)).at(index)->v6()};
  // As sextant-cni wires a pod: host addresses, a link-local gateway, permanent neighbours.
  const std::string host_mac = fmt::format("02:00:00:00:01:{:02x}", pod.ipv4.bytes()[3]);
  const std::string pod_mac = fmt::format("02:00:00:00:02:{:02x}", pod.ipv4.bytes()[3]);
  using fmt::arg;
  nodes_.at(node)->netns().ip(fmt::format(
      R"(link add {host} index {index} address {host_mac} mtu {mtu} type veth peer name eth0 index 10 address {pod_mac} mtu {mtu} netns {netns}
address add fe80::1/64 dev {host} nodad
link set {host} up
neighbour add {v4} dev {host} lladdr {pod_mac} nud permanent
neighbour add {v6} dev {host} lladdr {pod_mac} nud permanent
route add {v4}/32 dev {host} proto 201
route add {v6}/128 dev {host} proto 201
)",
      arg("host", pod.host_device), arg("index", 200 + index), arg("host_mac", host_mac),
      arg("pod_mac", pod_mac), arg("mtu", mtu), arg("netns", pod.netns.name()),
      arg("v4", pod.ipv4.to_string()), arg("v6", pod.ipv6.to_string())));
  pod.netns.ip(fmt::format(
      R"(link set lo up
address add {v4}/32 dev eth0
address add {v6}/128 dev eth0 nodad
link set eth0 up
neighbour add 169.254.1.1 dev eth0 lladdr {host_mac} nud permanent
neighbour add fe80::1 dev eth0 lladdr {host_mac} nud permanent
route add 169.254.1.1 dev eth0 scope link
route add default via 169.254.1.1 dev eth0
route add default via fe80::1 dev eth0
)",
      arg("host_mac", host_mac), arg("v4", pod.ipv4.to_string()), arg("v6", pod.ipv6.to_string())));
  pods_.emplace(name, std::move(pod));
}

void set_policy(overlay::Intent& intent, const std::string& name, const PolicyOptions& options) {
  overlay::Policy policy;
  policy.key = {.kind = "SRv6Policy", .name = name};
  policy.location = "lab";
  policy.headend.names = {options.headend};
  policy.endpoint = options.endpoint;
  policy.color = srv6::Color{100};
  policy.binding_sid = options.binding_sid;
  policy.fallback = options.fallback;
  policy.ipv4 = options.only != Family::kIpv6;
  policy.ipv6 = options.only != Family::kIpv4;
  overlay::CandidatePath path;
  path.name = "path";
  path.lists = options.lists;
  policy.paths = {std::move(path)};
  intent.policies.insert_or_assign(policy.key, std::move(policy));
}

}  // namespace sextant::conformance
