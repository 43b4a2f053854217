#include "agent/http_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cerrno>
#include <filesystem>

#include "base/log.h"
#include "base/unique_fd.h"

namespace sextant::agent {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using Protocol = asio::local::stream_protocol;
using Stream = beast::basic_stream<Protocol>;

constexpr mode_t kSocketMode = 0660;

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

Result<UniqueFd> bind_socket(const std::string& path) {
  constexpr auto kOperation = "listen on";
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return failure(kOperation, path, "not a path of 1 to 107 bytes");
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);

  std::error_code folder_error;
  if (const auto folder = std::filesystem::path(path).parent_path(); !folder.empty())
    std::filesystem::create_directories(folder, folder_error);
  if (folder_error) return failure(kOperation, path, folder_error.message());
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0) {
    if (!S_ISSOCK(found.st_mode))
      return failure(kOperation, path, "it exists and is not a socket", "choose another --socket");
    ::unlink(path.c_str());  // an earlier agent's; failing shows in bind()
  }
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error(kOperation, path, errno);
  // The mode of the descriptor (less the umask) becomes that of the file: it is never wider than
  // wanted.
  if (::fchmod(fd.get(), kSocketMode) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), kSocketMode) != 0 || ::listen(fd.get(), SOMAXCONN) != 0)
    return system_error(kOperation, path, errno);
  return fd;
}

}  // namespace

HttpResponse error_response(unsigned status, const std::string& message) {
  return {.status = status, .body = boost::json::serialize(boost::json::value{{"error", message}})};
}

struct HttpServer::State : std::enable_shared_from_this<State> {
  State(asio::io_context& io, std::string socket_path, HttpHandler request_handler,
        HttpLimits server_limits)
      : acceptor(io),
        pause(io),
        path(std::move(socket_path)),
        handler(std::move(request_handler)),
        limits(server_limits) {}

  asio::awaitable<void> accept();
  asio::awaitable<void> serve(Protocol::socket socket);
  asio::awaitable<bool> send(Stream& stream, HttpResponse answer, bool keep_alive) const;

  Protocol::acceptor acceptor;
  asio::steady_timer pause;
  std::string path;
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
      log::warn("accept on {}: {}", path, error.message());
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
    const auto& request = parser.get();
    const bool keep_alive = request.keep_alive();
    auto answer = handler(
        {.method = std::string(request.method_string()), .target = std::string(request.target())});
    if (request.method() == http::verb::head) answer.body.clear();  // RFC 9110 section 9.3.2
    more = co_await send(stream, std::move(answer), keep_alive) && keep_alive;
  }
  error_code ignored;  // the client may have gone first
  stream.socket().shutdown(Protocol::socket::shutdown_both, ignored);
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& io,
                                                       const std::string& socket_path,
                                                       HttpHandler handler, HttpLimits limits) {
  auto fd = bind_socket(socket_path);
  if (!fd) return tl::unexpected(fd.error());
  auto state = std::make_shared<State>(io, socket_path, std::move(handler), limits);
  state->acceptor.assign(Protocol(), fd->release());
  asio::co_spawn(io, state->accept(), asio::detached);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::shared_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  error_code ignored;
  state_->acceptor.close(ignored);
  state_->pause.cancel();
  ::unlink(state_->path.c_str());
}

}  // namespace sextant::agent
