#include "kube/connection.h"

#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <charconv>
#include <vector>

#include "base/ip.h"

namespace sextant::kube {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Kind = Trouble::Kind;

constexpr std::uint32_t kHeadBytes = 65536;
constexpr std::size_t kPieceBytes = 16384;  // a TLS record

tl::unexpected<Trouble> trouble(Kind kind, std::string cause, std::string hint = {}) {
  return tl::unexpected(Trouble{kind, std::move(cause), std::move(hint)});
}

std::string cause_of(const error_code& error) {
  if (error == asio::error::connection_refused) return "connection refused";
  if (error == asio::error::connection_reset) return "the connection was reset";
  if (error == http::error::end_of_stream || error == asio::error::eof)
    return "the server closed the connection";
  if (error == http::error::partial_message || error == asio::ssl::error::stream_truncated)
    return "the connection ended in the middle of the answer";
  return error.message();
}

/// A peer that has gone without a word is noticed within half a minute.
void watch_over(tcp::socket& socket) {
  error_code ignored;  // without these the timeouts still hold
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  using Level = std::integral_constant<int, IPPROTO_TCP>;
  socket.set_option(asio::detail::socket_option::integer<Level::value, TCP_KEEPIDLE>(15), ignored);
  socket.set_option(asio::detail::socket_option::integer<Level::value, TCP_KEEPINTVL>(5), ignored);
  socket.set_option(asio::detail::socket_option::integer<Level::value, TCP_KEEPCNT>(3), ignored);
  socket.set_option(asio::detail::socket_option::integer<Level::value, TCP_USER_TIMEOUT>(30000),
                    ignored);
}

Connection::Outcome<std::vector<tcp::endpoint>> endpoints_of(
    const error_code& error, const tcp::resolver::results_type& results, const std::string& host) {
  if (error)
    return trouble(Kind::kUnreachable, "the name " + host + " is not found: " + error.message(),
                   "does this node's DNS know it? an address does without");
  std::vector<tcp::endpoint> endpoints;
  for (const auto& result : results) endpoints.push_back(result.endpoint());
  return endpoints;
}

std::string hint_for(long verdict) {
  switch (verdict) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "connect by a name or an address that its certificate is for, or set tls-server-name";
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return "renew the certificate; is this node's clock right?";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "is this node's clock right?";
    default:
      return "is certificate-authority the one that signed it?";
  }
}

}  // namespace

struct Connection::State {
  using Stream = beast::ssl_stream<beast::tcp_stream>;
  using Parser = http::response_parser<http::buffer_body>;

  State(const asio::any_io_executor& executor, std::shared_ptr<asio::ssl::context> context)
      : tls(std::move(context)), stream(executor, *tls), buffer(kHeadBytes + kPieceBytes) {}

  [[nodiscard]] beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream); }
  [[nodiscard]] Outcome<void> expect_name(const Peer& peer);
  [[nodiscard]] tl::unexpected<Trouble> handshake_trouble(const error_code& error);

  std::shared_ptr<asio::ssl::context> tls;
  Stream stream;
  beast::flat_buffer buffer;
  std::optional<Parser> parser;
  std::array<char, kPieceBytes> piece;
};

/// The host name for SNI, and what the certificate must be for. The certificate's subject (CN) does
/// not count, as in Go.
Connection::Outcome<void> Connection::State::expect_name(const Peer& peer) {
  const auto& name = peer.server_name.empty() ? peer.endpoint.host : peer.server_name;
  auto* const native = stream.native_handle();
  auto* const parameters = SSL_get0_param(native);
  const bool is_address = IpAddress::parse(name).has_value();
  bool fine = is_address || SSL_set_tlsext_host_name(native, name.c_str()) == 1;
  if (peer.verify) {
    X509_VERIFY_PARAM_set_hostflags(
        parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    fine = fine && (is_address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str())
                               : X509_VERIFY_PARAM_set1_host(parameters, name.c_str(), 0)) == 1;
  }
  if (!fine) return trouble(Kind::kTls, "'" + name + "' is no name for a server");
  return {};
}

tl::unexpected<Trouble> Connection::State::handshake_trouble(const error_code& error) {
  if (error == beast::error::timeout)
    return trouble(Kind::kTimeout, "no TLS handshake in time", "is that a Kubernetes API server?");
  const auto verdict = SSL_get_verify_result(stream.native_handle());
  if (verdict != X509_V_OK)
    return trouble(Kind::kCertificate,
                   std::string("the server's certificate is not accepted: ") +
                       X509_verify_cert_error_string(verdict),
                   hint_for(verdict));
  return trouble(Kind::kTls, "the TLS handshake failed: " + cause_of(error));
}

Connection::Connection(std::unique_ptr<State> state) : state_(std::move(state)) {}
Connection::~Connection() = default;

Task<Connection::Outcome<std::unique_ptr<Connection>>> Connection::open(Peer peer) {
  const auto executor = co_await asio::this_coro::executor;
  std::vector<tcp::endpoint> endpoints;
  error_code error;
  if (peer.endpoint.is_address) {
    endpoints.emplace_back(asio::ip::make_address(peer.endpoint.host), peer.endpoint.port);
  } else {
    tcp::resolver resolver(executor);
    const auto results = co_await resolver.async_resolve(
        peer.endpoint.host, std::to_string(peer.endpoint.port), tcp::resolver::numeric_service,
        asio::redirect_error(asio::use_awaitable, error));
    auto found = endpoints_of(error, results, peer.endpoint.host);
    if (!found) co_return tl::unexpected(found.error());
    endpoints = std::move(*found);
  }

  auto state = std::make_unique<State>(executor, peer.tls);
  error = asio::error::host_unreachable;
  // One address that swallows packets must not use up the time of the others.
  const auto share = peer.timeout / static_cast<int>(std::max<std::size_t>(endpoints.size(), 1));
  for (const auto& endpoint : endpoints) {
    error_code ignored;
    state->lowest().socket().close(ignored);
    state->lowest().expires_after(share);
    co_await state->lowest().async_connect(endpoint,
                                           asio::redirect_error(asio::use_awaitable, error));
    if (!error) break;
  }
  if (error == beast::error::timeout)
    co_return trouble(Kind::kTimeout, "no TCP connection in time", "is there a route to it?");
  if (error) co_return trouble(Kind::kUnreachable, cause_of(error));
  watch_over(state->lowest().socket());

  if (auto named = state->expect_name(peer); !named) co_return tl::unexpected(named.error());
  state->lowest().expires_after(peer.timeout);
  co_await state->stream.async_handshake(asio::ssl::stream_base::client,
                                         asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return state->handshake_trouble(error);
  co_return std::unique_ptr<Connection>(new Connection(std::move(state)));
}

Task<Connection::Outcome<HttpHead>> Connection::exchange(HttpRequest request,
                                                         Milliseconds timeout) {
  auto& state = *state_;
  http::request<http::string_body> message(http::string_to_verb(request.method), request.target,
                                           11);
  message.set(http::field::host, request.host);
  message.set(http::field::user_agent, request.user_agent);
  message.set(http::field::accept, "application/json");
  if (!request.token.empty()) message.set(http::field::authorization, "Bearer " + request.token);
  if (!request.content_type.empty()) message.set(http::field::content_type, request.content_type);
  message.body() = std::move(request.body);
  message.prepare_payload();

  error_code error;
  state.lowest().expires_after(timeout);
  co_await http::async_write(state.stream, message,
                             asio::redirect_error(asio::use_awaitable, error));
  // A server that refuses early answers and closes: the answer tells more than the failed write.
  const error_code write_error = error;
  if (error != beast::error::timeout) {
    state.parser.emplace();
    state.parser->header_limit(kHeadBytes);
    state.parser->body_limit(boost::none);  // readers count
    co_await http::async_read_header(state.stream, state.buffer, *state.parser,
                                     asio::redirect_error(asio::use_awaitable, error));
  }
  if (error == beast::error::timeout) co_return trouble(Kind::kTimeout, "no answer in time");
  if (error) {
    const bool nothing = !state.parser->got_some();
    co_return trouble(nothing ? Kind::kClosed : Kind::kBroken,
                      cause_of(write_error ? write_error : error));
  }
  // Eager, the parser would hold the last chunk back until the head of the next one is there.
  state.parser->eager(false);
  const auto& head = state.parser->get();
  HttpHead answer{.status = static_cast<int>(head.result_int())};
  const auto wish = head[http::field::retry_after];
  unsigned seconds = 0;
  const auto parsed = std::from_chars(wish.data(), wish.data() + wish.size(), seconds);
  if (!wish.empty() && parsed.ec == std::errc() && parsed.ptr == wish.data() + wish.size())
    answer.retry_after = std::chrono::seconds(seconds);
  co_return answer;
}

Task<Connection::Outcome<std::string_view>> Connection::read(Milliseconds timeout) {
  auto& state = *state_;
  error_code error;
  state.lowest().expires_after(timeout);
  while (!state.parser->is_done()) {
    auto& body = state.parser->get().body();
    body.data = state.piece.data();
    body.size = state.piece.size();
    body.more = true;
    co_await http::async_read_some(state.stream, state.buffer, *state.parser,
                                   asio::redirect_error(asio::use_awaitable, error));
    if (error == http::error::need_buffer) error = {};
    const auto size = state.piece.size() - body.size;
    if (size > 0) co_return std::string_view(state.piece.data(), size);
    if (error == beast::error::timeout)
      co_return trouble(Kind::kTimeout, "the answer stopped coming");
    if (error) co_return trouble(Kind::kBroken, cause_of(error));
  }
  co_return std::string_view();
}

bool Connection::reusable() const {
  return state_->parser && state_->parser->is_done() && state_->parser->keep_alive();
}

bool Connection::is_quiet() const {
  if (state_->buffer.size() != 0) return false;
  char byte = 0;
  const auto fd = state_->lowest().socket().native_handle();
  const auto count = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace sextant::kube
