// What the scenarios share: the fixture, filters for captures, nft counters.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "lab.h"
#include "testbed/sniffer.h"
#include "testbed/stream.h"
#include "traffic.h"

namespace sextant {

// How GoogleTest prints values of ours.
inline void PrintTo(const IpAddress& address, std::ostream* out) { *out << address.to_string(); }
inline void PrintTo(const Ipv6Address& address, std::ostream* out) { *out << address.to_string(); }

}  // namespace sextant

namespace sextant::conformance {

inline void PrintTo(const Endpoint& endpoint, std::ostream* out) {
  *out << endpoint.address.to_string() << " port " << endpoint.port;
}

/// A TEST_P of it runs once for each data plane and family of the pods' packets.
class Scenario : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override;
  [[nodiscard]] static Family family() { return GetParam().family; }
  [[nodiscard]] static bool v4() { return family() == Family::kIpv4; }
  /// "ip" or "ip6", as nft names the family.
  [[nodiscard]] static std::string nft_family() { return v4() ? "ip" : "ip6"; }
  /// Skips a scenario that has no meaning without an overlay (controls only).
  [[nodiscard]] static bool encapsulates() { return GetParam().dataplane.encapsulates; }
};

/// One class a file, so that a test's full name says what it is about.
#define SEXTANT_SCENARIOS(Name)                                               \
  class Name : public Scenario {};                                            \
  GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Name);                        \
  INSTANTIATE_TEST_SUITE_P(Conformance, Name, testing::ValuesIn(all_cases()), \
                           [](const auto& case_info) { return name_of(case_info.param); })

/// Captures what arrives in a namespace (not what leaves it) and passes the filter.
[[nodiscard]] testbed::Sniffer sniff(const LabNetns& netns, testbed::PacketFilter filter);
/// A packet to this port, in an outer header to `sid` where one is given.
[[nodiscard]] testbed::PacketFilter encapsulated_to(std::uint16_t port,
                                                    std::optional<Ipv6Address> destination = {});
/// A packet to this port whose SRH ends in `last`. Whether its first segments are visited already
/// cannot be told where the capturing node visits one: the kernel's End rewrites the packet in
/// place, before the capture is read.
[[nodiscard]] testbed::PacketFilter routed_to(std::uint16_t port, const srv6::Sid& last);
/// The filter that nothing passes: waits for silence.
[[nodiscard]] testbed::PacketFilter nothing();

/// Packets that an nft counter saw: `table` as "inet name".
[[nodiscard]] std::uint64_t nft_packets(const LabNetns& netns, const std::string& table,
                                        const std::string& counter);

/// An unlossy stream that flows: at least `packets` arrived.
[[nodiscard]] testbed::Stream flowing_stream(const testbed::StreamOptions& options,
                                             std::uint64_t packets = 200);

}  // namespace sextant::conformance
