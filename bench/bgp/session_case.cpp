#include "bgp/session_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <stdexcept>
#include <vector>

#include "bgp/wire/update_writer.h"
#include "bgp/wire_peer.h"
#include "common/process.h"
#include "common/program.h"

namespace sextant::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kTimeout = 120000;  // ms, of each figure
constexpr double kRest = 300;        // ms without work: the daemon is done

double milliseconds_since(Clock::time_point begun) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
}

std::runtime_error too_slow() {
  return std::runtime_error(fmt::format("not within {:.0f} s", kTimeout / 1e3));
}

/// Serves until `done`; milliseconds that it took.
double serve_until(const std::vector<WirePeer*>& peers, const std::function<bool()>& done) {
  const auto begun = Clock::now();
  while (!done()) {
    check_interruption();
    if (milliseconds_since(begun) > kTimeout) throw too_slow();
    serve_once(peers, 10);
  }
  return milliseconds_since(begun);
}

/// Serves until all is sent and the daemon has done nothing for a while; milliseconds until it
/// began to rest.
double serve_until_rest(const Daemon& daemon, const std::vector<WirePeer*>& peers) {
  constexpr std::uint64_t kNoise = 1000000;  // ns: timers and the like
  const auto begun = Clock::now();
  double worked_at = 0;
  auto worked = daemon.processor_time();
  while (true) {
    check_interruption();
    daemon.check();
    serve_once(peers, 2);
    const auto now = milliseconds_since(begun);
    if (now > kTimeout) throw too_slow();
    bool sending = false;
    for (const auto* peer : peers) sending |= peer->sending();
    const auto processor = daemon.processor_time();
    if (sending || processor - worked > kNoise) {
      worked = processor;
      worked_at = now;
    } else if (now - worked_at > kRest) {
      return worked_at;
    }
  }
}

std::deque<WirePeer> connect(const Daemon& daemon, std::size_t from, std::size_t count,
                             bgp::Family family) {
  std::deque<WirePeer> peers;
  must(daemon.space().netns().run([&]() -> Result<void> {
    for (std::size_t i = from; i < from + count; ++i) {
      peers.emplace_back(peer_address(i), kDaemonAddress, static_cast<std::uint8_t>(i + 1), family);
    }
    return {};
  }));
  return peers;
}

}  // namespace

void measure_table(DaemonKind kind, const Feed& first, const Feed& second, const Note& note) {
  const Daemon daemon(kind, first.family, 1);
  auto sources = connect(daemon, 0, kSources, first.family);
  std::vector<WirePeer*> peers{&sources[0], &sources[1]};
  serve_until_rest(daemon, peers);  // it has started
  const auto before = daemon.processor_time();
  sources[0].send(first.announce);
  sources[1].send(second.announce);
  note("receive", serve_until_rest(daemon, peers));
  note("processor", static_cast<double>(daemon.processor_time() - before) / 1e6);
  note("memory", peak_megabytes(daemon.pid()));

  auto witness = connect(daemon, kSources, 1, first.family);
  peers.push_back(&witness[0]);
  serve_until(peers, [&] { return witness[0].routes() == first.routes; });
  sources[0].send(first.withdraw);
  sources[1].send(second.withdraw);
  note("withdraw", serve_until(peers, [&] { return witness[0].routes() == 0; }));
}

void measure_reflection(DaemonKind kind, const Feed& first, const Feed& second, const Note& note) {
  constexpr std::size_t kClients = 10;
  const Daemon daemon(kind, first.family, kClients);
  auto sources = connect(daemon, 0, kSources, first.family);
  auto clients = connect(daemon, kSources, kClients, first.family);
  std::vector<WirePeer*> peers{&sources[0], &sources[1]};
  for (auto& client : clients) peers.push_back(&client);
  serve_until_rest(daemon, peers);
  sources[0].send(first.announce);
  sources[1].send(second.announce);
  note("reflect-10", serve_until(peers, [&] {
         return std::ranges::all_of(
             clients, [&](const auto& client) { return client.routes() == first.routes; });
       }));
}

}  // namespace sextant::bench
