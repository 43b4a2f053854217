#include "doctor/prober.h"

#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <span>

namespace sextant::doctor {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBurst = 64;  // then what has arrived is read: socket buffers are short
constexpr int kReceiveBuffer = 4 << 20;

Result<UniqueFd> raw_socket(int family, int protocol) {
  UniqueFd socket(::socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!socket) {
    auto error = system_error("open raw socket", "", errno);
    error.value().hint = "run it as root, or with CAP_NET_RAW";
    return error;
  }
  // Without it the buffer stays as it is, and many answers at once may be lost: they are asked for
  // again.
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  return socket;
}

Ipv6Address address_of(const sockaddr_in6& from) {
  Ipv6Address::Bytes bytes{};
  std::memcpy(bytes.data(), &from.sin6_addr, bytes.size());
  return Ipv6Address(bytes);
}

}  // namespace

Prober::Prober(UniqueFd out, UniqueFd icmp, UniqueFd icmpv6)
    : out_(std::move(out)),
      icmp_(std::move(icmp)),
      icmpv6_(std::move(icmpv6)),
      identifier_(static_cast<std::uint16_t>(std::random_device{}())) {}

Result<Prober> Prober::make() {
  auto out = raw_socket(AF_INET6, IPPROTO_RAW);  // with the header included: raw(7), ipv6(7)
  if (!out) return tl::unexpected(out.error());
  auto icmp = raw_socket(AF_INET, IPPROTO_ICMP);
  if (!icmp) return tl::unexpected(icmp.error());
  auto icmpv6 = raw_socket(AF_INET6, IPPROTO_ICMPV6);
  if (!icmpv6) return tl::unexpected(icmpv6.error());
  icmp6_filter filter;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  for (const int type : {ICMP6_ECHO_REPLY, ICMP6_DST_UNREACH, ICMP6_PACKET_TOO_BIG,
                         ICMP6_TIME_EXCEEDED, ICMP6_PARAM_PROB})
    ICMP6_FILTER_SETPASS(type, &filter);
  if (::setsockopt(icmpv6->get(), IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter) != 0)
    return system_error("filter ICMPv6", "", errno);
  return Prober(std::move(*out), std::move(*icmp), std::move(*icmpv6));
}

void Prober::receive(const std::vector<Probe>& probes, std::vector<Outcome>& outcomes,
                     const std::vector<Clock::time_point>& sent) {
  std::array<std::uint8_t, 65536> buffer;  // NOLINT: filled by recvfrom
  const auto take = [&](const std::optional<ProbeAnswer>& answer, const Ipv6Address& from) {
    if (!answer || answer->number >= probes.size()) return;
    auto& outcome = outcomes[answer->number];
    if (!outcome.sent_at_all || outcome.answered) return;
    if (!answer->error) {
      outcome.answered = true;
      outcome.error.reset();
      outcome.after = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() -
                                                                            sent[answer->number]);
    } else if (!outcome.error) {
      outcome.error = {
          .from = from, .type = answer->type, .code = answer->code, .mtu = answer->mtu};
    }
  };
  for (;;) {
    const auto size = ::recv(icmp_.get(), buffer.data(), buffer.size(), 0);
    if (size < 20) break;  // none left
    const auto header = static_cast<std::size_t>(buffer[0] & 0x0f) * 4;
    const std::span<const std::uint8_t> packet(buffer.data(), static_cast<std::size_t>(size));
    if (header <= packet.size()) take(read_icmp(packet.subspan(header), identifier_), {});
  }
  for (;;) {
    sockaddr_in6 from{};
    socklen_t length = sizeof from;
    const auto size = ::recvfrom(icmpv6_.get(), buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &length);
    if (size <= 0) break;
    take(read_icmpv6({buffer.data(), static_cast<std::size_t>(size)}, identifier_),
         address_of(from));
  }
}

std::vector<Outcome> Prober::run(const std::vector<Probe>& probes, const ProbeLimits& limits) {
  std::vector<Outcome> outcomes(probes.size());
  std::vector<Clock::time_point> sent(probes.size());
  const auto open = [&](std::size_t i) {
    const auto& outcome = outcomes[i];
    const bool too_big = outcome.error && outcome.error->type == ICMP6_PACKET_TOO_BIG;
    return !probes[i].packet.empty() && !outcome.answered && outcome.refused.empty() && !too_big;
  };
  for (unsigned attempt = 0; attempt < limits.attempts; ++attempt) {
    std::size_t burst = 0;
    for (std::size_t i = 0; i < probes.size(); ++i) {
      if (!open(i)) continue;
      outcomes[i].sent_at_all = true;
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      std::memcpy(&to.sin6_addr, probes[i].destination.bytes().data(), 16);
      sent[i] = Clock::now();
      const auto& packet = probes[i].packet;
      if (::sendto(out_.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to),
                   sizeof to) < 0 &&
          errno != EAGAIN && errno != ENOBUFS)  // a full queue: the next attempt
        outcomes[i].refused = std::strerror(errno);
      if (++burst % kBurst == 0) receive(probes, outcomes, sent);
    }
    const auto deadline = Clock::now() + limits.wait;
    for (;;) {
      receive(probes, outcomes, sent);
      bool waiting = false;
      for (std::size_t i = 0; i < probes.size() && !waiting; ++i) waiting = open(i);
      if (!waiting) return outcomes;
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) break;
      std::array<pollfd, 2> entries{pollfd{.fd = icmp_.get(), .events = POLLIN, .revents = 0},
                                    pollfd{.fd = icmpv6_.get(), .events = POLLIN, .revents = 0}};
      (void)::poll(entries.data(), entries.size(), static_cast<int>(left.count()));
    }
  }
  return outcomes;
}

}  // namespace sextant::doctor
