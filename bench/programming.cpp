// 100,000 prefixes a family, added and removed, against `ip -batch`; the agent's memory and load.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <stdexcept>

#include "common/program.h"
#include "common/rotation.h"
#include "common/space.h"
#include "dataplane/linux/linux_dataplane.h"
#include "dataplane/linux/netlink/route.h"
#include "programming/agent.h"
#include "programming/cluster.h"

namespace sextant::bench {
namespace {

using Clock = std::chrono::steady_clock;

/// Milliseconds.
struct Times {
  double add = 0, remove = 0;
};
struct Case {
  std::string name;  // "ipv4-100k"; follows "add-" and "remove-"
  Family family;
  Layout layout;
};
const std::vector<Case> kCases{
    {"ipv4-100k", Family::kIpv4, Layout::kPacked},
    {"ipv6-100k", Family::kIpv6, Layout::kPacked},
    {"ipv4-100k-scattered", Family::kIpv4, Layout::kScattered},
    {"ipv6-100k-scattered", Family::kIpv6, Layout::kScattered},
};

double milliseconds_of(const std::function<void()>& action) {
  const auto begun = Clock::now();
  action();
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

Space node_with_uplink(const std::string& role) {
  Space node(role);
  node.sysctl({"net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"});
  node.ip(
      "link add ul index 100 type veth peer name far index 101\naddress add fd00::a/64 dev ul "
      "nodad\nlink set ul up\nlink set far up\n");
  return node;
}

/// Throws where the namespace has more or fewer unicast routes with a nexthop object.
void expect_routes(const std::string& netns, Family family, std::uint32_t wanted) {
  const auto space = must(netlink::Netns::open(netns));
  const auto routes = must(space.run([&]() -> Result<std::vector<netlink::Route>> {
    auto socket = netlink::Socket::make();
    if (!socket) return tl::unexpected(socket.error());
    return netlink::list_routes(*socket, {.family = family, .table = netlink::TableId::kMain});
  }));
  const auto count = std::ranges::count_if(
      routes, [](const auto& route) { return route.nexthop != netlink::NexthopId::kNone; });
  if (count != wanted) {
    throw std::runtime_error(fmt::format("{} has {} routes of {}", netns, count, wanted));
  }
}

void throw_problems(const dataplane::ApplyReport& report) {
  if (report.ok()) return;
  throw std::runtime_error(fmt::format("{} problems, the first: {}", report.problems.size(),
                                       report.problems.front().error.message()));
}

Times measure_ours(const Case& value) {
  const Space node = node_with_uplink("ours");
  const auto lone = lone_node();
  const auto wanted = node_with_prefixes(value.family, value.layout);
  const auto fewer = overlay::diff(wanted, lone);
  Times times;
  must(node.netns().run([&]() -> Result<void> {
    auto dataplane = dataplane::make_linux_dataplane({});
    if (!dataplane) return tl::unexpected(dataplane.error());
    Result<dataplane::ApplyReport> report;
    times.add = milliseconds_of([&] { report = (*dataplane)->reconcile(wanted); });
    if (!report) return tl::unexpected(report.error());
    throw_problems(*report);
    expect_routes(node.name() + "-gw", value.family, kPrefixes);
    times.remove = milliseconds_of([&] { report = (*dataplane)->apply(fewer); });
    if (!report) return tl::unexpected(report.error());
    throw_problems(*report);
    expect_routes(node.name() + "-gw", value.family, 0);
    return (*dataplane)->remove_all();
  }));
  return times;
}

Times measure_ip(const Case& value) {
  const Space node = node_with_uplink("ip");
  const std::string add = add_lines(value.family, value.layout);
  const std::string remove = remove_lines(value.family, value.layout);
  Times times;
  times.add = milliseconds_of([&] { node.ip(add); });
  expect_routes(node.name(), value.family, kPrefixes);
  times.remove = milliseconds_of([&] { node.ip(remove); });
  expect_routes(node.name(), value.family, 0);
  return times;
}

using Measured = std::map<std::string, std::vector<double>>;

void measure_routes(const Case& value, int run, Measured& ours, Measured& theirs) {
  std::string line = value.name + ":";
  enum class Who { kOurs, kTheirs };
  for (const auto who : rotated(std::vector{Who::kOurs, Who::kTheirs}, run)) {
    const bool our_turn = who == Who::kOurs;
    const Times times = our_turn ? measure_ours(value) : measure_ip(value);
    auto& into = our_turn ? ours : theirs;
    into["add-" + value.name].push_back(times.add);
    into["remove-" + value.name].push_back(times.remove);
    line += fmt::format(" {} add {:.0f} ms, remove {:.0f} ms", our_turn ? "sextant" : "ip -batch",
                        times.add, times.remove);
  }
  progress(line);
}

constexpr std::string_view kMemoryIdle = "agent-memory-idle", kMemoryFull = "agent-memory-200k",
                           kLoadIdle = "agent-load-idle", kLoadFull = "agent-load-200k";

void measure_agent(Measured& ours) {
  for (const bool full : {false, true}) {
    const Agent agent(full ? kPrefixes : 0);
    const double load = agent.idle_load(), memory = agent.memory();
    ours[std::string(full ? kMemoryFull : kMemoryIdle)].push_back(memory);
    ours[std::string(full ? kLoadFull : kLoadIdle)].push_back(load);
    progress(fmt::format("agent{}: {:.1f} MB, {:.3f} % of a processor",
                         full ? " with 200,000 prefixes" : "", memory, load));
  }
}

std::vector<Row> run(const Options& options) {
  Measured ours, theirs;
  for (int run = 0; run < options.runs; ++run) {
    progress(fmt::format("run {} of {}", run + 1, options.runs));
    for (const Case& value : kCases) {
      if (options.wants("add-" + value.name) || options.wants("remove-" + value.name)) {
        measure_routes(value, run, ours, theirs);
      }
    }
    if (options.wants(kMemoryIdle) || options.wants(kMemoryFull) || options.wants(kLoadIdle) ||
        options.wants(kLoadFull)) {
      measure_agent(ours);
    }
  }
  std::vector<Row> rows;
  for (const auto& [name, values] : ours) {
    if (!options.wants(name)) continue;
    Row row{
        .bench = "programming", .name = name, .better = Better::kLess, .ours = median_of(values)};
    row.unit = name.starts_with("agent-memory") ? "MB"
               : name.starts_with("agent-load") ? "%"
                                                : "ms";
    if (const auto peer = theirs.find(name); peer != theirs.end()) {
      row.peer = Row::Peer{"ip-batch", median_of(peer->second)};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace
}  // namespace sextant::bench

int main(int argc, char** argv) {
  using namespace sextant::bench;
  return run_program(argc, argv,
                     {.name = "programming",
                      .text = "Adding and removing 100,000 prefixes of each family, against `ip "
                              "-batch` with nexthop objects; memory and idle load of sextantd"},
                     run);
}
