#include "kube/transport.h"

#include <fmt/format.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json/value.hpp>

#include "base/log.h"
#include "base/utf8.h"
#include "base/version.h"
#include "kube/json_text.h"

namespace sextant::kube {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kStatusBytes = std::size_t{1} << 20;
constexpr std::size_t kQuotedBytes = 200;  // of an answer that is no Status

std::string hint_for(int status) {
  switch (status) {
    case 401:
      return "the server does not know these credentials: is the token or the client certificate "
             "still valid?";
    case 403:
      return "RBAC does not allow it: is the ClusterRole or the Role bound?";
    default:
      return {};
  }
}

/// The beginning of an answer that is no Status, in one line: some proxies answer with whole pages.
std::string quoted(std::string_view body) {
  std::string text;
  for (const char c : body.substr(0, kQuotedBytes)) {
    const bool space = static_cast<unsigned char>(c) <= ' ';
    if (!space)
      text += c;
    else if (!text.empty() && text.back() != ' ')
      text += ' ';
  }
  if (text.ends_with(' ')) text.pop_back();
  return as_utf8(text);
}

bool is_success(int status) { return status >= 200 && status < 300; }

void throw_if_cancelled(const boost::asio::cancellation_state& state) {
  if (state.cancelled() != boost::asio::cancellation_type::none)
    throw boost::system::system_error(boost::asio::error::operation_aborted);
}

}  // namespace

ApiError read_status(const ApiRequest& request, const HttpHead& head, std::string_view body) {
  ApiError error{.status = head.status,
                 .error = {.operation = request.verb,
                           .object = request.object,
                           .cause = fmt::format("HTTP {}", head.status),
                           .hint = hint_for(head.status)},
                 .retry_after = head.retry_after};
  json::error_code bad;
  const auto value = parse_json(body, bad);
  if (bad || !value.is_object()) {
    if (const auto text = quoted(body); !text.empty()) error.error.cause += ": " + text;
    return error;
  }
  error.reason = text_member(value, "reason");
  if (const auto message = text_member(value, "message"); !message.empty())
    error.error.cause += ": " + message;
  if (const auto* const details = member(value, "details"); details && !error.retry_after) {
    const auto* const wish = member(*details, "retryAfterSeconds");
    if (wish != nullptr && wish->is_int64() && wish->get_int64() >= 0)
      error.retry_after = std::chrono::seconds(wish->get_int64());
  }
  return error;
}

Response::Response(std::shared_ptr<Transport> transport, std::unique_ptr<Connection> connection,
                   ApiRequest request, std::uint64_t generation)
    : transport_(std::move(transport)),
      connection_(std::move(connection)),
      request_(std::move(request)),
      generation_(generation) {}

Response::~Response() { transport_->give_back(std::move(connection_), generation_); }

Task<Answer<std::string_view>> Response::read(std::chrono::milliseconds timeout) {
  const auto piece = co_await connection_->read(timeout);
  throw_if_cancelled(co_await boost::asio::this_coro::cancellation_state);
  if (!piece) co_return tl::unexpected(transport_->error(request_, piece.error()));
  co_return *piece;
}

Task<Answer<std::string>> Response::read_all(std::size_t limit) {
  std::string body;
  while (true) {
    const auto piece = co_await read(transport_->options().body_timeout);
    if (!piece) co_return tl::unexpected(piece.error());
    if (piece->empty()) co_return body;
    if (body.size() + piece->size() > limit) {
      const Trouble trouble{Trouble::Kind::kBroken,
                            fmt::format("the answer is larger than {} bytes", limit)};
      co_return tl::unexpected(transport_->error(request_, trouble));
    }
    body += *piece;
  }
}

Transport::Transport(Config config, ClientOptions options)
    : config_(std::move(config)),
      options_(std::move(options)),
      server_(config_.server),
      endpoint_(parse_server(config_.server)),
      credentials_(config_, options_.credentials_age) {
  if (options_.user_agent.empty()) options_.user_agent = fmt::format("sextant/{}", version());
}

ApiError Transport::error(const ApiRequest& request, const Trouble& trouble) const {
  return {.error = {.operation = request.verb,
                    .object = request.object,
                    .cause = server_ + ": " + trouble.cause,
                    .hint = trouble.hint}};
}

void Transport::complain(const Trouble& trouble) {
  if (trouble.cause == complaint_) return;
  complaint_ = trouble.cause;
  log::warn("API server {}: {}{}{}", server_, trouble.cause, trouble.hint.empty() ? "" : "; ",
            trouble.hint);
}

void Transport::give_back(std::unique_ptr<Connection> connection, std::uint64_t generation) {
  if (!connection || !connection->reusable()) return;
  kept_.push_front({std::move(connection), generation, Clock::now()});
  if (kept_.size() > options_.kept_connections) kept_.pop_back();
}

std::optional<Transport::Taken> Transport::take_kept() {
  const auto now = Clock::now();
  while (!kept_.empty()) {
    auto kept = std::move(kept_.front());
    kept_.pop_front();
    // Credentials are tied to the connection: made with others, it is of no use any more.
    if (kept.generation == credentials_.generation() && now - kept.since < options_.idle_timeout &&
        kept.connection->is_quiet())
      return Taken{std::move(kept.connection), kept.generation, true};
  }
  return std::nullopt;
}

Task<tl::expected<Transport::Taken, Trouble>> Transport::connect() {
  if (!endpoint_)
    co_return tl::unexpected(Trouble{Trouble::Kind::kUnreachable, endpoint_.error().cause});
  while (true) {
    const auto tls = credentials_.tls(Clock::now());
    if (!tls) {
      const auto& bad = tls.error();
      co_return tl::unexpected(Trouble{Trouble::Kind::kTls, bad.message()});
    }
    Connection::Peer peer{.endpoint = *endpoint_,
                          .server_name = config_.server_name,
                          .verify = !config_.insecure_skip_tls_verify,
                          .tls = tls->context,
                          .timeout = options_.connect_timeout};
    auto opened = co_await Connection::open(std::move(peer));
    if (opened) co_return Taken{std::move(*opened), tls->generation, false};
    // Its certificate may be of a new authority, whose bundle has just been put into place.
    if (opened.error().kind != Trouble::Kind::kCertificate || !credentials_.renew_tls(Clock::now()))
      co_return tl::unexpected(opened.error());
  }
}

Task<tl::expected<Transport::Taken, Trouble>> Transport::exchange(const ApiRequest& request,
                                                                  std::string token,
                                                                  HttpHead& head) {
  HttpRequest message{.method = request.method,
                      .target = endpoint_ ? endpoint_->path + request.target : request.target,
                      .host = endpoint_ ? endpoint_->authority() : std::string(),
                      .content_type = request.content_type,
                      .body = request.body,
                      .token = std::move(token),
                      .user_agent = options_.user_agent};
  if (auto kept = take_kept()) {
    const auto answer = co_await kept->connection->exchange(message, options_.header_timeout);
    if (answer) {
      head = *answer;
      co_return std::move(*kept);
    }
    // The server may have closed it while the request was under way; only what changes nothing is
    // sent twice.
    if (answer.error().kind != Trouble::Kind::kClosed || request.method != "GET")
      co_return tl::unexpected(answer.error());
  }
  auto made = co_await connect();
  if (!made) co_return tl::unexpected(made.error());
  const auto answer = co_await made->connection->exchange(message, options_.header_timeout);
  if (!answer) co_return tl::unexpected(answer.error());
  head = *answer;
  co_return std::move(*made);
}

Task<Answer<std::unique_ptr<Response>>> Transport::attempt(const ApiRequest& request) {
  for (bool again = true;; again = false) {
    auto token = credentials_.token(Clock::now());
    if (!token) co_return tl::unexpected(ApiError{.error = token.error()});
    HttpHead head;
    auto taken = co_await exchange(request, std::move(*token), head);
    throw_if_cancelled(co_await boost::asio::this_coro::cancellation_state);
    ++counts_[{request.verb, request.counted, taken ? head.status : 0}];
    if (!taken) {
      complain(taken.error());
      co_return tl::unexpected(error(request, taken.error()));
    }
    complaint_.clear();
    auto response = std::make_unique<Response>(shared_from_this(), std::move(taken->connection),
                                               request, taken->generation);
    if (is_success(head.status)) co_return response;
    const auto body = co_await response->read_all(kStatusBytes);
    if (head.status != 401 || !again || !credentials_.renew_token(Clock::now()))
      co_return tl::unexpected(read_status(request, head, body ? *body : std::string()));
  }
}

Task<Answer<std::unique_ptr<Response>>> Transport::send(ApiRequest request) {
  const auto self = shared_from_this();  // the Client may go while this waits
  co_return co_await attempt(request);
}

Task<Answer<json::value>> Transport::ask(ApiRequest request) {
  const auto self = shared_from_this();
  auto response = co_await attempt(request);
  if (!response) co_return tl::unexpected(response.error());
  const auto body = co_await (*response)->read_all(options_.answer_bytes);
  if (!body) co_return tl::unexpected(body.error());
  json::error_code bad;
  auto value = parse_json(*body, bad);
  if (bad) {
    const Trouble trouble{Trouble::Kind::kBroken, "the answer is no JSON: " + bad.message()};
    co_return tl::unexpected(error(request, trouble));
  }
  co_return value;
}

}  // namespace sextant::kube
