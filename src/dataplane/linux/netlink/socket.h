// An rtnetlink socket: requests with the kernel's own error text, dumps, batches, events.
//
// Flow: Message -> Socket -> kernel; replies are handed to callbacks or become an Error with
// errno_value set. Threads: a socket belongs to one thread at a time. It stays in the network
// namespace in which it was made. Netlink answers requests before send() returns, so nothing here
// waits for anything but the kernel's own work.
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "dataplane/linux/netlink/message.h"

namespace sextant::netlink {

struct SocketOptions {
  /// Multicast groups to hear (RTNLGRP_LINK, ...). A socket with groups is for receive(), not for
  /// requests.
  std::vector<rtnetlink_groups> groups = {};
  std::size_t receive_buffer = std::size_t{8} << 20;
};

using MessageHandler = std::function<void(const nlmsghdr& message)>;

class Batch;
struct BatchFailure;

class Socket {
 public:
  [[nodiscard]] static Result<Socket> make(const SocketOptions& options = {});

  /// Sends one request and waits for its acknowledgement.
  [[nodiscard]] Result<void> request(Message message);
  /// The same for a request that is answered (RTM_GETLINK of one link, NLM_F_ECHO).
  [[nodiscard]] Result<void> request(Message message, const MessageHandler& on_reply);

  /// A table as it was at one moment: a dump that the kernel marks as inconsistent is asked for
  /// again before the handler sees any of it. The kernel filters strictly by the header and
  /// attributes of `message`.
  [[nodiscard]] Result<void> dump(Message message, const MessageHandler& on_entry);

  /// Sends all messages in order, a few sends for thousands. One that fails does not keep later
  /// ones from being done. The Error of the whole: only where sending itself failed.
  [[nodiscard]] Result<std::vector<BatchFailure>> send(const Batch& batch);

  /// Drains the events of the groups without waiting. An Error with errno_value ENOBUFS: events
  /// were lost, read everything again; the socket goes on working.
  [[nodiscard]] Result<void> receive(const MessageHandler& on_event);

  /// Readable when events are there.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit Socket(UniqueFd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] Result<void> transmit(std::span<const std::uint8_t> bytes, const Message& message);
  [[nodiscard]] Result<std::span<const std::uint8_t>> read_datagram(bool wait);
  [[nodiscard]] Result<void> send_chunk(const Batch& batch, std::size_t first, std::size_t last,
                                        std::vector<BatchFailure>& failures);

  UniqueFd fd_;
  std::uint32_t sequence_ = 0;
  /// Not cleared at the start: a program that lives for milliseconds would pay for each page.
  std::unique_ptr<std::uint8_t[]> buffer_;
};

/// Messages to be sent together. May be sent more than once.
class Batch {
 public:
  /// The index of the message in this batch.
  std::size_t add(const Message& message);
  [[nodiscard]] std::size_t size() const { return offsets_.size(); }
  [[nodiscard]] bool empty() const { return offsets_.empty(); }
  void clear();

 private:
  friend class Socket;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::size_t> offsets_;
};

struct BatchFailure {
  std::size_t index;  // of the message in the batch
  /// `object` is empty: the caller knows what message `index` was about.
  Error error;
};

}  // namespace sextant::netlink
