// One TCP connection that carries BGP messages. Private to this room.
//
//   connect() or adopt() -> Handler::on_connected -> on_message ... -> on_lost | close()
//
// Reading: what the kernel has is read in one go into a buffer that all connections of a loop
// share; messages are handed over as spans into it, and only the piece of a message that is not
// complete yet is kept. Writing: buffers queue up; a buffer may be shared by connections
// (reflection). has_room() bounds what others put there: nobody who respects it makes memory grow
// for a peer that does not read. Closing: a last message still goes out, then the peer may close
// within a second; data that it sends meanwhile is read and dropped, since a reset would destroy
// the last message on its way.
//
// The handler is never called again after close() and never from within send().
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "bgp/wire/message.h"

namespace sextant::bgp {

using Bytes = std::vector<std::uint8_t>;
using SharedBytes = std::shared_ptr<const Bytes>;

/// Of a host's address; link-local ones need the device. Error: no such device.
[[nodiscard]] Result<boost::asio::ip::tcp::endpoint> endpoint_of(const IpAddress& address,
                                                                 std::uint16_t port,
                                                                 const std::string& device);
/// "[fd10::1]:179"
[[nodiscard]] std::string text_of(const boost::asio::ip::tcp::endpoint& endpoint);

/// Where a loop's connections read into, one after the other.
class ReadBuffer {
 public:
  // A message that came in pieces stands in front of what is read.
  static constexpr std::size_t kRead = 256 * 1024;
  [[nodiscard]] std::span<std::uint8_t> bytes() { return bytes_; }

 private:
  Bytes bytes_ = Bytes(kMaxExtendedMessage + kRead);
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Clock = std::chrono::steady_clock;

  class Handler {
   public:
    virtual void on_connected() = 0;
    virtual void on_message(const Message& message) = 0;
    /// The stream makes no sense: close() with this.
    virtual void on_broken(const Notification& error) = 0;
    /// Closed or reset by the peer, or never connected.
    virtual void on_lost(const Error& error) = 0;
    /// There is room again, after has_room() was false.
    virtual void on_room() = 0;

   protected:
    ~Handler() = default;
  };

  /// `socket` is open, has its options, and is not yet connected.
  [[nodiscard]] static std::shared_ptr<Connection> connect(
      Socket socket, const boost::asio::ip::tcp::endpoint& remote, Handler& handler,
      std::shared_ptr<ReadBuffer> buffer, std::size_t queue_limit);
  /// A connection that the peer made; call start() for it.
  [[nodiscard]] static std::shared_ptr<Connection> adopt(Socket socket, Handler& handler,
                                                         std::shared_ptr<ReadBuffer> buffer,
                                                         std::size_t queue_limit);
  /// Begins to read.
  void start();

  void send(Bytes message) { send(std::make_shared<const Bytes>(std::move(message))); }
  /// Whole messages.
  void send(SharedBytes messages);
  [[nodiscard]] bool has_room() const { return queued_ < queue_limit_; }
  [[nodiscard]] std::size_t queued() const { return queued_; }
  /// When the peer's side last took something, or there was nothing to take.
  [[nodiscard]] Clock::time_point last_progress() const;

  /// RFC 8654: once it was agreed.
  void set_receive_limit(std::size_t limit) { receive_limit_ = limit; }

  /// Drops what waits, sends `last_message` (if any) and closes.
  void close(Bytes last_message = {});

  [[nodiscard]] Socket& socket() { return socket_; }
  /// Before the handler is told the first time.
  void set_handler(Handler& handler) { handler_ = &handler; }

 private:
  Connection(Socket socket, Handler& handler, std::shared_ptr<ReadBuffer> buffer,
             std::size_t queue_limit);
  void await_readable();
  void read();
  [[nodiscard]] bool take(const Error* known = nullptr);
  void write_failed(const Error& error);
  void deliver(std::span<const std::uint8_t> bytes);
  void write();
  void lost(const Error& error);
  void drain();
  void finish();

  Socket socket_;
  boost::asio::steady_timer linger_;
  Handler* handler_;  // null once closed
  std::shared_ptr<ReadBuffer> buffer_;
  Bytes partial_;  // of a message
  std::size_t receive_limit_ = kMaxMessage;

  std::deque<SharedBytes> queue_;
  std::size_t sent_of_first_ = 0;
  std::size_t queued_ = 0;
  std::size_t queue_limit_;
  bool writing_ = false;
  bool was_full_ = false;
  bool connected_ = false;
  Clock::time_point progress_ = Clock::now();
};

}  // namespace sextant::bgp
