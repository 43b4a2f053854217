#include "scenario.h"

#include <fmt/format.h>
#include <unistd.h>

#include <stdexcept>

#include "snapshot.h"

namespace sextant::conformance {

void Scenario::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
  static const bool cleaned = (remove_abandoned_namespaces(), true);
  (void)cleaned;
}

testbed::Sniffer sniff(const LabNetns& netns, testbed::PacketFilter filter) {
  return must(testbed::Sniffer::start(
      {.netns = netns.name(), .outgoing = false, .filter = std::move(filter)}));
}

testbed::PacketFilter encapsulated_to(std::uint16_t port, std::optional<Ipv6Address> destination) {
  return [port, destination](const testbed::CapturedPacket& packet) {
    return packet.inner.destination_port == port && packet.outer &&
           (!destination || packet.outer->destination == *destination);
  };
}

testbed::PacketFilter routed_to(std::uint16_t port, const srv6::Sid& last) {
  return [port, last](const testbed::CapturedPacket& packet) {
    return packet.inner.destination_port == port && packet.outer && packet.outer->srh &&
           packet.outer->srh->segments.front() == last.address();
  };
}

testbed::PacketFilter nothing() {
  return [](const testbed::CapturedPacket&) { return false; };
}

std::uint64_t nft_packets(const LabNetns& netns, const std::string& table,
                          const std::string& counter) {
  const CommandOutput output = netns.run({"sh", "-c", "nft list counter " + table + " " + counter});
  const std::string packets = word_after(output.text, "packets");
  if (!output.ok() || packets.empty()) throw std::runtime_error("nft: " + output.text);
  return std::stoull(packets);
}

testbed::Stream flowing_stream(const testbed::StreamOptions& options, std::uint64_t packets) {
  testbed::Stream stream = must(testbed::Stream::start(options));
  if (!stream.wait_received(packets, kPatience)) {
    throw std::runtime_error("the stream does not flow: " + stream.snapshot().to_string());
  }
  return stream;
}

}  // namespace sextant::conformance
