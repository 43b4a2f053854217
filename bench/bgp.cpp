// BGP: 500,000 prefixes, 100,000 SR Policies from 2 peers, to 10 clients, withdrawn; against BIRD,
// FRR, GoBGP.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bgp/daemon.h"
#include "bgp/feed.h"
#include "bgp/rib_case.h"
#include "bgp/session_case.h"
#include "bgp/speaker_process.h"
#include "common/program.h"
#include "common/rotation.h"

namespace sextant::bench {
namespace {

/// By the name of the case.
using Measured = std::map<std::string, std::vector<double>>;

struct Case {
  std::string name;
  Feed (*feed)(const IpAddress& next_hop);
};
const std::vector<Case> kCases{{"prefixes", prefix_feed}, {"policies", policy_feed}};

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

void measure_sessions(DaemonKind kind, const Case& value, const std::vector<Feed>& feeds,
                      Measured& measured) {
  const auto table = measure_table(kind, feeds[0], feeds[1]);
  const auto reflected = measure_reflection(kind, feeds[0], feeds[1]);
  measured[value.name + "-receive"].push_back(table.receive);
  measured[value.name + "-processor"].push_back(table.processor);
  measured[value.name + "-memory"].push_back(table.memory);
  measured[value.name + "-withdraw"].push_back(table.withdraw);
  measured[value.name + "-reflect-10"].push_back(reflected);
  progress(fmt::format(
      "{} {}: receive {:.0f} ms ({:.0f} ms of a processor), {:.1f} MB, withdraw {:.0f} ms, reflect "
      "{:.0f} ms",
      name_of(kind), value.name, table.receive, table.processor, table.memory, table.withdraw,
      reflected));
}

std::vector<DaemonKind> daemons_for(bgp::Family family) {
  std::vector<DaemonKind> kinds{DaemonKind::kSextant, DaemonKind::kBird, DaemonKind::kFrr,
                                DaemonKind::kGobgp};
  std::erase_if(kinds, [&](auto kind) { return !speaks(kind, family); });
  return kinds;
}

void add_rows(const std::map<DaemonKind, Measured>& measured, std::vector<Row>& rows) {
  for (const auto& [name, ours] : measured.at(DaemonKind::kSextant)) {
    for (const auto& [kind, theirs] : measured) {
      if (kind == DaemonKind::kSextant) continue;
      rows.push_back(row_of(name, ours));
      rows.back().peer = {name_of(kind), median_of(theirs.at(name))};
    }
  }
}

std::vector<Row> measure_all(const Options& options) {
  remove_abandoned_spaces();
  std::vector<Row> rows;
  for (const auto& value : kCases) {
    const bool alone = options.wants("rib-" + value.name);
    const bool sessions = options.wants(value.name);
    if (!alone && !sessions) continue;
    const std::vector<Feed> feeds{value.feed(client_address(0)), value.feed(client_address(1))};
    Measured of_rib;
    std::map<DaemonKind, Measured> of_sessions;
    for (int run = 0; run < options.runs; ++run) {
      check_interruption();
      if (alone) measure_alone(value, feeds, of_rib);
      if (!sessions) continue;
      for (const auto kind : rotated(daemons_for(feeds[0].family), run)) {
        measure_sessions(kind, value, feeds, of_sessions[kind]);
      }
    }
    for (const auto& [name, values] : of_rib) rows.push_back(row_of(name, values));
    if (sessions) add_rows(of_sessions, rows);
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
          "(reflect-10: from the first byte of the feeds until the last client has all)."};
  return run_program(argc, argv, about, measure_all);
}
