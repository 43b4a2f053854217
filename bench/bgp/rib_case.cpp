#include "bgp/rib_case.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>

#include "base/unique_fd.h"
#include "bgp/rib/exporter.h"
#include "bgp/rib/rib.h"
#include "bgp/wire/message.h"
#include "common/process.h"

namespace sextant::bench {
namespace {

double processor_milliseconds(const std::function<void()>& action) {
  const auto now = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
  };
  const auto begun = now();
  action();
  return now() - begun;
}

void demand(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("the RIB is wrong: ") + what);
}

void take(bgp::Rib& rib, bgp::PeerId peer, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto message = bgp::next_message(bytes);
    demand(message && *message, "a message of the feed is none");
    const auto received = rib.receive(peer, bgp::split_update((*message)->body));
    demand(received.judgement.verdict() == bgp::Verdict::kAccept, "a route was not accepted");
    bytes = bytes.subspan((*message)->size);
  }
}

void tell_listener(bgp::ChangeQueue& queue, std::size_t& heard) {
  std::vector<bgp::EntryId> changes;
  queue.take(std::numeric_limits<std::size_t>::max(), changes);
  heard += changes.size();
  for (const auto entry : changes) queue.done(entry);
}

RibCosts run(const std::vector<Feed>& feeds, std::size_t clients) {
  // Peak memory is counted from here (proc(5), clear_refs).
  std::ofstream("/proc/self/clear_refs") << "5";
  const double before = resident_megabytes(getpid());
  RibCosts costs;
  const auto family = feeds.front().family;
  bgp::Rib rib({.local_as = kLocalAs, .router_id = Ipv4Address({10, 0, 0, 100})});
  bgp::Exporter exporter(rib);
  const auto peer_number = [](std::size_t number) {
    bgp::RibPeer peer{.asn = kLocalAs,
                      .router_id = Ipv4Address({10, 0, 1, static_cast<std::uint8_t>(number)}),
                      .address = Ipv4Address({10, 0, 1, static_cast<std::uint8_t>(number)})};
    peer.reflect_client = true;
    return peer;
  };
  std::vector<bgp::PeerId> sources;
  std::vector<bgp::PeerId> sinks;
  for (std::size_t i = 0; i < feeds.size(); ++i) sources.push_back(rib.add_peer(peer_number(i)));
  for (std::size_t i = 0; i < clients; ++i) {
    sinks.push_back(rib.add_peer(peer_number(100 + i)));
    exporter.add(sinks.back(), {.family = family, .reflect_client = true});
  }
  const auto listener = rib.open_queue(family, bgp::ChangeQueue::Interest::kBest);
  std::size_t heard = 0;
  costs.receive = processor_milliseconds([&] {
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      take(rib, sources[i], feeds[i].announce);
      tell_listener(*listener, heard);
    }
  });
  demand(rib.table(family).size() == feeds.front().routes, "the number of routes");
  demand(heard >= feeds.front().routes, "the listener did not hear of all");
  costs.memory = peak_megabytes(getpid()) - before;
  std::vector<std::size_t> sent(clients);
  const auto send = [&] {
    bool more = true;
    while (more) {
      more = false;
      for (std::size_t i = 0; i < clients; ++i) {
        if (const auto bytes = exporter.next(sinks[i], family)) sent[i] += bytes->size();
        more |= exporter.pending(sinks[i], family);
      }
    }
  };
  costs.reflect = processor_milliseconds(send);
  for (const auto bytes : sent) demand(bytes > feeds.front().routes * 9, "a client misses routes");
  costs.withdraw = processor_milliseconds([&] {
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      take(rib, sources[i], feeds[i].withdraw);
      tell_listener(*listener, heard);
    }
    send();
  });
  demand(rib.table(family).size() == 0 && rib.pool().size() == 0, "something is left");
  return costs;
}

}  // namespace

RibCosts measure_rib(const std::vector<Feed>& feeds, std::size_t clients) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  const auto child = fork();
  if (child < 0) throw std::runtime_error("no process");
  if (child == 0) {
    int status = 1;
    try {
      const auto costs = run(feeds, clients);
      if (write(to.get(), &costs, sizeof costs) == sizeof costs) status = 0;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    _exit(status);
  }
  to.reset();
  RibCosts costs;
  const auto count = read(from.get(), &costs, sizeof costs);
  int status = 0;
  waitpid(child, &status, 0);
  if (count != sizeof costs || status != 0) throw std::runtime_error("the measurement failed");
  return costs;
}

}  // namespace sextant::bench
