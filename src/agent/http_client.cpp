#include "agent/http_client.h"

#include <sys/un.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cerrno>
#include <filesystem>
#include <limits>

namespace sextant::agent {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

tl::unexpected<Error> connection_failure(const HttpServerWords& words,
                                         const std::string& socket_path, const error_code& error) {
  const std::string operation(words.operation);
  if (error == beast::error::timeout)
    return failure(operation, socket_path, "no answer in time", std::string(words.when_silent));
  std::error_code unseen;  // then connecting tells why
  const auto status = std::filesystem::status(socket_path, unseen);
  if (std::filesystem::exists(status) && !std::filesystem::is_socket(status))
    return failure(operation, socket_path, "this is no socket", std::string(words.when_absent));
  const int number = error.category() == boost::system::system_category() ? error.value() : 0;
  if (number == ENOENT || number == ECONNREFUSED)
    return failure(operation, socket_path, "it is not running", std::string(words.when_absent));
  if (number == EACCES)
    return failure(operation, socket_path, "permission denied",
                   "run this as root or as a member of the socket's group");
  return failure(operation, socket_path, error.message());
}

Result<void> check_path(const HttpServerWords& words, const std::string& socket_path) {
  if (socket_path.empty())
    return failure(std::string(words.operation), "''", "the socket's path is empty",
                   "name it with --socket");
  if (socket_path.size() < sizeof(sockaddr_un::sun_path)) return {};
  return failure(std::string(words.operation), socket_path,
                 "the path is too long for a Unix socket", "use one of at most 107 bytes");
}

http::request<http::string_body> request_of(const HttpCall& call) {
  http::request<http::string_body> request(http::string_to_verb(call.method), call.target, 11);
  request.set(http::field::host, "localhost");
  request.set(http::field::connection, "close");
  request.body() = call.body;
  if (!call.body.empty()) request.set(http::field::content_type, "application/json");
  request.prepare_payload();
  return request;
}

}  // namespace

Result<HttpReply> http_get(const std::string& socket_path, const std::string& target,
                           std::chrono::milliseconds timeout) {
  return http_call(socket_path, {.target = target}, timeout);
}

Result<HttpReply> http_call(const std::string& socket_path, const HttpCall& call,
                            std::chrono::milliseconds timeout, const HttpServerWords& words) {
  if (auto good = check_path(words, socket_path); !good) return tl::unexpected(good.error());
  asio::io_context io;
  beast::basic_stream<asio::local::stream_protocol> stream(io);
  stream.expires_after(timeout);

  const auto request = request_of(call);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // our own agent: routes are many

  error_code outcome;
  stream.async_connect(asio::local::stream_protocol::endpoint(socket_path), [&](error_code error) {
    if ((outcome = error)) return;
    http::async_write(stream, request, [&](error_code write_error, std::size_t) {
      // A server that refuses the request may answer before it has read all of it.
      if (write_error && write_error != asio::error::broken_pipe) {
        outcome = write_error;
        return;
      }
      http::async_read(stream, buffer, parser,
                       [&](error_code read_error, std::size_t) { outcome = read_error; });
    });
  });
  io.run();
  if (outcome) return connection_failure(words, socket_path, outcome);
  return HttpReply{.status = parser.get().result_int(), .body = std::move(parser.get().body())};
}

Result<HttpReply> http_follow(const std::string& socket_path, const std::string& target,
                              const std::function<bool(std::string_view)>& take,
                              const HttpServerWords& words) {
  if (auto good = check_path(words, socket_path); !good) return tl::unexpected(good.error());
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  error_code error;
  socket.connect(asio::local::stream_protocol::endpoint(socket_path), error);
  if (!error) http::write(socket, request_of({.target = target}), error);
  beast::flat_buffer buffer;
  http::response_parser<http::buffer_body> parser;
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  if (!error) http::read_header(socket, buffer, parser, error);
  HttpReply reply{.status = parser.get().result_int(), .body = {}};
  std::array<char, 16384> piece{};
  for (bool more = !error; more && !parser.is_done();) {
    auto& body = parser.get().body();
    body.data = piece.data();
    body.size = piece.size();
    http::read_some(socket, buffer, parser, error);
    if (error == http::error::need_buffer) error = {};
    if (error == http::error::partial_message) break;  // the server has ended, however
    const std::string_view read(piece.data(), piece.size() - body.size);
    if (reply.status != 200)
      reply.body += read;
    else if (!read.empty())
      more = take(read);
    more = more && !error;
  }
  if (error && error != http::error::partial_message)
    return connection_failure(words, socket_path, error);
  return reply;
}

}  // namespace sextant::agent
