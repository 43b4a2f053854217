#include "programming/cluster.h"

#include <fmt/format.h>

#include <iterator>

namespace sextant::bench {
namespace {

std::uint8_t byte(std::uint32_t value, unsigned shift) {
  return static_cast<std::uint8_t>(value >> shift);
}

/// head : node : function ::
Ipv6Address numbered(std::uint16_t head, std::uint32_t node, std::uint8_t function,
                     std::uint8_t last) {
  Ipv6Address::Bytes bytes{};
  bytes[0] = byte(head, 8);
  bytes[1] = byte(head, 0);
  bytes[6] = byte(node, 8);
  bytes[7] = byte(node, 0);
  bytes[9] = function;
  bytes[15] = last;
  return Ipv6Address(bytes);
}

// Node 0 is the one that programs; the others are 1 to kNodes.
Ipv6Address endpoint(std::uint32_t node) { return numbered(0xfd00, node, 0, 1); }
IpPrefix locator(std::uint32_t node) { return {numbered(0xfcbb, node, 0, 0), 64}; }
srv6::Sid service_sid(std::uint32_t node, Family family) {
  return srv6::derived_sid(
      srv6::Locator::make(locator(node)).value(),
      family == Family::kIpv4 ? srv6::Behavior::kEndDt4 : srv6::Behavior::kEndDt6);
}
std::uint32_t owner(std::uint32_t index) { return 1 + index % kNodes; }

}  // namespace

IpPrefix pods_of(std::uint32_t index, Family family, Layout layout) {
  const std::uint32_t block = layout == Layout::kPacked ? index : 2 * index;
  if (family == Family::kIpv4) {
    return {Ipv4Address({static_cast<std::uint8_t>(10 + (block >> 18)), byte(block, 10),
                         byte(block, 2), static_cast<std::uint8_t>(block << 6)}),
            26};
  }
  return {Ipv6Address(
              {0xfd, 0x30, 0, 0, byte(block, 24), byte(block, 16), byte(block, 8), byte(block, 0)}),
          64};
}

overlay::Forwarding lone_node() {
  overlay::Forwarding node;
  node.encapsulation_source = Ipv6Address({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa});
  node.overlay_ipv4 = Ipv4Address({172, 16, 0, 1});
  node.overlay_ipv6 = Ipv6Address({0xfd, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  node.pod_prefixes = {IpPrefix(*node.overlay_ipv4, 26), IpPrefix(*node.overlay_ipv6, 64)};
  node.locator = locator(0);
  for (const auto behavior :
       {srv6::Behavior::kEnd, srv6::Behavior::kEndDt4, srv6::Behavior::kEndDt6}) {
    const auto sid = srv6::derived_sid(srv6::Locator::make(locator(0)).value(), behavior);
    node.local_sids[sid] = {.behavior = behavior};
  }
  for (const auto& own : node.pod_prefixes) {
    node.routes[{overlay::RouteScope::kAll, own}] = overlay::Unreachable{};
  }
  node.routes[{overlay::RouteScope::kAll, *node.locator}] = overlay::Unreachable{};
  return node;
}

overlay::Forwarding node_with_prefixes(Family family, Layout layout) {
  auto node = lone_node();
  for (std::uint32_t each = 1; each <= kNodes; ++each) {
    node.paths[{.endpoint = endpoint(each), .family = family}] = {
        .lists = {{.segments = {service_sid(each, family)}}}};
  }
  for (std::uint32_t i = 0; i < kPrefixes; ++i) {
    node.routes[{overlay::RouteScope::kAll, pods_of(i, family, layout)}] =
        overlay::PathKey{.endpoint = endpoint(owner(i)), .family = family};
  }
  return node;
}

std::string add_lines(Family family, Layout layout) {
  std::string text;
  const auto to = std::back_inserter(text);
  for (std::uint32_t node = 1; node <= kNodes; ++node) {
    fmt::format_to(to,
                   "nexthop add id {} via fe80::2 dev ul onlink encap seg6 mode encap segs {}\n",
                   node, service_sid(node, family).to_string());
  }
  for (std::uint32_t i = 0; i < kPrefixes; ++i) {
    fmt::format_to(to, "route add {} nhid {}\n", pods_of(i, family, layout).to_string(), owner(i));
  }
  return text;
}

std::string remove_lines(Family family, Layout layout) {
  std::string text;
  const auto to = std::back_inserter(text);
  for (std::uint32_t i = 0; i < kPrefixes; ++i) {
    fmt::format_to(to, "route del {}\n", pods_of(i, family, layout).to_string());
  }
  for (std::uint32_t node = 1; node <= kNodes; ++node) {
    fmt::format_to(to, "nexthop del id {}\n", node);
  }
  return text;
}

std::string manifests(std::uint32_t prefixes) {
  std::string text = R"(apiVersion: sextant.dev/v1alpha1
kind: SRv6Node
metadata: {name: self}
spec:
  locator: fcbb::/64
  addresses: ["fd00::a"]
  podPrefixes: [{prefix: 172.16.0.0/26}, {prefix: "fd20::/64"}]
)";
  const auto to = std::back_inserter(text);
  for (std::uint32_t node = 1; node <= kNodes && prefixes > 0; ++node) {
    fmt::format_to(to,
                   "---\napiVersion: sextant.dev/v1alpha1\nkind: SRv6Node\nmetadata: {{name: "
                   "node{}}}\nspec:\n  locator: \"{}\"\n  addresses: [\"{}\"]\n  podPrefixes:\n",
                   node, locator(node).to_string(), endpoint(node).to_string());
    for (std::uint32_t i = node - 1; i < prefixes; i += kNodes) {
      for (const auto family : {Family::kIpv4, Family::kIpv6}) {
        fmt::format_to(to, "  - prefix: \"{}\"\n", pods_of(i, family, Layout::kPacked).to_string());
      }
    }
  }
  return text;
}

}  // namespace sextant::bench
