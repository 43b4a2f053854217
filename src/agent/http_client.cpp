#include "agent/http_client.h"

#include <sys/un.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <cerrno>
#include <limits>

namespace sextant::agent {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

tl::unexpected<Error> connection_failure(const std::string& socket_path, const error_code& error) {
  const std::string operation = "reach the agent at";
  if (error == beast::error::timeout)
    return failure(operation, socket_path, "no answer in time",
                   "is the agent stopped or busy? see its log (journalctl -u sextantd)");
  const int number = error.category() == boost::system::system_category() ? error.value() : 0;
  if (number == ENOENT || number == ECONNREFUSED)
    return failure(operation, socket_path, "it is not running",
                   "start it (systemctl start sextantd), or name its socket with --socket");
  if (number == EACCES)
    return failure(operation, socket_path, "permission denied",
                   "run this as root or as a member of the socket's group");
  return failure(operation, socket_path, error.message());
}

}  // namespace

Result<HttpReply> http_get(const std::string& socket_path, const std::string& target,
                           std::chrono::milliseconds timeout) {
  if (socket_path.size() >= sizeof(sockaddr_un::sun_path))
    return failure("reach the agent at", socket_path, "the path is too long for a Unix socket",
                   "use one of at most 107 bytes");
  asio::io_context io;
  beast::basic_stream<asio::local::stream_protocol> stream(io);
  stream.expires_after(timeout);

  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, "localhost");
  request.set(http::field::connection, "close");
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // our own agent: routes are many

  error_code outcome;
  stream.async_connect(asio::local::stream_protocol::endpoint(socket_path), [&](error_code error) {
    if ((outcome = error)) return;
    http::async_write(stream, request, [&](error_code write_error, std::size_t) {
      if ((outcome = write_error)) return;
      http::async_read(stream, buffer, parser,
                       [&](error_code read_error, std::size_t) { outcome = read_error; });
    });
  });
  io.run();
  if (outcome) return connection_failure(socket_path, outcome);
  return HttpReply{.status = parser.get().result_int(), .body = std::move(parser.get().body())};
}

}  // namespace sextant::agent
