// Resolving intents: everything at once, and one change of a big cluster (5,000 nodes, 20,000 pod
// prefixes, 2,000 policies).
#include "overlay/resolver.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace sextant::overlay {
namespace {

constexpr std::uint32_t kNodes = 5000;
constexpr std::uint32_t kPolicies = 2000;
constexpr std::uint32_t kRouters = 50;

Ipv4Address ipv4(std::uint8_t first, std::uint32_t number, std::uint8_t last = 0) {
  return Ipv4Address(
      {first, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number), last});
}

/// `head` : number : part :: last
Ipv6Address ipv6(std::uint16_t head, std::uint32_t number, std::uint8_t part, std::uint8_t last) {
  Ipv6Address::Bytes bytes{};
  bytes[0] = static_cast<std::uint8_t>(head >> 8);
  bytes[1] = static_cast<std::uint8_t>(head);
  bytes[4] = static_cast<std::uint8_t>(number >> 8);
  bytes[5] = static_cast<std::uint8_t>(number);
  bytes[7] = part;
  bytes[15] = last;
  return Ipv6Address(bytes);
}

Node make_node(std::uint32_t number) {
  Node node{.name = "node" + std::to_string(number), .location = "nodes.yaml"};
  node.labels = {{"rack", std::to_string(number % 100)}, {"role", "worker"}};
  node.addresses = {ipv4(192, number, 1), ipv6(0xfd00, number, 0, 1)};
  node.locator = srv6::Locator::make(IpPrefix(ipv6(0xfcdd, number, 0, 0), 64)).value();
  node.pod_prefixes = {{IpPrefix(ipv4(10, number), 25), {}},
                       {IpPrefix(ipv4(10, number, 128), 25), {}},
                       {IpPrefix(ipv6(0xfd10, number, 0, 0), 64), {}},
                       {IpPrefix(ipv6(0xfd10, number, 1, 0), 64), {}}};
  return node;
}

Policy make_policy(std::uint32_t number) {
  Policy policy{.key = {"SRv6Policy", "policy" + std::to_string(number)},
                .location = "policies.yaml"};
  policy.endpoint = "node" + std::to_string(1 + number % (kNodes - 1));
  policy.color = {100 + number / (kNodes - 1)};
  policy.binding_sid = srv6::Sid(ipv6(0xcafe, number, 0, 1));
  const auto router = [&](std::uint32_t offset) {
    return "router" + std::to_string((number + offset) % kRouters);
  };
  policy.paths = {{.name = "first",
                   .preference = 200,
                   .lists = {{{router(0), router(1)}, 3}, {{router(2), router(3)}, 1}}},
                  {.name = "second", .preference = 100, .lists = {{{router(4)}, 1}}}};
  policy.paths[1].key.discriminator = 1;
  return policy;
}

const Intent& cluster() {
  static const Intent intent = [] {
    Intent made;
    for (std::uint32_t i = 0; i < kNodes; ++i) {
      auto node = make_node(i);
      made.nodes.emplace(node.name, std::move(node));
    }
    for (std::uint32_t i = 0; i < kRouters; ++i) {
      Node router{.name = "router" + std::to_string(i)};
      router.sids.end = srv6::Sid(ipv6(0xfcff, i, 0, 1));
      made.nodes.emplace(router.name, std::move(router));
    }
    for (std::uint32_t i = 0; i < kPolicies; ++i) {
      auto policy = make_policy(i);
      made.policies.emplace(policy.key, std::move(policy));
    }
    return made;
  }();
  return intent;
}

const Settings kSettings{.node = "node0"};

void full(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(resolve(cluster(), kSettings));
}
BENCHMARK(full)->Unit(benchmark::kMillisecond);

void first_change_brings_everything(benchmark::State& state) {
  const auto everything = diff(Intent{}, cluster());
  for (auto _ : state) {
    Resolver resolver(kSettings);
    benchmark::DoNotOptimize(resolver.apply(everything));
  }
}
BENCHMARK(first_change_brings_everything)->Unit(benchmark::kMillisecond);

/// Applies two changes in turn, each undoing the other.
void alternate(benchmark::State& state, const IntentChange& there, const IntentChange& back) {
  Resolver resolver(kSettings);
  (void)resolver.apply(diff(Intent{}, cluster()));
  bool turn = false;
  std::size_t empty = 0;
  for (auto _ : state) {
    turn = !turn;
    const auto change = resolver.apply(turn ? there : back);
    if (change.empty()) ++empty;
    benchmark::DoNotOptimize(change);
  }
  state.counters["changes_nothing"] = static_cast<double>(empty);
}

void policy_path_edited(benchmark::State& state) {
  const auto back = make_policy(1234);
  auto there = back;
  there.paths[0].lists[0].segments.emplace_back("router7");
  alternate(state, {.nodes = {}, .policies = {{there.key, there}}},
            {.nodes = {}, .policies = {{back.key, back}}});
}
BENCHMARK(policy_path_edited)->Unit(benchmark::kMicrosecond);

void policy_removed_and_added(benchmark::State& state) {
  const auto back = make_policy(1234);
  alternate(state, {.nodes = {}, .policies = {{back.key, std::nullopt}}},
            {.nodes = {}, .policies = {{back.key, back}}});
}
BENCHMARK(policy_removed_and_added)->Unit(benchmark::kMicrosecond);

void pod_prefix_added_and_removed(benchmark::State& state) {
  const auto back = make_node(1235);
  auto there = back;
  there.pod_prefixes.push_back({IpPrefix(ipv4(11, 1), 24), {}});
  alternate(state, {.nodes = {{there.name, there}}, .policies = {}},
            {.nodes = {{back.name, back}}, .policies = {}});
}
BENCHMARK(pod_prefix_added_and_removed)->Unit(benchmark::kMicrosecond);

void node_removed_and_added(benchmark::State& state) {
  const auto back = make_node(1235);
  alternate(state, {.nodes = {{back.name, std::nullopt}}, .policies = {}},
            {.nodes = {{back.name, back}}, .policies = {}});
}
BENCHMARK(node_removed_and_added)->Unit(benchmark::kMicrosecond);

void node_readdressed(benchmark::State& state) {
  const auto back = make_node(1235);
  auto there = back;
  there.addresses[1] = ipv6(0xfd00, 1235, 7, 7);
  alternate(state, {.nodes = {{there.name, there}}, .policies = {}},
            {.nodes = {{back.name, back}}, .policies = {}});
}
BENCHMARK(node_readdressed)->Unit(benchmark::kMicrosecond);

/// One policy in ten passes the router: what a change that touches many costs.
void router_end_sid_changed(benchmark::State& state) {
  const auto back = cluster().nodes.at("router7");
  auto there = back;
  there.sids.end = srv6::Sid(ipv6(0xfcff, 7, 0, 2));
  alternate(state, {.nodes = {{there.name, there}}, .policies = {}},
            {.nodes = {{back.name, back}}, .policies = {}});
}
BENCHMARK(router_end_sid_changed)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace sextant::overlay

BENCHMARK_MAIN();
