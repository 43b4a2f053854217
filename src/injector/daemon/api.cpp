#include "injector/daemon/api.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <utility>

#include "agent/bgp_view.h"
#include "agent/http_paths.h"
#include "injector/daemon/metrics.h"
#include "injector/policy_files.h"
#include "injector/report_json.h"

namespace sextant::injector {
namespace {

namespace json = boost::json;
using agent::error_response;
using agent::HttpMethods;
using agent::HttpPaths;
using agent::HttpRequest;
using agent::HttpResponse;

HttpResponse answer(const json::value& body, unsigned status = 200) {
  return {.status = status, .body = json::serialize(body) + "\n"};
}

json::array names(const std::vector<InjectedPolicy>& policies) {
  json::array all;
  for (const auto& policy : policies) {
    json::object name{{"color", policy.key.color.value},
                      {"endpoint", policy.key.endpoint.to_string()},
                      {"distinguisher", policy.key.distinguisher}};
    if (!policy.name.empty()) name["name"] = policy.name;
    all.push_back(std::move(name));
  }
  return all;
}

HttpResponse answer(const Result<Difference>& change) {
  if (!change) return error_response(507, change.error().message());  // RFC 4918 section 11.5
  return answer(json::object{{"added", names(change->added)},
                             {"changed", names(change->changed)},
                             {"removed", names(change->removed)},
                             {"unchanged", change->unchanged}});
}

HttpResponse policies(const Injector& injector) {
  json::array items;
  for (const auto& report : injector.reports()) items.push_back(to_json(report));
  return answer(json::object{{"items", std::move(items)}});
}

/// The policies of a request; an answer where they are not in order.
tl::expected<std::vector<InjectedPolicy>, HttpResponse> policies_of(const HttpRequest& request) {
  if (request.body.empty())
    return tl::unexpected(error_response(400, "policies are needed in the request's body"));
  auto set = read_policies({{"request", request.body}});
  if (const auto verdict = verdict_of(set); !verdict)
    return tl::unexpected(error_response(400, verdict.error().cause));
  if (!set.unwanted().empty())
    return tl::unexpected(error_response(
        400, "a policy with 'iswithdraw: true' is withdrawn by its key: POST /v1/withdraw"));
  return set.wanted();
}

HttpResponse replace(Injector& injector, const HttpRequest& request) {
  const auto wanted = policies_of(request);
  if (!wanted) return wanted.error();
  if (request.target.ends_with("?dryRun=true")) return answer(injector.preview(*wanted));
  return answer(injector.replace(*wanted));
}

HttpResponse announce(Injector& injector, const HttpRequest& request) {
  const auto wanted = policies_of(request);
  return wanted ? answer(injector.announce(*wanted)) : wanted.error();
}

/// {color, endpoint, distinguisher}
std::optional<PolicyKey> key_of(const json::value& value) {
  const auto* object = value.if_object();
  if (object == nullptr) return std::nullopt;
  const auto number = [&](const char* name) -> std::optional<std::uint32_t> {
    const auto* found = object->if_contains(name);
    if (found == nullptr) return std::nullopt;
    json::error_code error;
    const auto read = found->to_number<std::uint32_t>(error);
    return error ? std::nullopt : std::optional(read);
  };
  const auto color = number("color");
  const auto distinguisher = number("distinguisher");
  const auto* endpoint = object->if_contains("endpoint");
  if (!color || !distinguisher || endpoint == nullptr || !endpoint->is_string())
    return std::nullopt;
  const auto address = IpAddress::parse(std::string(endpoint->get_string()));
  if (!address) return std::nullopt;
  return PolicyKey{
      .distinguisher = *distinguisher, .color = srv6::Color{*color}, .endpoint = *address};
}

HttpResponse withdraw(Injector& injector, const HttpRequest& request) {
  json::error_code error;
  const auto body = json::parse(request.body, error);
  const auto* object = error ? nullptr : body.if_object();
  const auto* list = object == nullptr ? nullptr : object->if_contains("keys");
  if (list == nullptr || !list->is_array())
    return error_response(400, "the body is not {\"keys\": [...]}");
  std::vector<PolicyKey> keys;
  for (const auto& item : list->get_array()) {
    const auto key = key_of(item);
    if (!key)
      return error_response(
          400, json::serialize(item) + " is no key: color, endpoint and distinguisher are needed");
    keys.push_back(*key);
  }
  return answer(injector.withdraw(keys));
}

/// A policy that was sent to nobody is a reason.
HttpResponse healthz(const Injector& injector) {
  json::array reasons;
  for (const auto& peer : injector.speaker().peers()) {
    if (peer.state == bgp::State::kEstablished || !peer.config.enabled) continue;
    reasons.push_back(json::value("BGP peer " + peer.address.to_string() + ": " +
                                  std::string(to_string(peer.state)) +
                                  (peer.last_error.empty() ? "" : ", " + peer.last_error)));
  }
  const bool healthy = reasons.empty();
  return answer(json::object{{"healthy", healthy}, {"reasons", std::move(reasons)}},
                healthy ? 200 : 503);
}

HttpResponse watch(Injector& injector) {
  return {.content_type = "application/x-ndjson", .stream = injector.watch()};
}

HttpPaths numbers_only(Injector& injector) {
  const auto yes = [](const char* what) {
    return [what](const HttpRequest&) { return answer(json::object{{what, true}}); };
  };
  return {{"/livez", {{"GET", yes("alive")}}},
          {"/readyz", {{"GET", yes("ready")}}},
          {"/metrics",
           {{"GET", [&injector](const HttpRequest&) { return metrics_response(injector); }}}}};
}

}  // namespace

agent::HttpHandler make_api(Injector& injector) {
  auto paths = numbers_only(injector);
  const auto get = [](auto call) {
    return HttpMethods{{"GET", [call](const HttpRequest&) { return call(); }}};
  };
  paths["/healthz"] = get([&injector] { return healthz(injector); });
  paths["/v1/bgp/peers"] =
      get([&injector] { return answer(agent::speaker_peers_view(injector.speaker())); });
  paths["/v1/bgp/rejected"] =
      get([&injector] { return answer(agent::speaker_rejected_view(injector.speaker())); });
  paths["/v1/watch"] = get([&injector] { return watch(injector); });
  paths["/v1/policies"] = get([&injector] { return policies(injector); });
  paths["/v1/policies"]["PUT"] = [&injector](const HttpRequest& request) {
    return replace(injector, request);
  };
  paths["/v1/policies"]["POST"] = [&injector](const HttpRequest& request) {
    return announce(injector, request);
  };
  paths["/v1/withdraw"]["POST"] = [&injector](const HttpRequest& request) {
    return withdraw(injector, request);
  };
  return agent::serve(std::move(paths));
}

agent::HttpHandler make_metrics_api(Injector& injector) {
  return agent::serve(numbers_only(injector));
}

}  // namespace sextant::injector
