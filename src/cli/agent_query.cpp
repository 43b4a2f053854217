#include "cli/agent_query.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <chrono>

#include "agent/http_client.h"

namespace sextant::cli {
namespace {

constexpr std::chrono::seconds kTimeout{30};  // a data plane at work holds the agent's only thread
constexpr unsigned kOk = 200, kBadRequest = 400;

}  // namespace

Result<boost::json::value> ask_agent(const std::string& socket, const std::string& target) {
  namespace json = boost::json;
  const auto reply = agent::http_get(socket, target, kTimeout);
  if (!reply) return tl::unexpected(reply.error());
  json::error_code error;
  auto answer = json::parse(reply->body, error);
  if (error) return failure("ask the agent", target, "its answer is no JSON: " + error.message());
  if (reply->status == kOk) return answer;
  const auto* object = answer.if_object();
  const auto* words = object == nullptr ? nullptr : object->if_contains("error");
  auto reason =
      words != nullptr && words->is_string() ? std::string(words->get_string()) : reply->body;
  if (reply->status == kBadRequest) return tl::unexpected(Error{.cause = std::move(reason)});
  return failure("ask the agent", target,
                 "it answered " + std::to_string(reply->status) + ": " + reason);
}

}  // namespace sextant::cli
