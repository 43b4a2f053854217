// Policy edits (file, BGP), upgrades, killed agents under traffic: time to the new path, losses.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <stdexcept>

#include "base/unique_fd.h"
#include "common/program.h"
#include "common/scratch.h"
#include "e2e/bgp_injector.h"
#include "e2e/edit_times.h"
#include "e2e/lab.h"

namespace sextant::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kEditsARun = 200;
constexpr int kEditsAtOnce = 20;  // an interruption is heeded in between
constexpr std::uint32_t kPacketsPerSecond = 10'000;
constexpr std::chrono::seconds kPatience{10};
constexpr std::uint64_t kPacketsAfter = 5'000;  // that must have come before the next thing happens

constexpr std::array kNodes{"master", "worker2"};  // headend and endpoint of both streams

Row lost_packets(const std::string& name, std::size_t runs, std::uint64_t lost) {
  const auto value = static_cast<double>(lost);
  return {.bench = "convergence",
          .name = name,
          .unit = "packets",
          .better = Better::kLess,
          .ours = {.value = value, .lowest = value, .highest = value, .runs = runs}};
}

/// A stream a family from master's pod to worker2's.
class Streams {
 public:
  explicit Streams(const e2e::Lab& lab)
      : four_(must(lab.stream(Family::kIpv4, kPacketsPerSecond))),
        six_(must(lab.stream(Family::kIpv6, kPacketsPerSecond))) {
    go_on();
  }
  /// Waits until many more packets came on both. Throws where they do not.
  void go_on() const {
    for (const auto* stream : {&four_, &six_}) {
      const auto wanted = stream->snapshot().received + kPacketsAfter;
      if (!stream->wait_received(wanted, kPatience)) {
        check_interruption();
        throw std::runtime_error("the stream does not go on: " + stream->snapshot().to_string());
      }
    }
    check_interruption();
  }
  /// What the network lost, of both. What the receiver's own socket dropped is not the network's.
  [[nodiscard]] std::uint64_t stop(const std::string& what) {
    const auto four = four_.stop(), six = six_.stop();
    progress(fmt::format("{}: IPv4 {}", what, four.to_string()));
    progress(fmt::format("{}: IPv6 {}", what, six.to_string()));
    return four.lost + four.send_errors + six.lost + six.send_errors;
  }

 private:
  testbed::Stream four_, six_;
};

void end_agent(const e2e::Lab& lab, const std::string& node, int signal) {
  const pid_t process = lab.agent(node);
  if (process <= 0) throw std::runtime_error("no agent runs on " + node);
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (!handle || ::kill(process, signal) != 0) {
    throw std::runtime_error(fmt::format("cannot end sextantd on {}: errno {}", node, errno));
  }
  pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
  constexpr int kTimeoutMs = 10'000;
  if (::poll(&ended, 1, kTimeoutMs) != 1) {
    check_interruption();
    throw std::runtime_error("sextantd on " + node + " does not end");
  }
}

void start_agents(const e2e::Lab& lab, const fs::path& programs) {
  must(testbed::up(lab.id(), {.pods = {}, .programs = programs, .progress = {}}));
}

/// `prefix` of the cases' names: "edit", "bgp-edit".
std::vector<Row> edits_of(const e2e::Lab& lab, const std::string& prefix, int runs,
                          const e2e::Edit& apply) {
  Streams streams(lab);
  std::array<std::vector<double>, 2> times;
  const int edits = runs * kEditsARun;
  for (int done = 0; done < edits; done += kEditsAtOnce) {
    check_interruption();
    const auto some = must(e2e::time_edits(lab, kEditsAtOnce, apply));
    for (std::size_t family = 0; family < 2; ++family) {
      for (const auto time : some[family]) {
        times[family].push_back(std::chrono::duration<double, std::milli>(time).count());
      }
    }
    if ((done + kEditsAtOnce) % kEditsARun == 0) {
      progress(fmt::format("{} {} of {}: median IPv4 {:.2f} ms, IPv6 {:.2f} ms", prefix,
                           done + kEditsAtOnce, edits, median(times[0]), median(times[1])));
    }
  }
  const auto lost = streams.stop(prefix);
  std::vector<Row> rows;
  for (std::size_t family = 0; family < 2; ++family) {
    const std::string name = family == 0 ? "ipv4" : "ipv6";
    const auto row = [&](const std::string& what, const Figure& figure) {
      rows.push_back({.bench = "convergence",
                      .name = prefix + "-" + what + "-" + name,
                      .unit = "ms",
                      .better = Better::kLess,
                      .ours = figure});
    };
    row("median", median_of(times[family]));
    row("p99", percentile_of(times[family], 99));
  }
  rows.push_back(lost_packets(prefix + "-lost", times[0].size(), lost));
  return rows;
}

/// Ends the agents of both nodes in turn and starts them again, under traffic.
Row restarts_of(const e2e::Lab& lab, const std::string& name, int runs, int signal,
                const std::function<fs::path(int run)>& programs) {
  Streams streams(lab);
  for (int run = 0; run < runs; ++run) {
    for (const std::string node : kNodes) {
      end_agent(lab, node, signal);
      streams.go_on();
      start_agents(lab, programs(run));
      streams.go_on();
    }
    progress(fmt::format("{} {} of {}", name, run + 1, runs));
  }
  return lost_packets(name + "-lost", kNodes.size() * static_cast<std::size_t>(runs),
                      streams.stop(name));
}

bool wants_edits(const Options& options, const std::string& prefix) {
  return std::ranges::any_of(
      std::array{"-median-ipv4", "-median-ipv6", "-p99-ipv4", "-p99-ipv6", "-lost"},
      [&](const char* what) { return options.wants(prefix + what); });
}

std::vector<Row> run(const Options& options) {
  const bool edits = wants_edits(options, "edit"), bgp_edits = wants_edits(options, "bgp-edit");
  const bool upgrades = options.wants("upgrade-lost"), kills = options.wants("kill-lost");
  if (!edits && !bgp_edits && !upgrades && !kills) return {};
  progress("convergence: setting up the full testbed");
  const auto lab = must(e2e::Lab::start());
  check_interruption();
  std::vector<Row> rows;
  const auto add_edits = [&](const std::string& prefix, const e2e::Edit& apply) {
    for (auto& row : edits_of(*lab, prefix, options.runs, apply)) {
      if (options.wants(row.name)) rows.push_back(std::move(row));
    }
  };
  if (edits) add_edits("edit", [&](const e2e::Path& path) { return lab->take(path); });
  if (bgp_edits) {
    const auto injector = must(e2e::BgpInjector::start(*lab));
    add_edits("bgp-edit", [&](const e2e::Path& path) -> Result<void> {
      injector->take(path);
      return {};
    });
    injector->withdraw();
    must(e2e::end_bgp(*lab));
  }
  if (upgrades) {
    const ScratchDirectory other;  // another build's path
    for (const auto* program : {"sextant", "sextantd", "sextant-cni"}) {
      fs::copy_file(e2e::programs() / program, other.path() / program);
    }
    const auto alternate = [&](int run) { return run % 2 == 0 ? other.path() : e2e::programs(); };
    rows.push_back(restarts_of(*lab, "upgrade", options.runs, SIGTERM, alternate));
  }
  if (kills) {
    rows.push_back(
        restarts_of(*lab, "kill", options.runs, SIGKILL, [](int) { return e2e::programs(); }));
  }
  return rows;
}

}  // namespace
}  // namespace sextant::bench

int main(int argc, char** argv) {
  using namespace sextant::bench;
  return run_program(
      argc, argv,
      {.name = "convergence",
       .text = "On the full testbed, under two streams of 10,000 packets a second: "
               "200 policy edits a run, from the manifest's file, or from an SR Policy on its way "
               "over BGP (bgp-edit-...), to the first packet on the new path; agents upgraded and "
               "killed; packets lost"},
      run);
}
