// 5,000 nodes and 1,000 policies at a real API server: an agent's start,
// memory, load and requests.
#include <fmt/format.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <thread>
#include <utility>

#include "common/kernel.h"
#include "common/process.h"
#include "common/program.h"
#include "kubernetes/agent.h"
#include "kubernetes/background.h"
#include "kubernetes/control_plane.h"
#include "kubernetes/kernel.h"
#include "kubernetes/populate.h"
#include "kubernetes/watchers.h"
#include "sources/kubernetes/json_text.h"

namespace sextant::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr ClusterSize kSize;
constexpr std::size_t kRoutes = 3 * kSize.nodes;  // two pod prefixes and the address of each
constexpr std::chrono::seconds kIdle{60}, kBusy{30};
/// kubelet reports a node's state every five minutes; its Lease, every ten
/// seconds, nobody reads.
constexpr double kHeartbeats = static_cast<double>(kSize.nodes) / 300;
/// Agents' reports after an edit of a policy. At this size they may be 16 (write_pace.h), which two
/// cores that also run all the rest do not always keep up.
constexpr double kStatusWrites = 10;
constexpr std::size_t kEdits = 100, kNewNodes = 20, kWatchers = 200, kWatchedWrites = 200;
constexpr std::size_t kAwaitedEdits = 10;
/// 1,000 policies at 10 writes a second, and reading all reports before.
constexpr std::chrono::seconds kStatuses{300};

using Measured = std::map<std::string, std::vector<double>>;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}
double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

std::string path_of(const char* collection, const std::string& name) {
  return fmt::format("{}/{}", collection, name);
}

/// Nodes' reports, one after the other.
void beat(Api& api, std::size_t number) {
  api.expect("PATCH", path_of(kNodesPath, node_name(1 + number % kSize.nodes)) + "/status",
             serialize(heartbeat(now_rfc3339())), kMergePatch);
}

/// Agents that report a new state of their policies, one after the other.
void write_status(Api& api, std::size_t number) {
  const auto generation = static_cast<std::int64_t>(2 + number / kSize.nodes);
  const std::size_t node = 1 + number % kSize.nodes;
  api.expect("PATCH", srv6_node_status_path(node),
             serialize(srv6_node_status(kSize, node, generation)), kApplyPatch);
}

std::size_t total(const std::map<std::string, std::size_t>& requests) {
  std::size_t sum = 0;
  for (const auto& [kind, count] : requests) sum += count;
  return sum;
}

/// Starts an agent on a node without forwarding.
std::unique_ptr<KubernetesAgent> measure_start(const ControlPlane& control, const AgentNode& node,
                                               Measured& into) {
  const auto begun = Clock::now();
  const auto bytes = node.traffic();
  auto agent = std::make_unique<KubernetesAgent>(node, control.agent_kubeconfig());
  agent->await_programmed(kRoutes);
  const auto time = milliseconds(Clock::now() - begun);
  expect_forwarding(node.space().name(), kSize);
  const double used = processor_seconds(agent->pid());
  into["start"].push_back(time);
  into["start-processor"].push_back(1000 * used);
  into["start-bytes"].push_back(static_cast<double>(node.traffic() - bytes) / 1e6);
  into["memory-peak"].push_back(peak_megabytes(agent->pid()));
  progress(
      fmt::format("start: {:.0f} ms, {:.0f} ms of a processor, {:.1f} MB received, peak "
                  "{:.1f} MB; now {:.1f} MB",
                  time, 1000 * used, into["start-bytes"].back(), into["memory-peak"].back(),
                  resident_megabytes(agent->pid())));
  return agent;
}

/// What the agent costs in the time, by its own processor time, the server's
/// audit log and its node's device.
void measure_load(const std::string& name, std::chrono::seconds time, const ControlPlane& control,
                  const AgentNode& node, const KubernetesAgent& agent,
                  const std::vector<const Background*>& load, Measured& into) {
  const double before = processor_seconds(agent.pid());
  const double server_before = processor_seconds(control.server());
  const auto requests_before = control.agent_requests();
  const auto bytes_before = node.traffic();
  const auto begun = Clock::now();
  while (Clock::now() < begun + time) {
    check_interruption();
    constexpr std::chrono::milliseconds kHeedInterruptions{50};
    std::this_thread::sleep_for(kHeedInterruptions);
  }
  agent.check();
  control.check();
  for (const auto* each : load) each->check();
  const double passed = seconds_since(begun);
  const auto requests = control.agent_requests();
  into[name + "-load"].push_back(100 * (processor_seconds(agent.pid()) - before) / passed);
  into[name + "-requests"].push_back(static_cast<double>(total(requests) - total(requests_before)) *
                                     60 / passed);
  into[name + "-bytes"].push_back(static_cast<double>(node.traffic() - bytes_before) * 60 / passed /
                                  1e6);
  std::string kinds;
  for (const auto& [kind, count] : requests) {
    const auto old = requests_before.find(kind);
    const auto more = count - (old == requests_before.end() ? 0 : old->second);
    if (more > 0) kinds += fmt::format(", {} x {}", more, kind);
  }
  progress(
      fmt::format("{}: {:.3f} % of a processor, {:.1f} requests/min, {:.2f} MB/min, {:.1f} "
                  "MB; API server {:.1f} %{}",
                  name, into[name + "-load"].back(), into[name + "-requests"].back(),
                  into[name + "-bytes"].back(), resident_megabytes(agent.pid()),
                  100 * (processor_seconds(control.server()) - server_before) / passed, kinds));
}

/// Edits of policies, one after the other: each steers both families by way of
/// a segment that nothing else has.
void measure_edits(const ControlPlane& control, const AgentNode& node, int run, Measured& into) {
  Api api(control.access());
  KernelEvents kernel(node.space().name());
  for (std::size_t edit = 0; edit < kEdits; ++edit) {
    const auto segment = fmt::format("fcff:e:{:x}:{:x}::1", run, edit + 1);
    const std::size_t policy = edit * (kSize.policies / kEdits);
    kernel.drain();
    const auto begun = Clock::now();
    auto written = std::async(std::launch::async, [&] {
      api.expect("PATCH", path_of(kPoliciesPath, policy_name(policy)),
                 serialize(policy_edit(kSize, policy, segment)), kMergePatch);
      return Clock::now();
    });
    const auto programmed =
        kernel.await(RTM_NEWNEXTHOP, must(IpAddress::parse(segment)), 2);  // a family each
    into["edit"].push_back(milliseconds(programmed - begun));
    into["edit-write"].push_back(milliseconds(written.get() - begun));
  }
  in_parallel(control.access(), kEdits, [&](Api& each, std::size_t edit) {
    const std::size_t policy = edit * (kSize.policies / kEdits);
    each.expect("PATCH", path_of(kPoliciesPath, policy_name(policy)),
                serialize(policy_edit(kSize, policy, usual_segment(policy))), kMergePatch);
  });
  progress(
      fmt::format("edit: median {:.1f} ms, p99 {:.1f} ms; of it the API "
                  "server's write {:.1f} ms",
                  median(into["edit"]), percentile(into["edit"], 99), median(into["edit-write"])));
}

/// Nodes that come, with their pod prefixes and locator, and go.
void measure_nodes(const ControlPlane& control, const AgentNode& node, Measured& into) {
  Api api(control.access());
  KernelEvents kernel(node.space().name());
  for (std::size_t i = 0; i < kNewNodes; ++i) {
    const std::size_t number = kSize.nodes + 1 + i;
    const auto object = serialize(node_object(number));
    const auto prefix = pods_of_node(number, Family::kIpv6).address();
    const auto change = [&](const std::string& name, std::uint16_t type, const auto& request) {
      kernel.drain();
      const auto begun = Clock::now();
      auto written = std::async(std::launch::async, request);
      into[name].push_back(milliseconds(kernel.await(type, prefix, 1) - begun));
      written.get();
    };
    change("node-added", RTM_NEWROUTE, [&] { api.expect("POST", kNodesPath, object); });
    change("node-removed", RTM_DELROUTE,
           [&] { api.expect("DELETE", path_of(kNodesPath, node_name(number))); });
  }
  progress(fmt::format("node: added {:.1f} ms, removed {:.1f} ms", median(into["node-added"]),
                       median(into["node-removed"])));
}

/// A new agent where an earlier one's forwarding stands.
void measure_restart(const ControlPlane& control, const AgentNode& node, Measured& into) {
  const auto begun = Clock::now();
  const KubernetesAgent agent(node, control.agent_kubeconfig());
  agent.await_programmed(kRoutes);
  const auto time = milliseconds(Clock::now() - begun);
  const auto writes = agent.status().at("lastApply").at("writes").to_number<double>();
  expect_forwarding(node.space().name(), kSize);
  into["restart"].push_back(time);
  into["restart-writes"].push_back(writes);
  progress(fmt::format("restart: {:.0f} ms, {:.0f} writes to the kernel", time, writes));
}

/// Whether the policy has this condition, for the generation of now.
bool holds(const boost::json::value& policy, std::string_view type) {
  using kubernetes::number_at, kubernetes::text_at;
  const auto* conditions = kubernetes::find(policy, "status", "conditions");
  if (conditions == nullptr) return false;
  return std::ranges::any_of(conditions->as_array(), [&](const boost::json::value& condition) {
    return text_at(condition, "type") == type && text_at(condition, "status") == "True" &&
           number_at(condition, "observedGeneration") ==
               number_at(policy, "metadata", "generation");
  });
}

/// Looks until it is so.
void await(const char* what, std::chrono::seconds patience, std::chrono::milliseconds between,
           const std::function<bool()>& is_so) {
  for (const auto end = Clock::now() + patience; !is_so(); std::this_thread::sleep_for(between)) {
    check_interruption();
    if (Clock::now() > end) throw std::runtime_error(std::string("in vain: waited for ") + what);
  }
}

/// A policy of which node 0 is the only headend, edited: until what `kubectl wait` waits for.
void measure_ready(const ControlPlane& control, Measured& into) {
  Api api(control.access());
  const std::string name = "few-headends";
  const auto path = path_of(kPoliciesPath, name);
  auto policy = policy_object(kSize, 0, usual_segment(0));
  policy["metadata"].as_object()["name"] = name;
  auto& spec = policy["spec"].as_object();
  spec["headend"] = {{"nodeNames", {node_name(0)}}};
  spec["color"] = 4711;
  api.expect("POST", kPoliciesPath, serialize(policy));
  const auto ready = [&] { return holds(boost::json::parse(api.expect("GET", path)), "Ready"); };
  await("the first status", kStatuses, std::chrono::milliseconds(50), ready);
  for (std::size_t edit = 0; edit < kAwaitedEdits; ++edit) {
    const auto segment = fmt::format("fcff:f::{:x}", edit + 1);
    const auto begun = Clock::now();
    api.expect("PATCH", path, serialize(policy_edit(kSize, 0, segment)), kMergePatch);
    await("a policy to be ready", kStatuses, std::chrono::milliseconds(20), ready);
    into["aggregator-ready"].push_back(milliseconds(Clock::now() - begun));
  }
  api.expect("DELETE", path);
}

/// Until ten seconds have passed without the status of a policy being written.
void await_rest(const ControlPlane& control) {
  constexpr auto kWrites = "patch srv6policies/status 200";
  constexpr std::chrono::seconds kQuiet{10};
  const auto written = [&] {
    const auto requests = control.agent_requests();
    const auto found = requests.find(kWrites);
    return found == requests.end() ? 0 : found->second;
  };
  auto before = written();
  std::this_thread::sleep_for(kQuiet);
  await("the aggregator to have told all", kStatuses, kQuiet, [&] {
    const auto now = written();
    return std::exchange(before, now) == now;
  });
}

/// Until the agent's own node reports of all policies. Its turn for that comes at random within
/// some minutes (write_pace.h), and makes the status of each policy another one.
void await_report(Api& api) {
  await("the node's own report", 2 * kStatuses, std::chrono::seconds(1), [&] {
    const auto reply = api.request("GET", path_of(kSrv6NodesPath, node_name(0)));
    return reply.status == 200 &&
           kubernetes::number_at(boost::json::parse(reply.body), "status", "policyCounts",
                                 "programmed") == static_cast<std::int64_t>(kSize.policies);
  });
}

/// The agent as the one that writes the status of all policies: the lease is free.
void measure_aggregator(const ControlPlane& control, const AgentNode& node,
                        const Background& heartbeats, Measured& into) {
  Api api(control.access());
  api.expect("DELETE", path_of(kLeasesPath, "sextant-aggregator"));
  const auto begun = Clock::now();
  const KubernetesAgent agent(node, control.agent_kubeconfig());
  constexpr std::chrono::seconds kFirstMinute{60};
  std::this_thread::sleep_until(begun + kFirstMinute);
  const double load = 100 * processor_seconds(agent.pid()) / seconds_since(begun);
  await("all policies to have a status", kStatuses, std::chrono::seconds(5), [&] {
    agent.check();
    const auto list = boost::json::parse(api.expect("GET", kPoliciesPath));
    return std::ranges::all_of(list.at("items").as_array(), [](const boost::json::value& policy) {
      return holds(policy, "Accepted");
    });
  });
  // Later runs find the statuses of the first.
  if (into["aggregator-statuses"].empty()) {
    into["aggregator-first-minute-load"].push_back(load);
    into["aggregator-statuses"].push_back(milliseconds(Clock::now() - begun));
    progress(fmt::format(
        "aggregator: {:.1f} % of a processor in the first minute; all statuses after {:.0f} s",
        load, into["aggregator-statuses"].back() / 1000));
  }
  into["aggregator-memory-peak"].push_back(peak_megabytes(agent.pid()));
  progress(fmt::format("aggregator: peak {:.1f} MB", into["aggregator-memory-peak"].back()));
  await_report(api);
  await_rest(control);
  measure_load("aggregator-idle", kIdle, control, node, agent, {&heartbeats}, into);
  into["aggregator-memory"].push_back(resident_megabytes(agent.pid()));
  const Background statuses(control.access(), kStatusWrites, [](Api& each, std::size_t number) {
    constexpr std::size_t kLater = 1'000'000;  // generations that nobody has reported yet
    write_status(each, kLater + number);
  });
  measure_load("aggregator-busy", kBusy, control, node, agent, {&heartbeats, &statuses}, into);
  measure_ready(control, into);
  progress(fmt::format("aggregator: ready {:.0f} ms after an edit, with reports of others at work",
                       median(into["aggregator-ready"])));
}

/// Processor time of the API server for one event at one watch, beyond that of
/// the write.
void measure_watchers(const ControlPlane& control, Measured& into) {
  const auto write_all = [&](const Watchers* watchers) {
    const double before = processor_seconds(control.server());
    Api api(control.access());
    const std::size_t seen = watchers == nullptr ? 0 : watchers->events();
    for (std::size_t i = 0; i < kWatchedWrites; ++i) {
      check_interruption();
      beat(api, i);
    }
    if (watchers != nullptr) watchers->await(seen + kWatchers * kWatchedWrites);
    return processor_seconds(control.server()) - before;
  };
  const double alone = write_all(nullptr);
  const Watchers watchers(control.access(), kNodesPath, kWatchers);
  const double watched = write_all(&watchers);
  into["server-event"].push_back(1e6 * (watched - alone) / (kWatchers * kWatchedWrites));
  progress(
      fmt::format("API server: {:.2f} ms a write, {:.1f} us an event, "
                  "{:.0f} bytes an event",
                  1e3 * alone / kWatchedWrites, into["server-event"].back(),
                  static_cast<double>(watchers.bytes()) / static_cast<double>(watchers.events())));
}

struct Unit {
  std::string_view name, unit;
};
constexpr Unit kUnits[] = {{"-load", "%"},        {"-requests", "requests/min"},
                           {"-bytes", "MB/min"},  {"memory", "MB"},
                           {"-writes", "writes"}, {"-event", "us"},
                           {"start-bytes", "MB"}};

std::string unit_of(std::string_view name) {
  if (name == "start-bytes" || name.find("memory") != std::string_view::npos) return "MB";
  for (const auto& [part, unit] : kUnits) {
    if (name.ends_with(part)) return std::string(unit);
  }
  return "ms";
}

std::vector<Row> run(const Options& options) {
  const Space fabric("api");
  auto begun = Clock::now();
  const ControlPlane control(fabric, AgentNode::server_address());
  progress(fmt::format("API server ready after {:.1f} s", seconds_since(begun)));
  begun = Clock::now();
  populate(control.access(), kSize);
  progress(fmt::format("populated after {:.1f} s; API server {:.0f} MB, etcd {:.0f} MB",
                       seconds_since(begun), resident_megabytes(control.server()),
                       resident_megabytes(control.etcd())));
  Measured measured;
  if (options.wants("server-event")) {
    for (int run = 0; run < options.runs; ++run) measure_watchers(control, measured);
  }
  for (int run = 0; run < options.runs; ++run) {
    progress(fmt::format("run {} of {}", run + 1, options.runs));
    const AgentNode node(fabric);
    auto agent = measure_start(control, node, measured);
    const Background heartbeats(control.access(), kHeartbeats, beat);
    if (options.wants("idle")) {
      measure_load("idle", kIdle, control, node, *agent, {&heartbeats}, measured);
      measured["memory"].push_back(resident_megabytes(agent->pid()));
    }
    if (options.wants("busy")) {
      const Background statuses(control.access(), kStatusWrites, write_status);
      measure_load("busy", kBusy, control, node, *agent, {&heartbeats, &statuses}, measured);
    }
    if (options.wants("edit")) measure_edits(control, node, run, measured);
    if (options.wants("node")) measure_nodes(control, node, measured);
    if (options.wants("restart") || options.wants("aggregator")) agent->end();
    if (options.wants("restart")) {
      measure_restart(control, node, measured);
    }
    if (options.wants("aggregator")) {
      measure_aggregator(control, node, heartbeats, measured);
      Api(control.access()).expect("DELETE", path_of(kLeasesPath, "sextant-aggregator"));
      Api(control.access()).expect("POST", kLeasesPath, serialize(held_lease()));
    }
  }
  std::vector<Row> rows;
  for (const auto& [name, values] : measured) {
    if (!options.wants(name)) continue;
    rows.push_back({.bench = "kubernetes",
                    .name = name,
                    .unit = unit_of(name),
                    .better = Better::kLess,
                    .ours = median_of(values)});
  }
  return rows;
}

}  // namespace
}  // namespace sextant::bench

int main(int argc, char** argv) {
  using namespace sextant::bench;
  return run_program(argc, argv,
                     {.name = "kubernetes",
                      .text = "One agent of a cluster of 5,000 nodes with "
                              "1,000 policies, at a real API server"},
                     run);
}
