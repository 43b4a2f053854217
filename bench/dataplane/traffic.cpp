#include "dataplane/traffic.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/unique_fd.h"
#include "common/program.h"

namespace sextant::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kServerPort = "5201";
constexpr std::string_view kServerListens = ":1451 ";  // the port as /proc/net/tcp6 has it
constexpr std::size_t kUdpHeader = 8;

unsigned last_processor() { return std::max(1U, std::thread::hardware_concurrency()) - 1; }

/// Of the calling thread. Real-time priority may be forbidden; then others disturb more.
void take_processor(unsigned number) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(number, &set);
  ::sched_setaffinity(0, sizeof set, &set);
  const sched_param priority{.sched_priority = 10};
  ::sched_setscheduler(0, SCHED_FIFO, &priority);
}

Result<UniqueFd> connected_socket(const IpAddress& to, std::uint16_t port) {
  const int domain = to.is_v4() ? AF_INET : AF_INET6;
  UniqueFd fd(::socket(domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return system_error("make", "a UDP socket", errno);
  sockaddr_in6 six{.sin6_family = AF_INET6, .sin6_port = htons(port)};
  sockaddr_in four{.sin_family = AF_INET, .sin_port = htons(port)};
  const auto bytes = to.bytes();
  std::memcpy(to.is_v4() ? static_cast<void*>(&four.sin_addr) : &six.sin6_addr, bytes.data(),
              bytes.size());
  const auto* address = to.is_v4() ? reinterpret_cast<const sockaddr*>(&four)
                                   : reinterpret_cast<const sockaddr*>(&six);
  if (::connect(fd.get(), address, to.is_v4() ? sizeof four : sizeof six) != 0) {
    return system_error("connect to", to.to_string(), errno);
  }
  return fd;
}

Result<Flood> flood_here(const IpAddress& to, std::uint16_t port, std::size_t size,
                         std::chrono::milliseconds duration) {
  auto fd = connected_socket(to, port);
  if (!fd) return tl::unexpected(fd.error());
  constexpr std::size_t kBatch = 64;
  std::array<std::uint8_t, 1500> payload{};
  iovec vector{payload.data(), size - (to.is_v4() ? 20 : 40) - kUdpHeader};
  std::array<mmsghdr, kBatch> messages{};
  for (auto& message : messages) {
    message.msg_hdr.msg_iov = &vector;
    message.msg_hdr.msg_iovlen = 1;
  }
  take_processor(last_processor());
  Flood result;
  const auto begun = Clock::now();
  auto now = begun;
  for (; now < begun + duration && !interrupted(); now = Clock::now()) {
    const int sent = ::sendmmsg(fd->get(), messages.data(), kBatch, 0);
    if (sent > 0) result.sent += static_cast<std::uint64_t>(sent);
    if (sent < 0 && errno != ENOBUFS && errno != EINTR) {
      return system_error("send to", to.to_string(), errno);
    }
  }
  result.seconds = std::chrono::duration<double>(now - begun).count();
  return result;
}

/// The server listens: its socket is in the namespace's list.
bool listens(const Space& space) {
  return must(space.netns().run([] {
    std::ifstream file("/proc/thread-self/net/tcp6");
    for (std::string line; std::getline(file, line);) {
      if (line.find(kServerListens) != std::string::npos) return true;
    }
    return false;
  }));
}

}  // namespace

Flood flood(const Space& from, const IpAddress& to, std::uint16_t port, std::size_t size,
            std::chrono::milliseconds duration) {
  const Flood result = must(from.netns().run([&] { return flood_here(to, port, size, duration); }));
  check_interruption();
  return result;
}

void ping(const Space& from, const IpAddress& to) {
  constexpr const char* kPatience = "5";  // seconds; the first reply ends it
  from.run({"ping", "-n", "-q", "-i", "0.2", "-c", "1", "-w", kPatience, to.to_string()});
}

IperfServer::IperfServer(const Space& space)
    : process_(space, {"iperf3", "-s", "-p", std::string(kServerPort)}) {
  constexpr std::chrono::milliseconds kLookAgain{10};  // it gives no sign of being ready
  for (auto left = std::chrono::milliseconds(5000); left.count() > 0; left -= kLookAgain) {
    if (listens(space)) return;
    process_.check();
    check_interruption();
    std::this_thread::sleep_for(kLookAgain);
  }
  throw std::runtime_error("iperf3 -s does not listen in " + space.name());
}

double tcp_rate(const Space& from, const IpAddress& to, std::chrono::seconds duration) {
  const auto text = from.run({"iperf3", "-c", to.to_string(), "-p", std::string(kServerPort), "-t",
                              std::to_string(duration.count()), "-O", "0", "-J", "-A",
                              fmt::format("{},0", last_processor())});
  return boost::json::parse(text)
      .at("end")
      .at("sum_received")
      .at("bits_per_second")
      .to_number<double>();
}

}  // namespace sextant::bench
