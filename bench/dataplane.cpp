// Packets a second and TCP between two pods: ours, plain routing, VXLAN, kernel seg6 by hand.
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <stdexcept>

#include "common/program.h"
#include "common/rotation.h"
#include "dataplane/peer.h"
#include "dataplane/traffic.h"

namespace sextant::bench {
namespace {

constexpr std::size_t kPacketSize = 64;  // with the IP header
constexpr std::size_t kEthernetHeader = 14;
constexpr std::chrono::milliseconds kWarmUp{50}, kFloodTime{1000};
constexpr std::chrono::seconds kTcpTime{2};

struct Case {
  std::string name;
  bool tcp = false;
  bool steered = false;  // over three SIDs
  std::string_view to;
};
const std::vector<Case> kCases{
    {.name = "udp64-ipv4", .to = kB.pod4},
    {.name = "udp64-ipv6", .to = kB.pod6},
    {.name = "udp64-ipv4-3sids", .steered = true, .to = kB.steered_pod4},
    {.name = "udp64-ipv6-3sids", .steered = true, .to = kB.steered_pod6},
    {.name = "tcp-ipv4", .tcp = true, .to = kB.pod4},
    {.name = "tcp-ipv6", .tcp = true, .to = kB.pod6},
};

/// Packets a second at the receiving pod. Throws where they did not take the way that is measured.
double packet_rate(const Peer& peer, const Case& value, const IpAddress& to) {
  const Lab& lab = peer.lab();
  (void)flood(lab.pod(kA), to, kFloodPort, kPacketSize, kWarmUp);
  const auto arrived_before = lab.arrived();
  const std::string wire_device = value.steered ? "to-r" : "ul";
  const auto wire_before = received_by(lab.node(kB), wire_device);
  std::map<const Side*, std::uint64_t> forwarded_before;
  if (peer.hooked()) forwarded_before = {{&kA, lab.forwarded(kA)}, {&kB, lab.forwarded(kB)}};
  const Flood sent = flood(lab.pod(kA), to, kFloodPort, kPacketSize, kFloodTime);
  const auto wire = received_by(lab.node(kB), wire_device);
  const auto arrived = static_cast<double>(lab.arrived() - arrived_before);
  const auto on_wire = static_cast<double>(wire.packets - wire_before.packets);
  const auto size = static_cast<double>(wire.bytes - wire_before.bytes) / std::max(on_wire, 1.0);
  const auto wanted =
      static_cast<double>(kEthernetHeader + peer.overhead(value.steered) + kPacketSize);
  constexpr double kByte = 1;  // a few packets of neighbor discovery in between
  if (arrived == 0 || on_wire < arrived || std::abs(size - wanted) > kByte) {
    throw std::runtime_error(
        fmt::format("{} {}: {} packets arrived, {} were on the underlay with {:.1f} bytes each; "
                    "wanted {} bytes",
                    peer.name(), value.name, arrived, on_wire, size, wanted));
  }
  for (const auto& [side, before] : forwarded_before) {
    const auto forwarded = static_cast<double>(lab.forwarded(*side) - before);
    if (forwarded < arrived) {
      throw std::runtime_error(fmt::format("{} {}: FORWARD of node {} saw {} of {} packets",
                                           peer.name(), value.name, side->name, forwarded,
                                           arrived));
    }
  }
  return arrived / sent.seconds;
}

double measure(const Peer& peer, const Case& value) {
  const auto to = must(IpAddress::parse(value.to));
  return value.tcp ? tcp_rate(peer.lab().pod(kA), to, kTcpTime) : packet_rate(peer, value, to);
}

using Measured = std::map<std::string, std::vector<double>>;  // by peer

/// One for each peer that was measured.
std::vector<Row> rows_of(const Case& value, const std::vector<const Peer*>& peers,
                         const Measured& measured) {
  std::vector<Row> rows;
  for (const Peer* peer : peers) {
    const auto theirs = measured.find(peer->name());
    if (peer->name() == kOurs || theirs == measured.end()) continue;
    rows.push_back({.bench = "dataplane",
                    .name = value.name,
                    .unit = value.tcp ? "bits/s" : "packets/s",
                    .better = Better::kMore,
                    .ours = median_of(measured.at(std::string(kOurs))),
                    .peer = Row::Peer{peer->name(), median_of(theirs->second)}});
  }
  return rows;
}

std::vector<Row> run(const Options& options) {
  std::vector<Case> cases;
  for (const Case& value : kCases) {
    if (options.wants(value.name)) cases.push_back(value);
  }
  if (cases.empty()) return {};
  progress("dataplane: setting up");
  const auto peers = make_peers();
  std::vector<std::unique_ptr<IperfServer>> servers;
  std::vector<const Peer*> order;
  for (const auto& peer : peers) {
    for (const Case& value : kCases) {
      if (!value.steered || peer->steers()) {
        ping(peer->lab().pod(kA), must(IpAddress::parse(value.to)));
      }
    }
    servers.push_back(std::make_unique<IperfServer>(peer->lab().pod(kB)));
    order.push_back(peer.get());
  }
  std::map<std::string, Measured> measured;
  for (int run = 0; run < options.runs; ++run) {
    for (const Case& value : cases) {
      std::string line = fmt::format("run {} of {}, {}:", run + 1, options.runs, value.name);
      for (const Peer* peer : rotated(order, run)) {
        if (value.steered && !peer->steers()) continue;
        const double rate = measure(*peer, value);
        measured[value.name][peer->name()].push_back(rate);
        line += fmt::format(" {} {:.0f}", peer->name(), rate);
      }
      progress(line);
    }
  }
  std::vector<Row> rows;
  for (const Case& value : cases) {
    for (auto& row : rows_of(value, order, measured.at(value.name))) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace
}  // namespace sextant::bench

int main(int argc, char** argv) {
  using namespace sextant::bench;
  return run_program(argc, argv,
                     {.name = "dataplane",
                      .text = "Packets a second (64 bytes with the IP header, UDP, one flow, one "
                              "processor) and TCP between two pods on two nodes"},
                     run);
}
