#include "kubernetes/watchers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <list>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "common/program.h"
#include "kubernetes/tls_stream.h"

namespace sextant::bench {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kLookAgain{5};

struct Watch {
  TlsStream stream;
  std::array<char, 16'384> buffer;
};

}  // namespace

struct Watchers::State {
  explicit State(const ApiAccess& access) : tls(tls_context(access)) {}

  void read(Watch& watch) {
    watch.stream.async_read_some(
        asio::buffer(watch.buffer),
        [this, &watch](const boost::system::error_code& error, std::size_t size) {
          bytes += size;
          // An event is one line of JSON; lines of HTTP's chunks end in CR LF.
          const std::string_view text(watch.buffer.data(), size);
          char before = '\0';
          for (const char each : text) {
            if (each == '\n' && before != '\r') ++events;
            before = each;
          }
          if (!error) read(watch);
        });
  }

  asio::io_context io;
  asio::ssl::context tls;
  std::list<Watch> watches;
  std::atomic<std::size_t> events = 0, bytes = 0;
  std::jthread thread;
};

Watchers::Watchers(const ApiAccess& access, const std::string& collection, std::size_t count)
    : state_(std::make_unique<State>(access)) {
  Api api(access);
  const auto list = boost::json::parse(api.expect("GET", collection + "?limit=1"));
  const std::string version(list.at("metadata").at("resourceVersion").as_string());
  const std::string request = fmt::format(
      "GET {}?watch=1&resourceVersion={} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
      collection, version, host_header(access), access.token);
  for (std::size_t i = 0; i < count; ++i) {
    check_interruption();
    auto& watch = state_->watches.emplace_back(connect_tls(state_->io, state_->tls, access));
    asio::write(watch.stream, asio::buffer(request));
    std::string header;
    asio::read_until(watch.stream, asio::dynamic_buffer(header), "\r\n\r\n");
    if (!header.starts_with("HTTP/1.1 200")) {
      throw std::runtime_error("a watch was answered " + header.substr(0, header.find('\r')));
    }
    state_->read(watch);
  }
  state_->thread = std::jthread([this] { state_->io.run(); });
}

Watchers::~Watchers() { state_->io.stop(); }

std::size_t Watchers::events() const { return state_->events; }
std::size_t Watchers::bytes() const { return state_->bytes; }

void Watchers::await(std::size_t wanted) const {
  for (const auto end = std::chrono::steady_clock::now() + kPatience; events() < wanted;
       std::this_thread::sleep_for(kLookAgain)) {
    check_interruption();
    if (std::chrono::steady_clock::now() > end) {
      throw std::runtime_error(fmt::format("{} events of {} came", events(), wanted));
    }
  }
}

}  // namespace sextant::bench
