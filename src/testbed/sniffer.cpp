#include "testbed/sniffer.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "base/unique_fd.h"
#include "testbed/netns_socket.h"

namespace sextant::testbed {
namespace {

constexpr int kReceiveBuffer = 64 << 20;
constexpr unsigned kBatch = 64;

std::chrono::system_clock::time_point time_of(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_TIMESTAMPNS) continue;
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::seconds(stamp.tv_sec) + std::chrono::nanoseconds(stamp.tv_nsec)));
  }
  return std::chrono::system_clock::now();
}

// The socket's own namespace answers, wherever the caller is.
std::string device_name(int socket, int index) {
  ifreq request{};
  request.ifr_ifindex = index;
  if (::ioctl(socket, SIOCGIFNAME, &request) != 0) return fmt::format("if{}", index);
  return request.ifr_name;
}

Result<int> device_index(int socket, const std::string& name) {
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) {
    return failure("capture on device", name, "the name is too long");
  }
  std::copy(name.begin(), name.end(), request.ifr_name);
  if (::ioctl(socket, SIOCGIFINDEX, &request) != 0) {
    return system_error("capture on device", name, errno);
  }
  return request.ifr_ifindex;
}

template <typename T>
Result<void> set_option(int socket, int level, int option, const T& value, const char* what) {
  if (::setsockopt(socket, level, option, &value, sizeof value) != 0) {
    return system_error("set up capture", what, errno);
  }
  return {};
}

}  // namespace

struct Sniffer::State {
  SnifferOptions options;
  UniqueFd socket;
  UniqueFd wake;  // readable: stop
  std::thread thread;
  mutable std::mutex mutex;
  mutable std::condition_variable arrived;
  std::deque<CapturedPacket> packets;
  std::size_t over_limit = 0;
  mutable std::size_t kernel_drops = 0;
  std::map<int, std::string> device_names;

  ~State() { stop(); }

  void stop() {
    if (!thread.joinable()) return;
    const std::uint64_t one = 1;
    // Cannot fail: the counter of an eventfd of our own is far from full.
    [[maybe_unused]] const auto written = ::write(wake.get(), &one, sizeof one);
    thread.join();
  }

  Result<void> open() {
    // Protocol 0 captures nothing until bind(), so that nothing slips in before the options are
    // set.
    auto made = socket_in_netns(options.netns, AF_PACKET, SOCK_DGRAM, 0);
    if (!made) return tl::unexpected(made.error());
    socket = std::move(*made);
    const int fd = socket.get();
    if (auto r = set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer, "buffer"); !r) return r;
    if (auto r = set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1, "time stamps"); !r) return r;
    if (!options.outgoing) {
      if (auto r = set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "direction"); !r) return r;
    }
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    if (!options.device.empty()) {
      const auto index = device_index(fd, options.device);
      if (!index) return tl::unexpected(index.error());
      address.sll_ifindex = *index;
    }
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return system_error("capture in network namespace", options.netns, errno);
    }
    wake.reset(::eventfd(0, EFD_CLOEXEC));
    if (!wake) return system_error("capture in network namespace", options.netns, errno);
    return {};
  }

  void run() {
    std::vector<std::uint8_t> bytes(kBatch * options.snap_length);
    std::array<mmsghdr, kBatch> messages{};
    std::array<iovec, kBatch> vectors{};
    std::array<sockaddr_ll, kBatch> senders{};
    std::array<std::array<std::byte, 64>, kBatch> controls{};
    while (true) {
      std::array<pollfd, 2> polled{{{socket.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}}};
      if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
      for (unsigned i = 0; i < kBatch; ++i) {
        vectors[i] = {bytes.data() + i * options.snap_length, options.snap_length};
        messages[i].msg_hdr = {.msg_name = &senders[i],
                               .msg_namelen = sizeof senders[i],
                               .msg_iov = &vectors[i],
                               .msg_iovlen = 1,
                               .msg_control = controls[i].data(),
                               .msg_controllen = controls[i].size(),
                               .msg_flags = 0};
      }
      const int got =
          ::recvmmsg(socket.get(), messages.data(), kBatch, MSG_DONTWAIT | MSG_TRUNC, nullptr);
      for (int i = 0; i < got; ++i) {
        const auto n = static_cast<std::size_t>(i);
        store(messages[n], senders[n], bytes.data() + n * options.snap_length);
      }
      // What is queued at the time of the stop is still wanted.
      if (got <= 0 && polled[1].revents != 0) return;
    }
  }

  void store(mmsghdr& message, const sockaddr_ll& sender, const std::uint8_t* bytes) {
    const std::size_t length = message.msg_len;
    auto decoded = decode_packet({bytes, std::min(length, options.snap_length)});
    if (!decoded) return;
    CapturedPacket packet;
    static_cast<DecodedPacket&>(packet) = std::move(*decoded);
    packet.length = length;
    packet.at = time_of(message.msg_hdr);
    packet.netns = options.netns;
    packet.direction = sender.sll_pkttype == PACKET_OUTGOING ? Direction::kOut : Direction::kIn;
    auto [name, fresh] = device_names.try_emplace(sender.sll_ifindex);
    if (fresh) name->second = device_name(socket.get(), sender.sll_ifindex);
    packet.device = name->second;
    if (options.filter && !options.filter(packet)) return;
    {
      const std::lock_guard lock(mutex);
      if (packets.size() >= options.limit) {
        ++over_limit;
        return;
      }
      packets.push_back(std::move(packet));
    }
    arrived.notify_all();
  }
};

Sniffer::Sniffer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sniffer::Sniffer(Sniffer&&) noexcept = default;
Sniffer& Sniffer::operator=(Sniffer&&) noexcept = default;
Sniffer::~Sniffer() = default;

Result<Sniffer> Sniffer::start(SnifferOptions options) {
  auto state = std::make_unique<State>();
  state->options = std::move(options);
  if (auto opened = state->open(); !opened) return tl::unexpected(opened.error());
  state->thread = std::thread([s = state.get()] { s->run(); });
  return Sniffer(std::move(state));
}

std::vector<CapturedPacket> Sniffer::packets() const {
  const std::lock_guard lock(state_->mutex);
  return {state_->packets.begin(), state_->packets.end()};
}

std::size_t Sniffer::count() const {
  const std::lock_guard lock(state_->mutex);
  return state_->packets.size();
}

void Sniffer::clear() {
  const std::lock_guard lock(state_->mutex);
  state_->packets.clear();
}

std::optional<CapturedPacket> Sniffer::wait_for(const PacketFilter& match,
                                                std::chrono::milliseconds timeout) const {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  std::unique_lock lock(state_->mutex);
  std::size_t seen = 0;
  while (true) {
    seen = std::min(seen, state_->packets.size());  // clear() may have run meanwhile
    for (; seen < state_->packets.size(); ++seen) {
      if (!match || match(state_->packets[seen])) return state_->packets[seen];
    }
    if (state_->arrived.wait_until(lock, deadline) == std::cv_status::timeout &&
        seen >= state_->packets.size()) {
      return std::nullopt;
    }
  }
}

std::size_t Sniffer::dropped() const {
  const std::lock_guard lock(state_->mutex);
  tpacket_stats stats{};
  socklen_t length = sizeof stats;
  // Reading resets the kernel's counters, hence the sum.
  if (::getsockopt(state_->socket.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &length) == 0) {
    state_->kernel_drops += stats.tp_drops;
  }
  return state_->kernel_drops + state_->over_limit;
}

void Sniffer::stop() { state_->stop(); }

PacketFilter udp_to(std::uint16_t port) {
  return [port](const CapturedPacket& packet) {
    return packet.inner.protocol == IPPROTO_UDP && packet.inner.destination_port == port;
  };
}

PacketFilter echo_to(const IpAddress& destination) {
  return [destination](const CapturedPacket& packet) {
    const InnerPacket& inner = packet.inner;
    const bool request = (inner.protocol == IPPROTO_ICMP && inner.icmp_type == 8) ||
                         (inner.protocol == IPPROTO_ICMPV6 && inner.icmp_type == 128);
    return request && inner.destination == destination;
  };
}

std::vector<std::string> path_of(std::vector<CapturedPacket> packets) {
  // The kernel stamps a packet where it is read while nobody else asks for time stamps yet, so that
  // the first ones of a busy machine are out of order. The outer hop limit falls at every router.
  const bool encapsulated =
      std::all_of(packets.begin(), packets.end(), [](const auto& packet) { return packet.outer; });
  std::stable_sort(packets.begin(), packets.end(), [&](const auto& a, const auto& b) {
    if (encapsulated && a.outer->hop_limit != b.outer->hop_limit) {
      return a.outer->hop_limit > b.outer->hop_limit;
    }
    return a.at < b.at;
  });
  std::vector<std::string> path;
  for (const CapturedPacket& packet : packets) {
    if (std::find(path.begin(), path.end(), packet.netns) == path.end()) {
      path.push_back(packet.netns);
    }
  }
  return path;
}

std::string to_string(const CapturedPacket& packet) {
  std::string text = fmt::format("{} {} {}", packet.netns,
                                 packet.direction == Direction::kIn ? "in" : "out", packet.device);
  const auto append_srh = [&text](const std::optional<RoutingHeader>& srh) {
    if (!srh) return;
    text += " (";
    for (const Ipv6Address& segment : srh->segments) text += segment.to_string() + " <- ";
    text += fmt::format("left {})", srh->segments_left);
  };
  if (packet.outer) {
    text += fmt::format(" {} > {}", packet.outer->source.to_string(),
                        packet.outer->destination.to_string());
    append_srh(packet.outer->srh);
  }
  const InnerPacket& inner = packet.inner;
  text += fmt::format(" {} > {}", inner.source.to_string(), inner.destination.to_string());
  append_srh(inner.srh);
  switch (inner.protocol) {
    case IPPROTO_UDP:
      return text + fmt::format(" UDP {} > {}", inner.source_port, inner.destination_port);
    case IPPROTO_TCP:
      return text + fmt::format(" TCP {} > {}", inner.source_port, inner.destination_port);
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6:
      return text + fmt::format(" ICMP type {} code {}", inner.icmp_type, inner.icmp_code);
    default:
      return text + fmt::format(" protocol {}", inner.protocol);
  }
}

}  // namespace sextant::testbed
