#include "agent/api.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>

#include "agent/trace_view.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;

HttpResponse answer(const json::value& body, unsigned status = 200) {
  return {.status = status, .body = json::serialize(body)};
}

HttpResponse healthz(const Reconciler& reconciler, const SourceState& source) {
  const auto reasons = unhealthy_reasons(reconciler, source);
  return answer(
      {{"healthy", reasons.empty()}, {"reasons", json::array(reasons.begin(), reasons.end())}},
      reasons.empty() ? 200 : 503);
}

HttpResponse sids(Reconciler& reconciler) {
  const auto counters = reconciler.dataplane().counters();
  if (!counters) return error_response(500, counters.error().message());
  return answer(sids_view(reconciler, *counters));
}

}  // namespace

HttpHandler make_api(Reconciler& reconciler, std::function<SourceState()> source) {
  using Answer = std::function<HttpResponse(const HttpRequest&)>;
  const std::map<std::string, Answer, std::less<>> paths{
      {"/healthz",
       [&reconciler, source](const HttpRequest&) { return healthz(reconciler, source()); }},
      {"/v1/status", [&reconciler, source](
                         const HttpRequest&) { return answer(status_view(reconciler, source())); }},
      {"/v1/sids", [&reconciler](const HttpRequest&) { return sids(reconciler); }},
      {"/v1/policies",
       [&reconciler](const HttpRequest&) { return answer(policies_view(reconciler)); }},
      {"/v1/routes", [&reconciler](const HttpRequest&) { return answer(routes_view(reconciler)); }},
      {"/v1/nodes", [&reconciler](const HttpRequest&) { return answer(nodes_view(reconciler)); }},
      {"/v1/trace",
       [&reconciler](const HttpRequest& request) {
         return trace_answer(reconciler, request.target);
       }},
  };
  return [paths](const HttpRequest& request) {
    const auto path = std::string_view(request.target).substr(0, request.target.find('?'));
    const auto found = paths.find(path);
    if (found == paths.end()) {
      std::string known;
      for (const auto& [name, unused] : paths) known += (known.empty() ? "" : ", ") + name;
      return error_response(404, "no such path; there are " + known);
    }
    if (request.method != "GET") {
      auto refusal = error_response(405, "only GET is allowed");
      refusal.allow = "GET";
      return refusal;
    }
    return found->second(request);
  };
}

}  // namespace sextant::agent
