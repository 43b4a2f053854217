#include "prometheus.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <cerrno>
#include <regex>
#include <sstream>
#include <thread>
#include <utility>

#include "testbed/files.h"
#include "testbed/netns_socket.h"
#include "testbed/process.h"

namespace sextant::metrics {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace json = boost::json;

constexpr std::uint16_t kPort = 9090;
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kAskAgain{50};

std::string key(const std::string& name, const std::map<std::string, std::string>& labels) {
  std::string text;
  for (const auto& [label, value] : labels)
    text +=
        fmt::format("{}{}={}", text.empty() ? "" : ",", label, json::serialize(json::value(value)));
  return text.empty() ? name : name + "{" + text + "}";
}

struct Answer {
  unsigned status = 0;
  std::string body;
};

/// A GET of Prometheus inside the namespace.
Result<Answer> http_get(const std::string& netns, const std::string& target) {
  const auto operation = "ask Prometheus for";
  auto fd = testbed::socket_in_netns(netns, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (!fd) return tl::unexpected(fd.error());
  const timeval limit{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd->get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in server{.sin_family = AF_INET, .sin_port = htons(kPort)};
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd->get(), reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0)
    return system_error(operation, target, errno);
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.assign(asio::ip::tcp::v4(), fd->release());
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, "localhost");
  request.set(http::field::connection, "close");
  boost::system::error_code error;
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::write(socket, request, error);
  if (!error) http::read(socket, buffer, response, error);
  if (error) return failure(operation, target, error.message());
  return Answer{.status = response.result_int(), .body = std::move(response.body())};
}

}  // namespace

Samples read_text(const std::string& text) {
  Samples samples;
  std::istringstream lines(text);
  const std::regex label_pattern(R"re(([a-z_]+)="((?:[^"\\]|\\.)*)")re");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#') || line.starts_with("process_")) continue;
    const auto space = line.rfind(' ');
    const auto series = line.substr(0, space);
    const auto brace = series.find('{');
    const auto name = series.substr(0, brace);
    std::map<std::string, std::string> labels;
    const std::string inside = brace == std::string::npos ? "" : series.substr(brace);
    for (std::sregex_iterator found(inside.begin(), inside.end(), label_pattern), end; found != end;
         ++found)
      labels[(*found)[1]] = (*found)[2];
    if (labels.contains("le")) continue;
    samples[key(name, labels)] = std::stod(line.substr(space));
  }
  return samples;
}

Result<Prometheus> Prometheus::start(const std::string& netns,
                                     const std::filesystem::path& directory,
                                     const std::string& configuration) {
  const auto file = directory / "prometheus.yaml";
  if (auto written = testbed::write_file(file, configuration); !written)
    return tl::unexpected(written.error());
  const auto log = directory / "prometheus.log";
  const auto process =
      testbed::spawn_daemon({.arguments = {"prometheus", "--config.file=" + file.string(),
                                           "--storage.tsdb.path=" + (directory / "tsdb").string(),
                                           fmt::format("--web.listen-address=127.0.0.1:{}", kPort)},
                             .netns = netns},
                            log, directory / "prometheus.pid");
  if (!process) return tl::unexpected(process.error());
  Prometheus server(netns, *process);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto ready = http_get(netns, "/-/ready"); ready && ready->status == 200)
      return server;
    std::this_thread::sleep_for(kAskAgain);  // there is nothing to wait for but its answer
  }
  return failure("start", "prometheus", "it is not ready in time",
                 testbed::read_file(log).value_or(""));
}

Prometheus::Prometheus(Prometheus&& other) noexcept
    : netns_(std::move(other.netns_)), process_(std::exchange(other.process_, 0)) {}

Prometheus::~Prometheus() {
  if (process_ != 0) (void)testbed::end_processes({&process_, 1}, std::chrono::seconds(10));
}

Result<json::value> Prometheus::get(const std::string& target) const {
  const auto answer = http_get(netns_, target);
  if (!answer) return tl::unexpected(answer.error());
  json::error_code error;
  auto body = json::parse(answer->body, error);
  if (error || !body.is_object() || body.at("status") != json::value("success"))
    return failure("ask Prometheus for", target, answer->body);
  return std::move(body.at("data"));
}

Result<json::value> Prometheus::query(const std::string& expression) const {
  auto data =
      get("/api/v1/query?query=" + boost::urls::encode(expression, boost::urls::unreserved_chars));
  if (!data) return data;
  return std::move(data->at("result"));
}

Result<Samples> Prometheus::samples(const std::string& expression) const {
  const auto result = query(expression);
  if (!result) return tl::unexpected(result.error());
  Samples samples;
  for (const auto& sample : result->as_array()) {
    std::map<std::string, std::string> labels;
    for (const auto& [label, value] : sample.at("metric").as_object())
      labels[std::string(label)] = std::string(value.as_string());
    const auto name = labels["__name__"];
    for (const auto* of_target : {"__name__", "job", "instance"}) labels.erase(of_target);
    samples[key(name, labels)] = std::stod(std::string(sample.at("value").at(1).as_string()));
  }
  return samples;
}

}  // namespace sextant::metrics
