#include "agent/trace_view.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "agent/views.h"
#include "trace/decision.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;

json::string text(std::string_view value) { return json::string(value.data(), value.size()); }

json::object party_view(const trace::Party& party) {
  return {{"address", party.address.to_string()}, {"node", party.node}, {"pod", party.pod}};
}

json::value policy_view(const trace::Decision& decision) {
  if (!decision.path || !decision.policy) return nullptr;
  const auto& policy = *decision.policy;
  json::value active = nullptr;
  json::array others;
  for (const auto& candidate : policy.candidates) {
    auto view = candidate_view(candidate);
    view["reason"] = candidate.active ? decision.candidate_reason : candidate.invalid_reason;
    if (candidate.active)
      active = std::move(view);
    else
      others.emplace_back(std::move(view));
  }
  return {{"color", decision.path->color->value},
          {"bindingSID", policy.binding_sid ? json::value(policy.binding_sid->to_string())
                                            : json::value(nullptr)},
          {"fallback", policy.fallback == overlay::Fallback::kDrop ? "Drop" : "Plain"},
          {"candidatePath", std::move(active)},
          {"otherCandidatePaths", std::move(others)}};
}

json::object decision_view(const trace::Decision& decision) {
  json::object view{{"headend", decision.headend},
                    {"outcome", text(trace::to_string(decision.outcome))},
                    {"reason", decision.reason}};
  view["encapsulationSource"] = decision.encapsulation_source
                                    ? json::value(decision.encapsulation_source->to_string())
                                    : json::value(nullptr);
  view["prefix"] = decision.route ? json::value(decision.route->prefix.to_string()) : nullptr;
  view["endpoint"] = decision.path ? json::value(decision.path->endpoint.to_string()) : nullptr;
  view["policy"] = policy_view(decision);
  view["segmentLists"] = segment_lists_view(decision.lists);
  return view;
}

HttpResponse bad_request(const std::string& message) { return error_response(400, message); }

}  // namespace

HttpResponse trace_answer(const Reconciler& reconciler, const std::string& target) {
  const auto url = boost::urls::parse_origin_form(target);
  if (!url) return bad_request("the path cannot be read: " + url.error().message());
  std::string source, destination;
  std::optional<Family> family;
  for (const auto& parameter : url->params()) {
    if (parameter.key == "source") {
      source = parameter.value;
    } else if (parameter.key == "destination") {
      destination = parameter.value;
    } else if (parameter.key == "family" && parameter.value == to_string(Family::kIpv4)) {
      family = Family::kIpv4;
    } else if (parameter.key == "family" && parameter.value == to_string(Family::kIpv6)) {
      family = Family::kIpv6;
    } else {
      return bad_request("unknown parameter " + parameter.key + "=" + parameter.value +
                         "; there are source, destination, and family (IPv4 or IPv6)");
    }
  }
  if (source.empty() || destination.empty())
    return bad_request("source and destination are needed");
  const auto decisions =
      trace::decide(reconciler.resolver(), reconciler.settings(), source, destination, family);
  if (!decisions) return bad_request(decisions.error().message());
  const json::value answer{{"node", reconciler.settings().node},
                           {"source", party_view(decisions->source)},
                           {"destination", party_view(decisions->destination)},
                           {"forward", decision_view(decisions->forward)},
                           {"reverse", decision_view(decisions->reverse)}};
  return {.status = 200, .body = json::serialize(answer)};
}

}  // namespace sextant::agent
