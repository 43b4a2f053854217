#include "agent/http_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <filesystem>

#include "agent/http_stream.h"
#include "agent/listeners.h"
#include "base/log.h"
#include "base/unique_fd.h"

namespace sextant::agent {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Protocol = asio::generic::stream_protocol;  // Unix and TCP
using Stream = beast::basic_stream<Protocol>;

/// The answer to what is no request; none where the connection has simply ended.
std::optional<HttpResponse> answer_to(const error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return error_response(431, "the request's header is too large");
  if (error == http::error::body_limit)
    return error_response(413, "the request's body is too large");
  if (error.category() == make_error_code(http::error::bad_version).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message)
    return error_response(400, "not an HTTP request: " + error.message());
  return std::nullopt;
}

http::response<http::string_body> message_of(HttpResponse answer, bool keep_alive) {
  http::response<http::string_body> message(static_cast<http::status>(answer.status), 11);
  message.set(http::field::content_type, answer.content_type);
  message.set(http::field::cache_control, "no-store");
  if (!answer.allow.empty()) message.set(http::field::allow, answer.allow);
  message.body() = std::move(answer.body);
  message.keep_alive(keep_alive);
  message.prepare_payload();
  return message;
}

}  // namespace

HttpResponse error_response(unsigned status, const std::string& message) {
  return {.status = status, .body = boost::json::serialize(boost::json::value{{"error", message}})};
}

struct HttpServer::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, std::string listens_at, std::string own_socket,
        HttpHandler request_handler, HttpLimits server_limits)
      : acceptor(io),
        pause(io),
        where(std::move(listens_at)),
        socket_path(std::move(own_socket)),
        handler(std::move(request_handler)),
        limits(server_limits) {}

  asio::awaitable<void> accept();
  asio::awaitable<void> serve(Protocol::socket socket);
  asio::awaitable<bool> send(Stream& stream, HttpResponse answer, bool keep_alive) const;
  asio::awaitable<void> send_stream(Stream& stream, HttpResponse answer) const;

  asio::basic_socket_acceptor<Protocol> acceptor;
  asio::steady_timer pause;
  std::string where;
  std::string socket_path;  // unlinked at the end; empty where it is none
  HttpHandler handler;
  HttpLimits limits;
  std::size_t connections = 0;
};

asio::awaitable<void> HttpServer::State::accept() {
  const auto self = shared_from_this();
  const auto executor = co_await asio::this_coro::executor;
  while (acceptor.is_open()) {
    error_code error;
    auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::operation_aborted) co_return;
    if (error) {  // out of descriptors: wait for some to be freed, do not spin
      log::warn("accept on {}: {}", where, error.message());
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    asio::co_spawn(executor, serve(std::move(socket)), asio::detached);
  }
}

asio::awaitable<bool> HttpServer::State::send(Stream& stream, HttpResponse answer,
                                              bool keep_alive) const {
  auto message = message_of(std::move(answer), keep_alive);
  error_code error;
  stream.expires_after(limits.write_timeout);
  co_await http::async_write(stream, message, asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

/// RFC 9112 section 7.1: a chunk for all that waits, until either side ends.
asio::awaitable<void> HttpServer::State::send_stream(Stream& stream, HttpResponse answer) const {
  const auto body = std::move(answer.stream);
  http::response<http::empty_body> header(static_cast<http::status>(answer.status), 11);
  header.set(http::field::content_type, answer.content_type);
  header.set(http::field::cache_control, "no-store");
  header.keep_alive(false);
  header.chunked(true);
  http::response_serializer<http::empty_body> serializer(header);
  error_code error;
  stream.expires_after(limits.write_timeout);
  co_await http::async_write_header(stream, serializer,
                                    asio::redirect_error(asio::use_awaitable, error));
  asio::steady_timer ready(co_await asio::this_coro::executor);
  body->on_ready([&ready] { ready.cancel(); });
  // Who watches says nothing more: what can be read is its end. Where pieces follow each other,
  // writing finds out.
  if (!body->on_demand()) {
    stream.socket().async_wait(Protocol::socket::wait_read,
                               [body](const error_code&) { body->leave(); });
  }
  while (!error && !body->gone()) {
    const auto data = body->take();
    if (!data.empty()) {
      stream.expires_after(limits.write_timeout);
      co_await asio::async_write(stream, http::make_chunk(asio::buffer(data)),
                                 asio::redirect_error(asio::use_awaitable, error));
    } else if (body->ended()) {
      co_await asio::async_write(stream, http::make_chunk_last(),
                                 asio::redirect_error(asio::use_awaitable, error));
      break;
    } else {
      ready.expires_at(asio::steady_timer::time_point::max());
      error_code woken;
      co_await ready.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
  }
  body->on_ready({});
  body->leave();
}

asio::awaitable<void> HttpServer::State::serve(Protocol::socket socket) {
  const auto self = shared_from_this();
  Stream stream(std::move(socket));
  if (connections >= limits.connections) {
    co_await send(stream, error_response(503, "too many connections"), false);
    co_return;
  }
  ++connections;
  const std::shared_ptr<void> leave(nullptr, [self](void*) { --self->connections; });

  beast::flat_buffer buffer(limits.header_bytes + limits.body_bytes);
  for (bool more = true; more;) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(limits.header_bytes);
    parser.body_limit(limits.body_bytes);
    error_code error;
    stream.expires_after(limits.read_timeout);
    co_await http::async_read(stream, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, error));
    if (error) {
      if (auto answer = answer_to(error)) co_await send(stream, std::move(*answer), false);
      break;
    }
    auto& request = parser.get();
    const bool keep_alive = request.keep_alive();
    auto answer = handler({.method = std::string(request.method_string()),
                           .target = std::string(request.target()),
                           .body = std::move(request.body())});
    if (answer.stream) {
      co_await send_stream(stream, std::move(answer));
      break;
    }
    if (request.method() == http::verb::head) answer.body.clear();  // RFC 9110 section 9.3.2
    more = co_await send(stream, std::move(answer), keep_alive) && keep_alive;
  }
  error_code ignored;  // the client may have gone first
  stream.socket().shutdown(Protocol::socket::shutdown_both, ignored);
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& io,
                                                       const std::string& socket_path,
                                                       HttpHandler handler, HttpLimits limits) {
  auto fd = listen_on_unix_socket(socket_path);
  if (!fd) return tl::unexpected(fd.error());
  auto state = std::make_shared<State>(io, socket_path, socket_path, std::move(handler), limits);
  state->acceptor.assign(Protocol(AF_UNIX, 0), fd->release());
  asio::co_spawn(io, state->accept(), asio::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& io,
                                                       const ListenAddress& address,
                                                       HttpHandler handler, HttpLimits limits) {
  auto listener = listen_on_tcp(address);
  if (!listener) return tl::unexpected(listener.error());
  auto state = std::make_shared<State>(io, listener->bound.to_string(), std::string(),
                                       std::move(handler), limits);
  state->acceptor.assign(Protocol(listener->domain, IPPROTO_TCP), listener->fd.release());
  asio::co_spawn(io, state->accept(), asio::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

const std::string& HttpServer::where() const { return state_->where; }

HttpServer::~HttpServer() {
  error_code ignored;
  state_->acceptor.close(ignored);
  state_->pause.cancel();
  if (!state_->socket_path.empty()) ::unlink(state_->socket_path.c_str());
}

}  // namespace sextant::agent
