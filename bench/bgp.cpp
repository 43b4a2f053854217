// BGP: 500,000 prefixes, 100,000 SR Policies from 2 peers, to 10 clients, withdrawn; against BIRD,
// FRR, GoBGP.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bgp/burst_case.h"
#include "bgp/daemon.h"
#include "bgp/feed.h"
#include "bgp/rib_case.h"
#include "bgp/session_case.h"
#include "bgp/speaker_process.h"
#include "common/program.h"
#include "common/rotation.h"

namespace sextant::bench {
namespace {

/// By the name of the figure, "prefixes-receive".
using Measured = std::map<std::string, std::vector<double>>;

struct Case {
  std::string name;
  Feed (*feed)(const IpAddress& next_hop);
};
const std::vector<Case> kCases{{"prefixes", prefix_feed}, {"policies", policy_feed}};
const std::vector<std::string> kRibFigures{"receive", "memory", "withdraw", "reflect-10"};
const std::vector<std::string> kTableFigures{"receive", "processor", "memory", "withdraw"};
const std::vector<std::string> kReflectionFigures{"reflect-10"};
constexpr auto kBurst = "agent-burst-10k";  // policies
const std::vector<std::string> kBurstFigures{"programmed", "processor"};

bool wants_any(const Options& options, const std::string& prefix,
               const std::vector<std::string>& figures) {
  return std::ranges::any_of(
      figures, [&](const auto& figure) { return options.wants(prefix + "-" + figure); });
}

Row row_of(const std::string& name, const std::vector<double>& ours) {
  const bool memory = name.ends_with("memory");
  return {.bench = "bgp",
          .name = name,
          .unit = memory ? "MB" : "ms",
          .better = Better::kLess,
          .ours = median_of(ours)};
}

void measure_alone(const Case& value, const std::vector<Feed>& feeds, Measured& measured) {
  const auto alone = measure_rib(feeds, 0);
  const auto reflected = measure_rib(feeds, 10);
  const auto prefix = "rib-" + value.name;
  measured[prefix + "-receive"].push_back(alone.receive);
  measured[prefix + "-memory"].push_back(alone.memory);
  measured[prefix + "-withdraw"].push_back(alone.withdraw);
  measured[prefix + "-reflect-10"].push_back(reflected.reflect);
  progress(fmt::format("{}: receive {:.0f} ms, {:.1f} MB, withdraw {:.0f} ms, reflect {:.0f} ms",
                       prefix, alone.receive, alone.memory, alone.withdraw, reflected.reflect));
}

constexpr std::chrono::seconds kLong{45};

/// What real daemons need. One that fails at something is not asked for that again, nor is one that
/// takes very long: a run of everything has to end the same morning.
class Sessions {
 public:
  Sessions(const Case& value, const std::vector<Feed>& feeds, const Options& options)
      : case_(value.name), feeds_(feeds), options_(options) {
    kinds_ = {DaemonKind::kSextant, DaemonKind::kBird, DaemonKind::kFrr, DaemonKind::kGobgp};
    std::erase_if(kinds_, [&](auto kind) {
      if (speaks(kind, feeds[0].family)) return false;
      progress(fmt::format("{}: without {}, which does not speak {}", case_, name_of(kind),
                           to_string(feeds[0].family)));
      return true;
    });
  }

  void measure(int run) {
    for (const auto kind : rotated(kinds_, run)) {
      measure(kind, kTableFigures, measure_table);
      measure(kind, kReflectionFigures, measure_reflection);
    }
  }

  void add_rows(std::vector<Row>& rows) const {
    for (const auto& figures : {kTableFigures, kReflectionFigures}) {
      for (const auto& figure : figures) {
        const auto name = case_ + "-" + figure;
        if (!options_.wants(name)) continue;
        for (const auto kind : kinds_) {
          if (kind == DaemonKind::kSextant) continue;
          rows.push_back(row_of(name, measured_.at(DaemonKind::kSextant).at(name)));
          rows.back().peer = peer(kind, name);
        }
      }
    }
  }

 private:
  using Measure = void (*)(DaemonKind, const Feed&, const Feed&, const Note&);

  void measure(DaemonKind kind, const std::vector<std::string>& figures, Measure how) {
    if (!wants_any(options_, case_, figures)) return;
    if (kind != DaemonKind::kSextant && enough_.contains({kind, figures.back()})) return;
    const auto begun = std::chrono::steady_clock::now();
    std::string line = name_of(kind) + " " + case_ + ":";
    std::size_t had = 0;
    try {
      how(kind, feeds_[0], feeds_[1], [&](const std::string& what, double figure) {
        measured_[kind][case_ + "-" + what].push_back(figure);
        line += fmt::format(" {} {:.0f}", what, figure);
        ++had;
      });
    } catch (const std::runtime_error& error) {
      // Ours has no excuse, nor has somebody who interrupts us.
      if (kind == DaemonKind::kSextant || interrupted()) throw;
      for (; had < figures.size(); ++had) failures_[{kind, figures[had]}] = error.what();
      line += fmt::format(" FAILED: {}", error.what());
    }
    if (failures_.contains({kind, figures.back()}) ||
        std::chrono::steady_clock::now() - begun > kLong) {
      enough_.insert({kind, figures.back()});
    }
    progress(line);
  }

  [[nodiscard]] Row::Peer peer(DaemonKind kind, const std::string& name) const {
    const auto figure = name.substr(case_.size() + 1);
    if (const auto failure = failures_.find({kind, figure}); failure != failures_.end()) {
      return {.name = name_of(kind), .failure = failure->second};
    }
    return {.name = name_of(kind), .theirs = median_of(measured_.at(kind).at(name))};
  }

  std::string case_;
  const std::vector<Feed>& feeds_;
  const Options& options_;
  std::vector<DaemonKind> kinds_;
  std::map<DaemonKind, Measured> measured_;
  using Figured = std::pair<DaemonKind, std::string>;
  std::map<Figured, std::string> failures_;
  std::set<Figured> enough_;  // the last of the figures that are measured together
};

std::vector<Row> measure_case(const Case& value, const Options& options) {
  const bool alone = wants_any(options, "rib-" + value.name, kRibFigures);
  const bool sessions = wants_any(options, value.name, kTableFigures) ||
                        wants_any(options, value.name, kReflectionFigures);
  if (!alone && !sessions) return {};
  const std::vector<Feed> feeds{value.feed(peer_address(0)), value.feed(peer_address(1))};
  Measured of_rib;
  Sessions of_sessions(value, feeds, options);
  for (int run = 0; run < options.runs; ++run) {
    check_interruption();
    if (alone) measure_alone(value, feeds, of_rib);
    if (sessions) of_sessions.measure(run);
  }
  std::vector<Row> rows;
  for (const auto& [name, values] : of_rib) {
    if (options.wants(name)) rows.push_back(row_of(name, values));
  }
  if (sessions) of_sessions.add_rows(rows);
  return rows;
}

std::vector<Row> measure_all(const Options& options) {
  std::vector<Row> rows;
  if (wants_any(options, kBurst, kBurstFigures)) {
    Measured measured;
    for (int run = 0; run < options.runs; ++run) {
      const auto costs = measure_burst();
      measured[std::string(kBurst) + "-programmed"].push_back(costs.programmed);
      measured[std::string(kBurst) + "-processor"].push_back(costs.processor);
      progress(fmt::format("{}: programmed {:.0f} ms, {:.0f} ms of a processor", kBurst,
                           costs.programmed, costs.processor));
    }
    for (const auto& [name, values] : measured) {
      if (options.wants(name)) rows.push_back(row_of(name, values));
    }
  }
  for (const auto& value : kCases) {
    for (auto& row : measure_case(value, options)) rows.push_back(std::move(row));
  }
  return rows;
}

/// The measured process: "speaker FAMILY CLIENTS".
int speaker_of(std::string_view family_name, std::string_view clients_text) {
  const auto family = bgp::family_of(family_name);
  std::size_t clients = 0;
  const auto parsed =
      std::from_chars(clients_text.data(), clients_text.data() + clients_text.size(), clients);
  if (!family || parsed.ec != std::errc()) return 2;
  return run_speaker(*family, clients);
}

}  // namespace
}  // namespace sextant::bench

int main(int argc, char** argv) {
  using namespace sextant::bench;
  if (argc == 4 && std::string_view(argv[1]) == "speaker") return speaker_of(argv[2], argv[3]);
  const About about{
      .name = "bgp",
      .text =
          "What BGP routes cost. rib-...: the routing information base alone, in a process of its "
          "own, in processor time. The others: real daemons as route reflectors, fed over TCP by "
          "two peers (receive: until the daemon rests), heard by one client (withdraw) or ten "
          "(reflect-10: from the first byte of the feeds until the last client has all). "
          "agent-burst-...: sextantd on a node, until the kernel has all policies' new paths."};
  return run_program(argc, argv, about, measure_all);
}
