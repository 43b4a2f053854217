#include "testbed/stream.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "testbed/netns_socket.h"

namespace sextant::testbed {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

constexpr int kReceiveBuffer = 64 << 20;
constexpr unsigned kBatch = 64;
constexpr auto kTick = std::chrono::milliseconds{1};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) {
  SocketAddress made;
  if (address.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    std::memcpy(&in.sin_addr, address.bytes().data(), 4);
    std::memcpy(&made.storage, &in, sizeof in);
    made.length = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    std::memcpy(&in.sin6_addr, address.bytes().data(), 16);
    std::memcpy(&made.storage, &in, sizeof in);
    made.length = sizeof in;
  }
  return made;
}

Result<UniqueFd> bound_socket(const std::string& netns, const IpAddress& address,
                              std::uint16_t port) {
  auto socket =
      socket_in_netns(netns, address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
  if (!socket) return socket;
  const int on = 1;
  // So that streams of both families may use the same ports.
  if (address.is_v6() &&
      ::setsockopt(socket->get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
    return system_error("set up UDP socket in " + netns, address.to_string(), errno);
  }
  const SocketAddress local = socket_address(address, port);
  if (::bind(socket->get(), local.get(), local.length) != 0) {
    return system_error("bind UDP socket in " + netns,
                        fmt::format("{} port {}", address.to_string(), port), errno);
  }
  return socket;
}

std::uint64_t since_epoch(system_clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

// Delays by powers of two of a microsecond, in eighths: enough for a median without keeping each
// one.
class DelayHistogram {
 public:
  void add(std::chrono::microseconds delay) {
    const auto us = static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0));
    ++counts_[index(us)];
    ++total_;
    max_ = std::max(max_, us);
  }
  [[nodiscard]] std::chrono::microseconds median() const {
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (total_ > 0 && 2 * seen >= total_) return std::chrono::microseconds(value(i));
    }
    return {};
  }
  [[nodiscard]] std::chrono::microseconds max() const { return std::chrono::microseconds(max_); }

 private:
  static std::size_t index(std::uint64_t us) {
    if (us < 16) return us;
    const auto shift = static_cast<unsigned>(std::bit_width(us)) - 4;
    return std::min<std::size_t>(8 * shift + (us >> shift), 511);
  }
  static std::uint64_t value(std::size_t index) {
    if (index < 16) return index;
    return (8 + index % 8) << (index / 8 - 1);
  }
  std::array<std::uint64_t, 512> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace

std::optional<StreamHeader> decode_stream_header(std::span<const std::uint8_t> payload) {
  ByteReader in(payload);
  StreamHeader header;
  header.stream = in.u64();
  header.sequence = in.u64();
  header.sent = system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(
      std::chrono::nanoseconds(static_cast<std::int64_t>(in.u64()))));
  if (!in.ok()) return std::nullopt;
  return header;
}

struct Stream::State {
  StreamOptions options;
  std::uint64_t id = 0;
  std::vector<UniqueFd> senders;  // one a flow
  UniqueFd receiver;
  UniqueFd wake;  // readable: the receiver ends
  std::thread send_thread;
  std::thread receive_thread;
  std::atomic<bool> sending{true};
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> next_sequence{0};
  steady_clock::time_point started;

  mutable std::mutex mutex;
  mutable std::condition_variable arrived;
  StreamReport report;  // what the two threads count, but for `sent`
  std::vector<bool> seen;
  std::vector<std::uint64_t> latest_of_flow;  // highest sequence number + 1
  steady_clock::time_point last_arrival;
  DelayHistogram delays;

  ~State() {
    stop_sender();
    stop_receiver();
  }

  void stop_sender() {
    sending = false;
    if (send_thread.joinable()) send_thread.join();
  }

  void stop_receiver() {
    if (!receive_thread.joinable()) return;
    const std::uint64_t one = 1;
    // Cannot fail: the counter of an eventfd of our own is far from full.
    [[maybe_unused]] const auto written = ::write(wake.get(), &one, sizeof one);
    receive_thread.join();
  }

  Result<void> open() {
    auto bound = bound_socket(options.to_netns, options.destination, options.port);
    if (!bound) return tl::unexpected(bound.error());
    receiver = std::move(*bound);
    const int on = 1;
    if (::setsockopt(receiver.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer,
                     sizeof kReceiveBuffer) != 0 ||
        ::setsockopt(receiver.get(), SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on) != 0) {
      return system_error("set up receiver in", options.to_netns, errno);
    }
    const IpAddress any =
        options.destination.is_v4() ? IpAddress(Ipv4Address{}) : IpAddress(Ipv6Address{});
    for (std::uint16_t flow = 0; flow < options.flows; ++flow) {
      auto sender = bound_socket(options.from_netns, options.source.value_or(any),
                                 static_cast<std::uint16_t>(options.source_port + flow));
      if (!sender) return tl::unexpected(sender.error());
      senders.push_back(std::move(*sender));
    }
    wake.reset(::eventfd(0, EFD_CLOEXEC));
    if (!wake) return system_error("start stream to", options.destination.to_string(), errno);
    return {};
  }

  // Sends what is due since the start, a tick at a time: a late wake-up is made good, the mean rate
  // holds.
  void send_loop() {
    const SocketAddress to = socket_address(options.destination, options.port);
    std::vector<std::uint8_t> payload(std::max(options.payload, kStreamHeaderSize));
    auto next_tick = started;
    std::uint64_t attempts = 0;
    while (sending) {
      next_tick += kTick;
      std::this_thread::sleep_until(next_tick);
      const std::chrono::duration<double> elapsed = steady_clock::now() - started;
      const auto due = static_cast<std::uint64_t>(elapsed.count() * options.packets_per_second);
      // A long pause of the machine shall not end in a burst that overflows the queues under test.
      const std::uint64_t at_most = std::max<std::uint64_t>(options.packets_per_second / 50, 1);
      if (due > attempts + at_most) attempts = due - at_most;
      for (; attempts < due && sending; ++attempts) send_one(to, payload);
    }
  }

  void send_one(const SocketAddress& to, std::vector<std::uint8_t>& payload) {
    const std::uint64_t sequence = next_sequence;
    ByteWriter header;
    header.u64(id);
    header.u64(sequence);
    header.u64(since_epoch(system_clock::now()));
    std::copy(header.bytes().begin(), header.bytes().end(), payload.begin());
    // Before sending, as the receiver believes no number from the future.
    next_sequence = sequence + 1;
    const int socket = senders[sequence % senders.size()].get();
    if (::sendto(socket, payload.data(), payload.size(), 0, to.get(), to.length) < 0) {
      const auto error = system_error("send to", options.destination.to_string(), errno).value();
      next_sequence = sequence;
      const std::lock_guard lock(mutex);
      ++report.send_errors;
      report.last_send_error = error.cause;
      return;
    }
    ++sent;
  }

  void receive_loop() {
    constexpr std::size_t kRoom = 64;  // only the header is looked at
    std::array<std::array<std::uint8_t, kRoom>, kBatch> bytes{};
    std::array<mmsghdr, kBatch> messages{};
    std::array<iovec, kBatch> vectors{};
    std::array<std::array<std::byte, 64>, kBatch> controls{};
    while (true) {
      std::array<pollfd, 2> polled{{{receiver.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}}};
      if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
      for (unsigned i = 0; i < kBatch; ++i) {
        vectors[i] = {bytes[i].data(), kRoom};
        messages[i].msg_hdr = {.msg_name = nullptr,
                               .msg_namelen = 0,
                               .msg_iov = &vectors[i],
                               .msg_iovlen = 1,
                               .msg_control = controls[i].data(),
                               .msg_controllen = controls[i].size(),
                               .msg_flags = 0};
      }
      const int got = ::recvmmsg(receiver.get(), messages.data(), kBatch, MSG_DONTWAIT, nullptr);
      if (got <= 0) {
        if (polled[1].revents != 0) return;
        continue;
      }
      const auto now = system_clock::now();
      {
        const std::lock_guard lock(mutex);
        for (unsigned i = 0; i < static_cast<unsigned>(got); ++i) {
          read_overflow(messages[i].msg_hdr);
          if (const auto header = decode_stream_header({bytes[i].data(), messages[i].msg_len})) {
            count(*header, now);
          }
        }
      }
      arrived.notify_all();
    }
  }

  void read_overflow(msghdr& message) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL) continue;
      std::uint32_t dropped = 0;
      std::memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
      report.receiver_overflow = dropped;
    }
  }

  void count(const StreamHeader& header, system_clock::time_point now) {
    if (header.stream != id || header.sequence >= next_sequence) return;  // somebody else's
    const auto sequence = header.sequence;
    if (seen.size() <= sequence) seen.resize(2 * sequence + 1024);
    if (seen[sequence]) {
      ++report.duplicated;
      return;
    }
    seen[sequence] = true;
    ++report.received;
    std::uint64_t& latest = latest_of_flow[sequence % latest_of_flow.size()];
    if (sequence + 1 < latest) {
      ++report.reordered;
    } else {
      latest = sequence + 1;
    }
    const auto arrival = steady_clock::now();
    if (report.received > 1) {
      report.longest_gap =
          std::max(report.longest_gap,
                   std::chrono::duration_cast<std::chrono::microseconds>(arrival - last_arrival));
    }
    last_arrival = arrival;
    delays.add(std::chrono::duration_cast<std::chrono::microseconds>(now - header.sent));
  }

  StreamReport result() const {
    const std::lock_guard lock(mutex);
    StreamReport made = report;
    made.sent = sent;
    const std::uint64_t missing = made.sent > made.received ? made.sent - made.received : 0;
    made.lost = missing > made.receiver_overflow ? missing - made.receiver_overflow : 0;
    made.median_delay = delays.median();
    made.max_delay = delays.max();
    made.duration =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - started);
    return made;
  }
};

Stream::Stream(std::unique_ptr<State> state) : state_(std::move(state)) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;
Stream::~Stream() = default;

Result<Stream> Stream::start(const StreamOptions& options) {
  const auto object = options.destination.to_string();
  if (options.flows == 0 || options.packets_per_second == 0) {
    return failure("start stream to", object, "no flows or no packets a second were asked for");
  }
  if (options.source_port > 65536 - options.flows) {
    return failure("start stream to", object, "the source ports of all flows end above 65535",
                   "use fewer flows or a lower source port");
  }
  auto state = std::make_unique<State>();
  state->options = options;
  state->latest_of_flow.resize(options.flows);
  state->started = steady_clock::now();
  // Different for each stream of this machine: time, and the object's place in memory.
  state->id = since_epoch(system_clock::now()) ^ (std::bit_cast<std::uintptr_t>(state.get()) << 16);
  if (auto opened = state->open(); !opened) return tl::unexpected(opened.error());
  State* s = state.get();
  s->receive_thread = std::thread([s] { s->receive_loop(); });
  s->started = steady_clock::now();
  s->send_thread = std::thread([s] { s->send_loop(); });
  return Stream(std::move(state));
}

std::uint64_t Stream::id() const { return state_->id; }

bool Stream::wait_received(std::uint64_t count, std::chrono::milliseconds timeout) const {
  std::unique_lock lock(state_->mutex);
  return state_->arrived.wait_for(lock, timeout, [&] { return state_->report.received >= count; });
}

StreamReport Stream::snapshot() const { return state_->result(); }

StreamReport Stream::stop(std::chrono::milliseconds grace) {
  state_->stop_sender();
  const std::uint64_t wanted = state_->sent;
  std::uint64_t before = 0;
  do {
    before = state_->result().received;
  } while (!wait_received(wanted, grace) && state_->result().received > before);
  state_->stop_receiver();
  return state_->result();
}

std::string StreamReport::to_string() const {
  std::string text = fmt::format(
      "sent {}, received {}, lost {}, duplicated {}, reordered {}, longest gap {:.1f} ms, "
      "delay median {} us, max {} us, in {:.1f} s",
      sent, received, lost, duplicated, reordered,
      static_cast<double>(longest_gap.count()) / 1000.0, median_delay.count(), max_delay.count(),
      static_cast<double>(duration.count()) / 1000.0);
  if (send_errors > 0) {
    text += fmt::format(", {} not sent ({})", send_errors, last_send_error);
  }
  if (receiver_overflow > 0) {
    text += fmt::format(", {} dropped by the receiver's own buffer", receiver_overflow);
  }
  return text;
}

}  // namespace sextant::testbed
