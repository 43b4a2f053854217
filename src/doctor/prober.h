// Sends probes all at once and collects what comes back, in a bounded time.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "doctor/probe_packet.h"

namespace sextant::doctor {

struct Probe {
  Bytes packet;             // begins with an IPv6 header
  Ipv6Address destination;  // of that header
};

struct Outcome {
  bool sent_at_all = false;  // false: there was nothing to probe
  bool answered = false;
  std::chrono::microseconds after{};
  std::string refused;  // the node itself would not send it: why
  struct Error {
    Ipv6Address from;
    std::uint8_t type = 0, code = 0;
    std::uint32_t mtu = 0;
  };
  std::optional<Error> error;  // an ICMPv6 error about it; only where there was no answer
};

struct ProbeLimits {
  unsigned attempts = 3;
  std::chrono::milliseconds wait{500};  // for the answers of one attempt
};

class Prober {
 public:
  /// Of the calling thread's network namespace. Needs CAP_NET_RAW.
  [[nodiscard]] static Result<Prober> make();
  /// For make_echo(): tells this run's answers from others'.
  [[nodiscard]] std::uint16_t identifier() const { return identifier_; }
  /// The number that a probe's packet must carry: its index in `probes`.
  [[nodiscard]] std::vector<Outcome> run(const std::vector<Probe>& probes,
                                         const ProbeLimits& limits = {});

 private:
  Prober(UniqueFd out, UniqueFd icmp, UniqueFd icmpv6);
  void receive(const std::vector<Probe>& probes, std::vector<Outcome>& outcomes,
               const std::vector<std::chrono::steady_clock::time_point>& sent);

  UniqueFd out_, icmp_, icmpv6_;
  std::uint16_t identifier_;
};

}  // namespace sextant::doctor
