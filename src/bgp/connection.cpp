#include "bgp/connection.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <string>

#include "bgp/tcp.h"

namespace sextant::bgp {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::chrono::seconds kLinger{1};
constexpr std::size_t kBuffersAtOnce = 64;  // of one system call
constexpr int kLastReads = 64;              // 16 MiB: more than the kernel keeps for a connection

}  // namespace

Result<asio::ip::tcp::endpoint> endpoint_of(const IpAddress& address, std::uint16_t port,
                                            const std::string& device) {
  if (address.is_v4()) {
    return asio::ip::tcp::endpoint(asio::ip::address_v4(address.v4().bytes()), port);
  }
  asio::ip::scope_id_type scope = 0;
  if (address.v6().is_link_local()) {
    const auto index = device_index(device);
    if (!index) return tl::unexpected(index.error());
    scope = *index;
  }
  return asio::ip::tcp::endpoint(asio::ip::address_v6(address.v6().bytes(), scope), port);
}

std::string text_of(const asio::ip::tcp::endpoint& endpoint) {
  const auto address = endpoint.address().to_string();
  return (endpoint.address().is_v6() ? "[" + address + "]" : address) + ":" +
         std::to_string(endpoint.port());
}

Connection::Connection(Socket socket, Handler& handler, std::shared_ptr<ReadBuffer> buffer,
                       std::size_t queue_limit)
    : socket_(std::move(socket)),
      linger_(socket_.get_executor()),
      handler_(&handler),
      buffer_(std::move(buffer)),
      queue_limit_(queue_limit) {}

std::shared_ptr<Connection> Connection::connect(Socket socket,
                                                const asio::ip::tcp::endpoint& remote,
                                                Handler& handler,
                                                std::shared_ptr<ReadBuffer> buffer,
                                                std::size_t queue_limit) {
  std::shared_ptr<Connection> connection(
      new Connection(std::move(socket), handler, std::move(buffer), queue_limit));
  connection->socket_.async_connect(remote, [self = connection, remote](error_code error) {
    if (self->handler_ == nullptr) return;
    if (error) {
      self->lost(Error{.operation = "connect to BGP peer",
                       .object = text_of(remote),
                       .cause = error.message(),
                       .errno_value = error.value()});
      return;
    }
    self->handler_->on_connected();
    if (self->handler_ != nullptr) self->start();
  });
  return connection;
}

std::shared_ptr<Connection> Connection::adopt(Socket socket, Handler& handler,
                                              std::shared_ptr<ReadBuffer> buffer,
                                              std::size_t queue_limit) {
  return std::shared_ptr<Connection>(
      new Connection(std::move(socket), handler, std::move(buffer), queue_limit));
}

void Connection::start() {
  connected_ = true;
  error_code error;
  socket_.non_blocking(true, error);
  if (error) {
    lost(Error{.operation = "read from BGP peer", .object = "socket", .cause = error.message()});
    return;
  }
  if (!writing_ && !queue_.empty()) write();
  await_readable();
}

void Connection::await_readable() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](error_code error) {
    if (self->handler_ == nullptr) return;
    if (error) {
      self->lost(
          Error{.operation = "read from BGP peer", .object = "socket", .cause = error.message()});
      return;
    }
    self->read();
  });
}

// One system call a turn of the loop, so that a peer with a lot to say does not silence the others.
void Connection::read() {
  (void)take();
  if (handler_ != nullptr) await_readable();
}

/// What one system call gives; false: there is nothing (more). `known`: why the connection ends.
bool Connection::take(const Error* known) {
  const auto all = buffer_->bytes();
  std::ranges::copy(partial_, all.begin());
  const std::size_t kept = partial_.size();
  error_code error;
  const std::size_t count =
      socket_.read_some(asio::buffer(all.data() + kept, all.size() - kept), error);
  if (error == asio::error::would_block || error == asio::error::try_again) return false;
  if (error) {
    const bool closed = error == asio::error::eof;
    lost(known != nullptr ? *known
                          : Error{.operation = "read from BGP peer",
                                  .object = "connection",
                                  .cause = closed ? "closed by the peer" : error.message(),
                                  .errno_value = closed ? 0 : error.value()});
    return false;
  }
  deliver(all.first(kept + count));
  return handler_ != nullptr;
}

void Connection::deliver(std::span<const std::uint8_t> bytes) {
  while (true) {
    const auto message = next_message(bytes, receive_limit_);
    if (!message) {
      handler_->on_broken(message.error());
      return;
    }
    if (!*message) break;
    handler_->on_message(**message);
    if (handler_ == nullptr) return;
    bytes = bytes.subspan((*message)->size);
  }
  partial_.assign(bytes.begin(), bytes.end());
  if (partial_.empty() && partial_.capacity() > kMaxMessage) Bytes().swap(partial_);
}

void Connection::send(SharedBytes messages) {
  if (messages->empty() || handler_ == nullptr) return;
  if (queue_.empty()) progress_ = Clock::now();
  queued_ += messages->size();
  queue_.push_back(std::move(messages));
  if (!has_room()) was_full_ = true;
  if (!writing_ && connected_) write();
}

Connection::Clock::time_point Connection::last_progress() const {
  return queue_.empty() ? Clock::now() : progress_;
}

void Connection::write() {
  writing_ = true;
  std::vector<asio::const_buffer> buffers;
  buffers.reserve(std::min(queue_.size(), kBuffersAtOnce));
  std::size_t skip = sent_of_first_;
  for (const auto& chunk : queue_) {
    if (buffers.size() == kBuffersAtOnce) break;
    buffers.emplace_back(chunk->data() + skip, chunk->size() - skip);
    skip = 0;
  }
  socket_.async_write_some(
      buffers, [self = shared_from_this()](error_code error, std::size_t count) {
        self->writing_ = false;
        if (error) {
          if (self->handler_ == nullptr) {
            self->finish();  // the last message cannot be sent any more
          } else {
            self->write_failed(Error{.operation = "send to BGP peer",
                                     .object = "connection",
                                     .cause = error.message(),
                                     .errno_value = error.value()});
          }
          return;
        }
        self->progress_ = Clock::now();
        self->queued_ -= count;
        count += self->sent_of_first_;
        while (!self->queue_.empty() && count >= self->queue_.front()->size()) {
          count -= self->queue_.front()->size();
          self->queue_.pop_front();
        }
        self->sent_of_first_ = count;
        if (!self->queue_.empty()) {
          self->write();
        } else if (self->handler_ == nullptr) {
          error_code ignored;  // the peer may be gone already
          self->socket_.shutdown(Socket::shutdown_send, ignored);
        }
        if (self->was_full_ && self->queued_ <= self->queue_limit_ / 2) {
          self->was_full_ = false;
          if (self->handler_ != nullptr) self->handler_->on_room();
        }
      });
}

/// A peer that closed may have said why, in a NOTIFICATION that is yet to be read: routes are kept
/// as stale only where there is none (RFC 4724 section 4.2).
void Connection::write_failed(const Error& error) {
  for (int reads = 0; reads < kLastReads && take(&error); ++reads) continue;
  if (handler_ != nullptr) lost(error);
}

void Connection::lost(const Error& error) {
  Handler* handler = handler_;
  handler_ = nullptr;
  finish();
  if (handler != nullptr) handler->on_lost(error);
}

void Connection::close(Bytes last_message) {
  if (handler_ == nullptr) return;
  handler_ = nullptr;
  if (last_message.empty() || !connected_) {
    finish();
    return;
  }
  // Behind a message that is half on its way. While a write is under way nobody knows how much of
  // the buffers it was given it takes: then all of these stay.
  std::size_t keep = 0;
  if (writing_) {
    keep = std::min(queue_.size(), kBuffersAtOnce);
  } else if (sent_of_first_ != 0) {
    keep = 1;
  }
  queue_.resize(keep);
  queue_.push_back(std::make_shared<const Bytes>(std::move(last_message)));
  queued_ = 0;
  for (const auto& chunk : queue_) queued_ += chunk->size();
  queued_ -= sent_of_first_;
  linger_.expires_after(kLinger);
  linger_.async_wait([self = shared_from_this()](error_code error) {
    if (!error) self->finish();
  });
  if (!writing_) write();
  drain();
}

void Connection::drain() {
  socket_.async_wait(Socket::wait_read, [self = shared_from_this()](error_code error) {
    if (error || !self->socket_.is_open()) return;
    const auto all = self->buffer_->bytes();
    error_code failed;
    self->socket_.read_some(asio::buffer(all.data(), all.size()), failed);
    if (failed && failed != asio::error::would_block) {
      // The peer closed: nothing is waited for, unless the last message still is to be written.
      if (self->queue_.empty()) self->finish();
      return;
    }
    self->drain();
  });
}

void Connection::finish() {
  linger_.cancel();
  error_code ignored;  // there is nothing to do about a socket that cannot be closed
  socket_.close(ignored);
  queue_.clear();
  queued_ = 0;
  sent_of_first_ = 0;
}

}  // namespace sextant::bgp
