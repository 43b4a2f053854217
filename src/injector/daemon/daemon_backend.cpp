#include "injector/daemon/daemon_backend.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <utility>

#include "agent/http_client.h"
#include "injector/report_json.h"

namespace sextant::injector {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kTimeout{60};
constexpr agent::HttpServerWords kWords{
    .operation = "reach the injector at",
    .when_silent = "is it stopped or busy? see its log",
    .when_absent =
        "start it (sextantd --injector FILE), name its socket with --socket, or a GoBGP "
        "daemon with -u and -p"};

/// The words of {"error": ...}, else the answer as it is.
std::string words_of(const std::string& body) {
  json::error_code error;
  const auto answer = json::parse(body, error);
  const auto* object = error ? nullptr : answer.if_object();
  const auto* words = object == nullptr ? nullptr : object->if_contains("error");
  return words != nullptr && words->is_string() ? std::string(words->get_string()) : body;
}

class DaemonBackend final : public Backend {
 public:
  explicit DaemonBackend(std::string socket) : socket_(std::move(socket)) {}

  Result<std::vector<PolicyReport>> list() override {
    const auto answer = ask({.target = "/v1/policies"});
    if (!answer) return tl::unexpected(answer.error());
    return read_reports(*answer);
  }

  Result<void> announce(const std::vector<InjectedPolicy>& policies) override {
    return done(
        ask({.method = "POST", .target = "/v1/policies", .body = documents_text(policies)}));
  }

  Result<void> replace(const std::vector<InjectedPolicy>& policies) override {
    return done(ask({.method = "PUT", .target = "/v1/policies", .body = documents_text(policies)}));
  }

  Result<void> withdraw(const std::vector<PolicyKey>& keys) override {
    json::array list;
    for (const auto& key : keys)
      list.push_back(json::object{{"color", key.color.value},
                                  {"endpoint", key.endpoint.to_string()},
                                  {"distinguisher", key.distinguisher}});
    return done(ask({.method = "POST",
                     .target = "/v1/withdraw",
                     .body = json::serialize(json::value{{"keys", std::move(list)}})}));
  }

  Result<void> watch(const std::function<bool(const PolicyEvent&)>& event) override {
    std::string waiting;
    Result<void> outcome;
    const auto take = [&](std::string_view piece) {
      waiting += piece;
      std::size_t begin = 0;
      for (auto end = waiting.find('\n'); end != std::string::npos;
           begin = end + 1, end = waiting.find('\n', begin)) {
        const auto read = read_event(waiting.substr(begin, end - begin));
        if (!read) outcome = tl::unexpected(read.error());
        if (!read || !event(*read)) return false;
      }
      waiting.erase(0, begin);
      return true;
    };
    const auto reply = agent::http_follow(socket_, "/v1/watch", take, kWords);
    if (!reply) return tl::unexpected(reply.error());
    if (reply->status != 200) return refused(*reply);
    return outcome;
  }

 private:
  [[nodiscard]] tl::unexpected<Error> refused(const agent::HttpReply& reply) const {
    return failure("ask the injector at", socket_, words_of(reply.body));
  }
  [[nodiscard]] Result<std::string> ask(const agent::HttpCall& call) const {
    auto reply = agent::http_call(socket_, call, kTimeout, kWords);
    if (!reply) return tl::unexpected(reply.error());
    if (reply->status != 200) return refused(*reply);
    return std::move(reply->body);
  }
  [[nodiscard]] static Result<void> done(const Result<std::string>& answer) {
    if (!answer) return tl::unexpected(answer.error());
    return {};
  }

  std::string socket_;
};

}  // namespace

std::unique_ptr<Backend> daemon_backend(std::string socket) {
  return std::make_unique<DaemonBackend>(std::move(socket));
}

}  // namespace sextant::injector
