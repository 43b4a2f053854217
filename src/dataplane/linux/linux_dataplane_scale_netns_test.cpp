// The Linux data plane with many prefixes: what a change costs does not grow with their number.
#include <gtest/gtest.h>

#include <optional>

#include "dataplane/linux/node_testing.h"

namespace sextant::dataplane {
namespace {

using netlink::testing::missing_privilege;
using testing::expect_no_problems;
using testing::lone_node;
using testing::path_of;
using testing::sid;
using testing::TestNode;
using testing::to_node;

constexpr std::uint32_t kPrefixes = 20'000;  // a family
constexpr std::uint32_t kNodes = 200;

// No two are siblings, so that the host has as many routes as the gateway.
IpPrefix pods_of(std::uint32_t index, Family family) {
  const std::uint32_t block = 2 * index;
  const auto byte = [&](unsigned shift) { return static_cast<std::uint8_t>(block >> shift); };
  if (family == Family::kIpv4) {
    const Ipv4Address start({static_cast<std::uint8_t>(10 + (block >> 18)), byte(10), byte(2),
                             static_cast<std::uint8_t>(block << 6)});
    return {start, 26};
  }
  return {Ipv6Address({0xfd, 0x30, 0, 0, byte(24), byte(16), byte(8), byte(0)}), 64};
}

TEST(LinuxDataplaneScale, FortyThousandPrefixesAreAdoptedAndEditedWithAHandfulOfWrites) {
  if (const auto why = missing_privilege(); !why.empty()) GTEST_SKIP() << why;
  TestNode node("many");
  auto wanted = lone_node();
  for (const auto family : {Family::kIpv4, Family::kIpv6}) {
    for (std::uint32_t i = 0; i < kNodes; ++i) wanted.paths[path_of(i, family)] = to_node(i);
    for (std::uint32_t i = 0; i < kPrefixes; ++i) {
      wanted.routes[{overlay::RouteScope::kAll, pods_of(i, family)}] = path_of(i % kNodes, family);
    }
  }
  const auto first = node.reconcile(wanted);
  expect_no_problems(first);
  EXPECT_GE(first.writes, 4 * kPrefixes + 2 * kNodes) << "gateway and host, and the paths";
  node.restart();
  const auto adopted = node.reconcile(wanted);
  expect_no_problems(adopted);
  EXPECT_EQ(adopted.writes, 0U);

  overlay::ForwardingDiff edit;
  edit.paths[path_of(7, Family::kIpv6)] = to_node(7, {sid("fcff:1::1")});
  const auto edited = node.apply(edit);
  expect_no_problems(edited);
  EXPECT_EQ(edited.writes, 2U) << "one nexthop and its mirror, whatever leads there";

  overlay::ForwardingDiff fewer;
  for (std::uint32_t i = 0; i < 10; ++i) {
    fewer.routes[{overlay::RouteScope::kAll, pods_of(i, Family::kIpv4)}] = std::nullopt;
  }
  const auto removed = node.apply(fewer);
  expect_no_problems(removed);
  EXPECT_EQ(removed.writes, 30U) << "ten on the host, in the gateway, and on the fast path";
  overlay::patch(wanted, edit);
  overlay::patch(wanted, fewer);
  const auto settled = node.reconcile(wanted);
  expect_no_problems(settled);
  EXPECT_EQ(settled.writes, 0U);
}

// The kernel's stock of memory for encapsulations is small, and refilled behind its back.
TEST(LinuxDataplaneScale, SixtyThousandPathsAtOnceAreWrittenAndReplaced) {
  if (const auto why = missing_privilege(); !why.empty()) GTEST_SKIP() << why;
  constexpr std::uint32_t kPaths = 60'000;
  TestNode node("paths");
  expect_no_problems(node.reconcile(lone_node()));
  for (const auto* via : {"fcff:1::1", "fcff:2::1"}) {
    overlay::ForwardingDiff change;
    for (std::uint32_t i = 0; i < kPaths; ++i) {
      change.paths[path_of(i, Family::kIpv6)] = to_node(i, {sid(via)});
    }
    const auto report = node.apply(change);
    expect_no_problems(report);
    EXPECT_GE(report.writes, kPaths);
  }
}

}  // namespace
}  // namespace sextant::dataplane
