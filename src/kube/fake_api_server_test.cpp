#include "kube/fake_api_server_test.h"

#include <fmt/format.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/value.hpp>
#include <boost/url/parse.hpp>
#include <deque>
#include <set>

namespace sextant::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Request = http::request<http::string_body>;

std::shared_ptr<asio::ssl::context> context_of(const Identity& identity) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  context->use_certificate_chain(asio::buffer(identity.cert));
  context->use_private_key(asio::buffer(identity.key), asio::ssl::context::pem);
  return context;
}

SeenRequest seen_of(const Request& request, std::size_t connection) {
  SeenRequest seen{.method = std::string(request.method_string()),
                   .target = std::string(request.target()),
                   .body = request.body(),
                   .connection = connection};
  for (const auto& field : request) {
    std::string name(field.name_string());
    for (auto& c : name) c = static_cast<char>(std::tolower(c));
    seen.headers[name] = std::string(field.value());
  }
  if (const auto url = boost::urls::parse_origin_form(request.target())) {
    seen.path = url->path();
    for (const auto parameter : url->params()) seen.query[parameter.key] = parameter.value;
  }
  return seen;
}

std::string chunk(const std::string& text) {
  return fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}

struct Session final : OpenStream, std::enable_shared_from_this<Session> {
  Session(tcp::socket socket, std::shared_ptr<asio::ssl::context> with, std::size_t number)
      : context(std::move(with)),
        stream(std::move(socket), *context),
        wake(stream.get_executor(), asio::steady_timer::time_point::max()),
        connection(number) {}

  void send(std::string text) override { push(chunk(text)); }
  void end() override { push("0\r\n\r\n"), ending = true; }
  void reset() override {
    error_code ignored;
    stream.lowest_layer().set_option(asio::socket_base::linger(true, 0), ignored);
    close();
  }
  [[nodiscard]] bool is_open() const override { return streaming && !closed; }

  void push(std::string text) {
    outbox.push_back(std::move(text));
    wake.cancel();
  }
  void close() {
    error_code ignored;
    stream.lowest_layer().close(ignored);
    closed = true;
    wake.cancel();
  }
  asio::awaitable<bool> write(std::string text) {
    error_code error;
    co_await asio::async_write(stream, asio::buffer(text),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return !error;
  }
  /// Writes what the test sends; true where the answer was ended and the connection is good.
  asio::awaitable<bool> flow() {
    const auto self = shared_from_this();
    streaming = true;
    while (!closed) {
      if (outbox.empty() && ending) break;
      if (outbox.empty()) {
        error_code woken;
        wake.expires_at(asio::steady_timer::time_point::max());
        co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        continue;
      }
      auto text = std::move(outbox.front());
      outbox.pop_front();
      const bool written = co_await write(std::move(text));
      if (!written) closed = true;
    }
    streaming = false;
    ending = false;
    co_return !closed;
  }

  std::shared_ptr<asio::ssl::context> context;
  asio::ssl::stream<tcp::socket> stream;
  asio::steady_timer wake;
  std::size_t connection;
  std::deque<std::string> outbox;
  bool streaming = false, ending = false, closed = false, idle = false;
};

}  // namespace

struct FakeApiServer::State : std::enable_shared_from_this<State> {
  State(asio::io_context& on, const Identity& identity, Handler with)
      : io(on), context(context_of(identity)), acceptor(on), handler(std::move(with)) {}

  void listen() {
    const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint);
    acceptor.listen();
    port = acceptor.local_endpoint().port();
    asio::co_spawn(
        io, [self = shared_from_this()] { return self->accept(); }, asio::detached);
  }

  asio::awaitable<void> accept() {
    while (true) {
      error_code error;
      auto socket =
          co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      auto session = std::make_shared<Session>(std::move(socket), context, ++accepted);
      sessions.insert(session);
      asio::co_spawn(
          io, [self = shared_from_this(), session] { return self->serve(session); },
          asio::detached);
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<Session> session) {
    error_code error;
    co_await session->stream.async_handshake(asio::ssl::stream_base::server,
                                             asio::redirect_error(asio::use_awaitable, error));
    beast::flat_buffer buffer;
    bool more = !error;
    while (more) {
      Request request;
      session->idle = true;
      co_await http::async_read(session->stream, buffer, request,
                                asio::redirect_error(asio::use_awaitable, error));
      session->idle = false;
      if (error) break;
      session->request = seen_of(request, session->connection);
      seen.push_back(session->request);
      const auto reply = handler(session->request);
      more = co_await answer(session, reply);
    }
    session->close();
    sessions.erase(session);
  }

  asio::awaitable<bool> answer(std::shared_ptr<Session> session, Reply reply) {
    auto head = fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\n{}", reply.status,
                            reply.headers);
    bool more = false;
    std::string text;
    switch (reply.kind) {
      case Reply::Kind::kWhole:
        text = head + fmt::format("Content-Length: {}\r\n\r\n{}", reply.body.size(), reply.body);
        more = co_await session->write(std::move(text));
        break;
      case Reply::Kind::kTruncated:
        text = head + "Transfer-Encoding: chunked\r\n\r\n" +
               fmt::format("{:x}\r\n{}", reply.body.size() + 100, reply.body);
        more = co_await session->write(std::move(text));
        more = false;
        break;
      case Reply::Kind::kStream:
        text = head + "Transfer-Encoding: chunked\r\n\r\n";
        if (!reply.body.empty()) text += chunk(reply.body);
        more = co_await session->write(std::move(text));
        streams.push_back(session);
        if (more) more = co_await session->flow();
        break;
      case Reply::Kind::kSilent:
        more = co_await session->flow();
        break;
      case Reply::Kind::kClose:
        break;
    }
    co_return more;
  }

  asio::io_context& io;
  std::shared_ptr<asio::ssl::context> context;
  tcp::acceptor acceptor;
  Handler handler;
  std::uint16_t port = 0;
  std::size_t accepted = 0;
  std::set<std::shared_ptr<Session>> sessions;
  std::vector<SeenRequest> seen;
  std::vector<std::shared_ptr<OpenStream>> streams;
};

FakeApiServer::FakeApiServer(asio::io_context& io, Identity identity, Handler handler)
    : state_(std::make_shared<State>(io, identity, std::move(handler))) {
  state_->listen();
}

FakeApiServer::~FakeApiServer() {
  stop();
  state_->streams.clear();
}

std::string FakeApiServer::url(const std::string& host) const {
  return fmt::format("https://{}:{}", host, state_->port);
}

void FakeApiServer::set_handler(Handler handler) { state_->handler = std::move(handler); }
void FakeApiServer::set_identity(const Identity& identity) {
  state_->context = context_of(identity);
}

void FakeApiServer::stop() {
  error_code ignored;
  state_->acceptor.close(ignored);
  const auto sessions = state_->sessions;
  for (const auto& session : sessions) session->close();
}

void FakeApiServer::resume() { state_->listen(); }

void FakeApiServer::close_idle() {
  for (const auto& session : state_->sessions)
    if (session->idle) session->close();
}

const std::vector<SeenRequest>& FakeApiServer::seen() const { return state_->seen; }
std::size_t FakeApiServer::connections() const { return state_->accepted; }
const std::vector<std::shared_ptr<OpenStream>>& FakeApiServer::streams() const {
  return state_->streams;
}

bool run_until(asio::io_context& io, const std::function<bool()>& done,
               std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!done()) {
    if (io.stopped()) io.restart();
    if (std::chrono::steady_clock::now() >= end) return false;
    io.run_one_until(std::min(end, std::chrono::steady_clock::now() + std::chrono::seconds(1)));
  }
  return true;
}

Answer<boost::json::value> answer_of(asio::io_context& io,
                                     std::function<Task<Answer<boost::json::value>>()> call) {
  std::optional<Answer<boost::json::value>> answer;
  asio::co_spawn(io, std::move(call),
                 [&](const std::exception_ptr& exception, Answer<boost::json::value> got) {
                   if (exception) std::rethrow_exception(exception);
                   answer = std::move(got);
                 });
  if (!run_until(io, [&] { return answer.has_value(); }))
    return tl::unexpected(ApiError{.error = {.cause = "the test waited too long"}});
  return std::move(*answer);
}

void finish(asio::io_context& io, std::function<Task<void>()> call) {
  bool over = false;
  asio::co_spawn(io, std::move(call), [&](const std::exception_ptr& exception) {
    if (exception) std::rethrow_exception(exception);
    over = true;
  });
  if (!run_until(io, [&] { return over; })) throw std::runtime_error("the test waited too long");
}

std::string status_body(int code, const std::string& reason, const std::string& message) {
  return fmt::format(
      R"({{"kind":"Status","apiVersion":"v1","status":"Failure","code":{},"reason":"{}","message":"{}"}})",
      code, reason, message);
}

}  // namespace sextant::kube
