#include "kube/client.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "kube/backoff.h"
#include "kube/json_text.h"
#include "kube/lister.h"
#include "kube/transport.h"

namespace sextant::kube {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

ApiRequest about(const ObjectRef& ref, std::string verb, std::string method,
                 const std::string& subresource = {}) {
  auto counted = to_string(ref.resource);
  if (!subresource.empty()) counted += "/" + subresource;
  return {.verb = std::move(verb),
          .object = to_string(ref),
          .counted = std::move(counted),
          .method = std::move(method),
          .target = object_path(ref, subresource)};
}

void set_body(ApiRequest& request, const json::value& body, std::string content_type) {
  request.body = json::serialize(body);
  request.content_type = std::move(content_type);
}

}  // namespace

Client::Client(asio::io_context& io, Config config, ClientOptions options)
    : io_(io), transport_(std::make_shared<Transport>(std::move(config), std::move(options))) {}

Client::~Client() = default;

Task<Answer<json::value>> Client::get(ObjectRef ref) {
  return transport_->ask(about(ref, "get", "GET"));
}

Task<Answer<json::value>> Client::get_cached(ObjectRef ref) {
  auto request = about(ref, "get", "GET");
  add_query(request.target, "resourceVersion", "0");
  return transport_->ask(std::move(request));
}

Task<Answer<json::array>> Client::list(Resource resource) {
  return list(std::move(resource), {}, {});
}

Task<Answer<json::array>> Client::list(Resource resource, std::string ns, Selectors selectors) {
  json::array items;
  ListQuery query{
      .resource = std::move(resource), .ns = std::move(ns), .selectors = std::move(selectors)};
  Lister lister{.begin = [&items] { items.clear(); },
                .item = [&items](const json::object& item) { items.emplace_back(item); }};
  const auto transport = transport_;
  const auto version = co_await list_all(transport, std::move(query), std::move(lister));
  if (!version) co_return tl::unexpected(version.error());
  co_return items;
}

Task<Answer<json::value>> Client::create(Resource resource, std::string ns, json::value object) {
  const auto* const metadata = member(object, "metadata");
  const auto name = metadata == nullptr ? std::string() : text_member(*metadata, "name");
  ApiRequest request{
      .verb = "create",
      .object = name.empty() ? to_string(resource) : to_string(ObjectRef{resource, ns, name}),
      .counted = to_string(resource),
      .method = "POST",
      .target = collection_path(resource, ns)};
  set_body(request, object, "application/json");
  return transport_->ask(std::move(request));
}

Task<Answer<json::value>> Client::apply(ObjectRef ref, json::value object, ApplyOptions options) {
  auto request = about(ref, "apply", "PATCH", options.subresource);
  add_query(request.target, "fieldManager", options.field_manager);
  if (options.force) add_query(request.target, "force", "true");
  set_body(request, object, "application/apply-patch+yaml");  // JSON is YAML
  return transport_->ask(std::move(request));
}

Task<Answer<json::value>> Client::patch(ObjectRef ref, json::value merge_patch,
                                        std::string subresource) {
  auto request = about(ref, "patch", "PATCH", subresource);
  set_body(request, merge_patch, "application/merge-patch+json");
  return transport_->ask(std::move(request));
}

Task<Answer<json::value>> Client::update(ObjectRef ref, json::value object,
                                         std::string subresource) {
  auto request = about(ref, "update", "PUT", subresource);
  set_body(request, object, "application/json");
  return transport_->ask(std::move(request));
}

Task<Answer<json::value>> Client::remove(ObjectRef ref) { return remove(std::move(ref), {}); }

Task<Answer<json::value>> Client::remove(ObjectRef ref, Preconditions preconditions) {
  auto request = about(ref, "delete", "DELETE");
  json::object options{
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"propagationPolicy", "Background"}};
  json::object conditions;
  if (!preconditions.uid.empty()) conditions["uid"] = preconditions.uid;
  if (!preconditions.resource_version.empty())
    conditions["resourceVersion"] = preconditions.resource_version;
  if (!conditions.empty()) options["preconditions"] = std::move(conditions);
  set_body(request, std::move(options), "application/json");
  return transport_->ask(std::move(request));
}

const RequestCounts& Client::counts() const { return transport_->counts(); }
const std::string& Client::server() const { return transport_->server(); }
asio::io_context& Client::io() { return io_; }

Task<Answer<json::value>> retry_on_conflict(std::function<Task<Answer<json::value>>()> attempt,
                                            int tries) {
  Backoff backoff(std::chrono::milliseconds(10), std::chrono::seconds(1));
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor);
  while (true) {
    auto answer = co_await attempt();
    if (answer || !answer.error().conflict() || --tries <= 0) co_return answer;
    timer.expires_after(backoff.next());
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace sextant::kube
