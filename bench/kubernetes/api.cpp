#include "kubernetes/api.h"

#include <fmt/format.h>

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <stdexcept>

#include "common/program.h"
#include "kubernetes/tls_stream.h"
#include "testbed/netns_socket.h"

namespace sextant::bench {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

asio::ssl::context tls_context(const ApiAccess& access) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  tls.load_verify_file(access.ca.string());
  tls.set_verify_mode(asio::ssl::verify_peer);
  return tls;
}

TlsStream connect_tls(asio::io_context& io, asio::ssl::context& tls, const ApiAccess& access) {
  TlsStream stream(io, tls);
  auto fd = must(testbed::socket_in_netns(access.from->name(), AF_INET6, SOCK_STREAM, 0));
  stream.next_layer().assign(asio::ip::tcp::v6(), fd.get());
  (void)fd.release();
  stream.next_layer().connect({asio::ip::make_address(access.address), access.port});
  stream.next_layer().set_option(asio::ip::tcp::no_delay(true));
  stream.handshake(asio::ssl::stream_base::client);
  return stream;
}

std::string host_header(const ApiAccess& access) {
  return fmt::format("[{}]:{}", access.address, access.port);
}

struct Api::State {
  explicit State(const ApiAccess& to)
      : access(to), tls(tls_context(to)), stream(connect_tls(io, tls, to)) {}

  ApiAccess access;
  asio::io_context io;
  asio::ssl::context tls;
  TlsStream stream;
  beast::flat_buffer buffer;
};

Api::Api(const ApiAccess& access) {
  try {
    state_ = std::make_unique<State>(access);
  } catch (const std::exception& error) {
    throw std::runtime_error(
        fmt::format("cannot connect to {}: {}", host_header(access), error.what()));
  }
}
Api::~Api() = default;
Api::Api(Api&&) noexcept = default;

ApiReply Api::request(std::string_view verb, const std::string& target, const std::string& body,
                      std::string_view type) {
  http::request<http::string_body> request;
  request.method_string({verb.data(), verb.size()});
  request.target(target);
  request.version(11);
  request.set(http::field::host, host_header(state_->access));
  request.set(http::field::authorization, "Bearer " + state_->access.token);
  request.set(http::field::user_agent, "sextant-bench");
  if (!body.empty()) {
    request.set(http::field::content_type, {type.data(), type.size()});
    request.body() = body;
  }
  request.prepare_payload();
  http::response_parser<http::string_body> response;
  response.body_limit(boost::none);
  try {
    http::write(state_->stream, request);
    http::read(state_->stream, state_->buffer, response);
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error(fmt::format("{} {}: {}", verb, target, error.what()));
  }
  return {.status = static_cast<int>(response.get().result_int()),
          .body = std::move(response.get().body())};
}

std::string Api::expect(std::string_view verb, const std::string& target, const std::string& body,
                        std::string_view type) {
  ApiReply reply = request(verb, target, body, type);
  if (reply.status / 100 != 2) {
    throw std::runtime_error(
        fmt::format("{} {}: {} {}", verb, target, reply.status, reply.body.substr(0, 500)));
  }
  return std::move(reply.body);
}

}  // namespace sextant::bench
