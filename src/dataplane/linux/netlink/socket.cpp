#include "dataplane/linux/netlink/socket.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/linux/netlink/attributes.h"

namespace sextant::netlink {
namespace {

// A chunk of a batch: small enough that an error for each of its messages fits the receive buffer.
constexpr std::size_t kChunkMessages = 512;
constexpr std::size_t kChunkBytes = std::size_t{96} << 10;
constexpr int kDumpAttempts = 8;
// The longest datagram that is read whole.
constexpr std::size_t kReceiveBytes = std::size_t{256} << 10;

void set_option(int fd, int level, int option, int value) {
  // Every option set this way is a comfort of newer kernels; without it requests still work.
  (void)::setsockopt(fd, level, option, &value, sizeof value);
}

// What an NLMSG_ERROR or NLMSG_DONE says. RFC 3549 has the error alone; the text is
// NETLINK_EXT_ACK's.
struct Verdict {
  int errno_value = 0;
  std::string text;
};

Verdict read_verdict(const nlmsghdr& message) {
  Verdict verdict;
  const auto* code = fixed_header<std::int32_t>(message);
  if (code == nullptr) return verdict;
  verdict.errno_value = -*code;
  if ((message.nlmsg_flags & NLM_F_ACK_TLVS) == 0) return verdict;
  // An error carries the request's header behind the code (the whole request without
  // NETLINK_CAP_ACK).
  std::size_t skip = sizeof(std::int32_t);
  if (message.nlmsg_type == NLMSG_ERROR) {
    const auto* error = fixed_header<nlmsgerr>(message);
    if (error == nullptr) return verdict;
    skip = sizeof(nlmsgerr);
    if ((message.nlmsg_flags & NLM_F_CAPPED) == 0) {
      skip += NLMSG_ALIGN(error->msg.nlmsg_len) - NLMSG_HDRLEN;
    }
  }
  const std::span<const std::uint8_t> whole(reinterpret_cast<const std::uint8_t*>(&message),
                                            message.nlmsg_len);
  if (whole.size() < NLMSG_HDRLEN + skip) return verdict;
  const Attributes attributes(whole.subspan(NLMSG_HDRLEN + skip));
  verdict.text = attributes.text(NLMSGERR_ATTR_MSG).value_or("");
  return verdict;
}

std::string hint_for(int errno_value) {
  switch (errno_value) {
    case EPERM:
      return "run as root or with CAP_NET_ADMIN";
    case ENOBUFS:
      return "events were lost; read the tables again";
    default:
      return {};
  }
}

tl::unexpected<Error> verdict_error(std::string operation, std::string object, Verdict verdict) {
  auto error = system_error(std::move(operation), std::move(object), verdict.errno_value).value();
  if (!verdict.text.empty()) error.cause = verdict.text + ": " + error.cause;
  if (error.hint.empty()) error.hint = hint_for(verdict.errno_value);
  return tl::unexpected(std::move(error));
}

// Calls `visit` for each message of a datagram.
template <typename Visit>
void for_each_message(std::span<const std::uint8_t> datagram, Visit visit) {
  const auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data());
  int left = static_cast<int>(datagram.size());
  while (NLMSG_OK(message, static_cast<unsigned>(std::max(left, 0)))) {
    visit(*message);
    message = NLMSG_NEXT(message, left);
  }
}

}  // namespace

Result<Socket> Socket::make(const SocketOptions& options) {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd) return verdict_error("open netlink socket", "", {.errno_value = errno});
  const int size = static_cast<int>(options.receive_buffer);
  // Beyond net.core.rmem_max only with CAP_NET_ADMIN; else as much as is allowed.
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, size);
  }
  set_option(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, 1);
  set_option(fd.get(), SOL_NETLINK, NETLINK_CAP_ACK, 1);
  set_option(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) {
    return verdict_error("bind netlink socket", "", {.errno_value = errno});
  }
  for (const rtnetlink_groups group : options.groups) {
    const int number = group;
    if (::setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &number, sizeof number) != 0) {
      return verdict_error("join netlink group", std::to_string(number), {.errno_value = errno});
    }
  }
  Socket socket(std::move(fd));
  socket.buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(kReceiveBytes);
  return socket;
}

Result<void> Socket::transmit(std::span<const std::uint8_t> bytes, const Message& message) {
  ssize_t sent = 0;
  do {
    sent = ::send(fd_.get(), bytes.data(), bytes.size(), 0);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    return verdict_error(operation_name(message.type()), message.object(), {.errno_value = errno});
  }
  return {};
}

// One datagram from the kernel; empty where `wait` is false and none is there.
Result<std::span<const std::uint8_t>> Socket::read_datagram(bool wait) {
  for (;;) {
    sockaddr_nl from{};
    iovec part{.iov_base = buffer_.get(), .iov_len = kReceiveBytes};
    msghdr header{};
    header.msg_name = &from;
    header.msg_namelen = sizeof from;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const ssize_t size = ::recvmsg(fd_.get(), &header, wait ? 0 : MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return std::span<const std::uint8_t>{};
    }
    if (size < 0) return verdict_error("receive from netlink", "", {.errno_value = errno});
    if (from.nl_pid != 0) continue;  // another process may send to our port: only the kernel counts
    if ((header.msg_flags & MSG_TRUNC) != 0) {
      return failure("receive from netlink", "", "message longer than the receive buffer");
    }
    return std::span<const std::uint8_t>(buffer_.get(), static_cast<std::size_t>(size));
  }
}

Result<void> Socket::request(Message message) {
  return request(std::move(message), [](const nlmsghdr&) {});
}

Result<void> Socket::request(Message message, const MessageHandler& on_reply) {
  message.header().nlmsg_seq = ++sequence_;
  message.header().nlmsg_flags =
      static_cast<std::uint16_t>(message.header().nlmsg_flags | NLM_F_ACK);
  if (auto sent = transmit(message.wire(), message); !sent) return sent;
  std::optional<Verdict> verdict;
  while (!verdict) {
    const auto datagram = read_datagram(true);
    if (!datagram) return tl::unexpected(datagram.error());
    for_each_message(*datagram, [&](const nlmsghdr& reply) {
      if (reply.nlmsg_seq != sequence_) return;  // left over from a request that failed half way
      if (reply.nlmsg_type == NLMSG_ERROR) {
        verdict = read_verdict(reply);
      } else if (reply.nlmsg_type >= NLMSG_MIN_TYPE) {
        on_reply(reply);
      }
    });
  }
  if (verdict->errno_value == 0) return {};
  return verdict_error(operation_name(message.type()), message.object(), std::move(*verdict));
}

Result<void> Socket::dump(Message message, const MessageHandler& on_entry) {
  message.header().nlmsg_flags =
      static_cast<std::uint16_t>(message.header().nlmsg_flags | NLM_F_DUMP);
  const std::string operation = operation_name(message.type()) + "s";
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    message.header().nlmsg_seq = ++sequence_;
    if (auto sent = transmit(message.wire(), message); !sent) return sent;
    std::vector<std::uint8_t> entries;
    std::optional<Verdict> verdict;
    bool interrupted = false;
    while (!verdict) {
      const auto datagram = read_datagram(true);
      if (!datagram) return tl::unexpected(datagram.error());
      for_each_message(*datagram, [&](const nlmsghdr& reply) {
        if (reply.nlmsg_seq != sequence_) return;
        interrupted = interrupted || (reply.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        if (reply.nlmsg_type == NLMSG_ERROR || reply.nlmsg_type == NLMSG_DONE) {
          verdict = read_verdict(reply);
        } else if (reply.nlmsg_type >= NLMSG_MIN_TYPE) {
          const auto* start = reinterpret_cast<const std::uint8_t*>(&reply);
          entries.insert(entries.end(), start, start + reply.nlmsg_len);
          entries.resize(NLMSG_ALIGN(entries.size()));
        }
      });
    }
    if (verdict->errno_value != 0) {
      return verdict_error(operation, message.object(), std::move(*verdict));
    }
    if (interrupted) continue;
    for_each_message(entries, on_entry);
    return {};
  }
  return verdict_error(
      operation, message.object(),
      {.errno_value = EINTR,
       .text = "the table changed during each of " + std::to_string(kDumpAttempts) + " attempts"});
}

Result<std::vector<BatchFailure>> Socket::send(const Batch& batch) {
  std::vector<BatchFailure> failures;
  std::size_t first = 0;
  while (first < batch.size()) {
    std::size_t last = first + 1;
    while (last < batch.size() && last - first < kChunkMessages &&
           batch.offsets_[last] - batch.offsets_[first] < kChunkBytes) {
      ++last;
    }
    if (auto sent = send_chunk(batch, first, last, failures); !sent) {
      return tl::unexpected(sent.error());
    }
    first = last;
  }
  return failures;
}

// Errors come for every message that fails; an acknowledgement is asked for the last one only,
// which says that all were done.
Result<void> Socket::send_chunk(const Batch& batch, std::size_t first, std::size_t last,
                                std::vector<BatchFailure>& failures) {
  const std::size_t begin = batch.offsets_[first];
  const std::size_t end = last < batch.size() ? batch.offsets_[last] : batch.bytes_.size();
  std::vector<std::uint8_t> chunk(batch.bytes_.begin() + static_cast<std::ptrdiff_t>(begin),
                                  batch.bytes_.begin() + static_cast<std::ptrdiff_t>(end));
  const std::uint32_t base = sequence_ + 1;
  for (std::size_t index = first; index < last; ++index) {
    auto& header = *reinterpret_cast<nlmsghdr*>(chunk.data() + batch.offsets_[index] - begin);
    header.nlmsg_seq = ++sequence_;
    if (index + 1 == last) {
      header.nlmsg_flags = static_cast<std::uint16_t>(header.nlmsg_flags | NLM_F_ACK);
    }
  }
  const auto type_of = [&](std::size_t index) {
    return reinterpret_cast<const nlmsghdr*>(chunk.data() + batch.offsets_[index] - begin)
        ->nlmsg_type;
  };
  ssize_t sent = 0;
  do {
    sent = ::send(fd_.get(), chunk.data(), chunk.size(), 0);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    return verdict_error("send netlink batch", std::to_string(last - first) + " messages",
                         {.errno_value = errno});
  }
  bool done = false;
  while (!done) {
    const auto datagram = read_datagram(true);
    if (!datagram) return tl::unexpected(datagram.error());
    for_each_message(*datagram, [&](const nlmsghdr& reply) {
      const std::uint32_t offset = reply.nlmsg_seq - base;
      if (reply.nlmsg_type != NLMSG_ERROR || offset >= last - first) return;
      const std::size_t index = first + offset;
      Verdict verdict = read_verdict(reply);
      if (verdict.errno_value != 0) {
        failures.push_back(
            {.index = index,
             .error =
                 verdict_error(operation_name(type_of(index)), "", std::move(verdict)).value()});
      }
      done = done || index + 1 == last;
    });
  }
  return {};
}

Result<void> Socket::receive(const MessageHandler& on_event) {
  for (;;) {
    const auto datagram = read_datagram(false);
    if (!datagram) return tl::unexpected(datagram.error());
    if (datagram->empty()) return {};
    for_each_message(*datagram, on_event);
  }
}

std::size_t Batch::add(const Message& message) {
  offsets_.push_back(bytes_.size());
  const auto wire = message.wire();
  bytes_.insert(bytes_.end(), wire.begin(), wire.end());
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
  return offsets_.size() - 1;
}

void Batch::clear() {
  bytes_.clear();
  offsets_.clear();
}

}  // namespace sextant::netlink
