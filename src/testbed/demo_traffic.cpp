#include "testbed/demo_traffic.h"

#include <algorithm>
#include <utility>

namespace sextant::testbed {
namespace {

constexpr std::uint16_t kPort4 = 47004;
constexpr std::uint16_t kPort6 = 47006;
constexpr std::uint32_t kPacketsPerSecond = 1000;

std::uint16_t port_of(Family family) { return family == Family::kIpv4 ? kPort4 : kPort6; }

std::optional<StreamHeader> header_of(const CapturedPacket& packet, const Stream& stream) {
  const auto header = decode_stream_header(packet.inner.payload);
  return header && header->stream == stream.id() ? header : std::nullopt;
}

std::optional<IpAddress> address_of(const Pod& pod, Family family) {
  const auto found = std::ranges::find(pod.addresses, family, &IpAddress::family);
  if (found == pod.addresses.end()) return std::nullopt;
  return *found;
}

}  // namespace

Result<DemoTraffic> DemoTraffic::start(const Id& id, const Topology& lab, const Pod& from,
                                       const Pod& to) {
  DemoTraffic result;
  for (const Router& router : lab.routers) {
    auto sniffer = Sniffer::start({.netns = id.netns(router.name),
                                   .outgoing = false,
                                   .filter = [](const CapturedPacket& packet) {
                                     return packet.inner.destination_port == kPort4 ||
                                            packet.inner.destination_port == kPort6;
                                   }});
    if (!sniffer) return tl::unexpected(sniffer.error());
    result.sniffers_.emplace(router.name, std::move(*sniffer));
  }
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const auto source = address_of(from, family), destination = address_of(to, family);
    if (!source || !destination) {
      return failure("send from", from.name, "a pod has no address of the family");
    }
    auto stream = Stream::start({.from_netns = id.netns(from.name),
                                 .to_netns = id.netns(to.name),
                                 .destination = *destination,
                                 .port = port_of(family),
                                 .source_port = port_of(family),
                                 .packets_per_second = kPacketsPerSecond});
    if (!stream) return tl::unexpected(stream.error());
    result.flows_.push_back({family, *source, *destination, std::move(*stream)});
  }
  return result;
}

bool DemoTraffic::await(std::uint64_t count) const {
  static constexpr std::chrono::seconds kLimit{10};
  return std::ranges::all_of(flows_, [count](const Flow& flow) {
    return flow.stream.wait_received(flow.stream.snapshot().received + count, kLimit);
  });
}

void DemoTraffic::clear() {
  for (auto& [router, sniffer] : sniffers_) sniffer.clear();
}

std::map<DemoTraffic::Path, std::size_t> DemoTraffic::paths(const Flow& flow, Time from,
                                                            Time to) const {
  struct Seen {
    int hops_left;  // orders them on one way; see path_of()
    Time at;
    std::string router;
  };
  std::map<std::uint64_t, std::vector<Seen>> by_sequence;
  for (const auto& [router, sniffer] : sniffers_) {
    for (const CapturedPacket& packet : sniffer.packets()) {
      const auto header = header_of(packet, flow.stream);
      if (!header || header->sent < from || header->sent >= to) continue;
      const int hops_left = packet.outer ? packet.outer->hop_limit : packet.inner.hop_limit;
      by_sequence[header->sequence].push_back({hops_left, packet.at, router});
    }
  }
  std::map<Path, std::size_t> result;
  for (auto& [sequence, seen] : by_sequence) {
    std::ranges::sort(seen, {},
                      [](const Seen& each) { return std::pair(-each.hops_left, each.at); });
    Path path;
    for (const Seen& each : seen) path.push_back(each.router);
    ++result[path];
  }
  return result;
}

std::optional<CapturedPacket> DemoTraffic::example(const Flow& flow,
                                                   const std::string& router) const {
  return first_at(flow, router, std::chrono::milliseconds{0});
}

std::optional<CapturedPacket> DemoTraffic::first_at(const Flow& flow, const std::string& router,
                                                    std::chrono::milliseconds limit) const {
  return sniffers_.at(router).wait_for(
      [&flow](const CapturedPacket& packet) { return header_of(packet, flow.stream).has_value(); },
      limit);
}

std::size_t DemoTraffic::missed() const {
  std::size_t result = 0;
  for (const auto& [router, sniffer] : sniffers_) result += sniffer.dropped();
  return result;
}

}  // namespace sextant::testbed
