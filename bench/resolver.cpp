// Resolving up to 5,000 nodes, 20,000 prefixes, 2,000 policies from scratch, and one change.
#include "overlay/resolver.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/program.h"

namespace sextant::overlay {
namespace {

constexpr std::array<std::uint32_t, 3> kSizes{500, 1000, 5000};  // nodes
constexpr std::uint32_t kRouters = 50;

/// 2,000 policies for 5,000 nodes; each node has four pod prefixes.
std::uint32_t policies_of(std::uint32_t nodes) { return nodes * 2 / 5; }

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

Policy make_policy(std::uint32_t number, std::uint32_t nodes) {
  Policy policy{.key = {"SRv6Policy", "policy" + std::to_string(number)},
                .location = "policies.yaml"};
  policy.endpoint = "node" + std::to_string(1 + number % (nodes - 1));
  policy.color = {100 + number / (nodes - 1)};
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

Intent make_cluster(std::uint32_t nodes) {
  Intent made;
  for (std::uint32_t i = 0; i < nodes; ++i) {
    auto node = make_node(i);
    made.nodes.emplace(node.name, std::move(node));
  }
  for (std::uint32_t i = 0; i < kRouters; ++i) {
    Node router{.name = "router" + std::to_string(i)};
    router.sids.end = srv6::Sid(ipv6(0xfcff, i, 0, 1));
    made.nodes.emplace(router.name, std::move(router));
  }
  for (std::uint32_t i = 0; i < policies_of(nodes); ++i) {
    auto policy = make_policy(i, nodes);
    made.policies.emplace(policy.key, std::move(policy));
  }
  return made;
}

const Intent& cluster(std::uint32_t nodes) {
  static std::map<std::uint32_t, Intent> made;
  const auto found = made.find(nodes);
  return found != made.end() ? found->second
                             : made.emplace(nodes, make_cluster(nodes)).first->second;
}

std::uint32_t nodes_of(const benchmark::State& state) {
  return static_cast<std::uint32_t>(state.range(0));
}

const Settings kSettings{.node = "node0"};

void from_scratch(benchmark::State& state) {
  const Intent& all = cluster(nodes_of(state));
  for (auto _ : state) benchmark::DoNotOptimize(resolve(all, kSettings));
}

/// Applies two changes in turn, each undoing the other.
void alternate(benchmark::State& state, const IntentChange& there, const IntentChange& back) {
  Resolver resolver(kSettings);
  (void)resolver.apply(diff(Intent{}, cluster(nodes_of(state))));
  bool turn = false;
  for (auto _ : state) {
    turn = !turn;
    const auto change = resolver.apply(turn ? there : back);
    // A change without effect costs nothing and would show nothing.
    if (change.empty()) state.SkipWithError("the change changed nothing");
    benchmark::DoNotOptimize(change);
  }
}

void policy_path_edited(benchmark::State& state) {
  const auto back = make_policy(123, nodes_of(state));
  auto there = back;
  there.paths[0].lists[0].segments.emplace_back("router7");
  alternate(state, {.nodes = {}, .policies = {{there.key, there}}},
            {.nodes = {}, .policies = {{back.key, back}}});
}

void policy_removed_and_added(benchmark::State& state) {
  const auto back = make_policy(123, nodes_of(state));
  alternate(state, {.nodes = {}, .policies = {{back.key, std::nullopt}}},
            {.nodes = {}, .policies = {{back.key, back}}});
}

void pod_prefix_added_and_removed(benchmark::State& state) {
  const auto back = make_node(124);
  auto there = back;
  there.pod_prefixes.push_back({IpPrefix(ipv4(11, 1), 24), {}});
  alternate(state, {.nodes = {{there.name, there}}, .policies = {}},
            {.nodes = {{back.name, back}}, .policies = {}});
}

void node_removed_and_added(benchmark::State& state) {
  const auto back = make_node(124);
  alternate(state, {.nodes = {{back.name, std::nullopt}}, .policies = {}},
            {.nodes = {{back.name, back}}, .policies = {}});
}

void node_readdressed(benchmark::State& state) {
  const auto back = make_node(124);
  auto there = back;
  there.addresses[1] = ipv6(0xfd00, 124, 7, 7);
  alternate(state, {.nodes = {{there.name, there}}, .policies = {}},
            {.nodes = {{back.name, back}}, .policies = {}});
}

/// One policy in ten passes the router: what a change that touches many costs.
void router_end_sid_changed(benchmark::State& state) {
  const auto back = cluster(nodes_of(state)).nodes.at("router7");
  auto there = back;
  there.sids.end = srv6::Sid(ipv6(0xfcff, 7, 0, 2));
  alternate(state, {.nodes = {{there.name, there}}, .policies = {}},
            {.nodes = {{back.name, back}}, .policies = {}});
}

struct Case {
  const char* name;
  void (*measure)(benchmark::State&);
  benchmark::TimeUnit unit;
  bool every_size;  // to show what grows with the cluster and what does not
};
constexpr std::array kCases{
    Case{"from-scratch", from_scratch, benchmark::kMillisecond, true},
    Case{"policy-path-edited", policy_path_edited, benchmark::kMicrosecond, true},
    Case{"policy-removed-and-added", policy_removed_and_added, benchmark::kMicrosecond, true},
    Case{"pod-prefix-added-and-removed", pod_prefix_added_and_removed, benchmark::kMicrosecond,
         true},
    Case{"node-removed-and-added", node_removed_and_added, benchmark::kMicrosecond, true},
    Case{"node-readdressed", node_readdressed, benchmark::kMicrosecond, true},
    Case{"router-end-sid-changed", router_end_sid_changed, benchmark::kMicrosecond, false},
};

/// Collects the repetitions as rows.
class Collector final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred)
        throw std::runtime_error(run.benchmark_name() + ": " + run.error_message);
      if (run.run_type != Run::RT_Iteration) continue;  // means and the like: we make our own
      auto& times = times_[run.run_name.function_name];
      times.unit = benchmark::GetTimeUnitString(run.time_unit);
      // Nothing here waits, so the processor's time is the time on a quiet machine.
      times.values.push_back(run.GetAdjustedCPUTime());
      if (times.values.size() == 1) order_.push_back(run.run_name.function_name);
    }
    bench::check_interruption();
  }
  [[nodiscard]] std::vector<bench::Row> rows() const {
    std::vector<bench::Row> rows;
    for (const auto& name : order_) {
      const auto& times = times_.at(name);
      rows.push_back({.bench = "resolver",
                      .name = name,
                      .unit = times.unit,
                      .better = bench::Better::kLess,
                      .ours = bench::median_of(times.values)});
    }
    return rows;
  }

 private:
  struct Times {
    std::string unit;
    std::vector<double> values;
  };
  std::map<std::string, Times> times_;
  std::vector<std::string> order_;
};

std::vector<bench::Row> run(const bench::Options& options) {
  bool any = false;
  for (const Case& value : kCases) {
    for (const auto nodes : kSizes) {
      const auto name = std::string(value.name) + "-" + std::to_string(nodes) + "-nodes";
      if (!options.wants(name) || (!value.every_size && nodes != kSizes.back())) continue;
      any = true;
      constexpr double kSeconds = 0.2;
      benchmark::RegisterBenchmark(name.c_str(), value.measure)
          ->Arg(nodes)
          ->Unit(value.unit)
          ->MinTime(kSeconds)
          ->Repetitions(options.runs);
    }
  }
  Collector collector;
  if (!any) return {};
  benchmark::RunSpecifiedBenchmarks(&collector);
  return collector.rows();
}

}  // namespace
}  // namespace sextant::overlay

int main(int argc, char** argv) {
  return sextant::bench::run_program(
      argc, argv,
      {.name = "resolver",
       .text =
           "Resolving the intent of clusters of 500, 1,000 and 5,000 nodes (four pod prefixes a "
           "node, two policies for five nodes): everything from scratch, and one change"},
      sextant::overlay::run);
}
