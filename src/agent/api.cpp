#include "agent/api.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <utility>

#include "agent/bgp_routes.h"
#include "agent/bgp_view.h"
#include "agent/http_paths.h"
#include "agent/http_stream.h"
#include "agent/trace_view.h"
#include "sources/bgp/bgp_source.h"

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

// What probes ask. Alive: the loop answers, whatever else is wrong; a restart would mend nothing
// more. Ready: what is wanted has been put into force as a whole; single objects that cannot be
// (/healthz) are no reason to stop a roll-out.
HttpResponse livez() { return answer({{"alive", true}}); }

HttpResponse readyz(const Reconciler& reconciler, const SourceState& source) {
  const bool ready = source.loaded && reconciler.begun() && !reconciler.failure();
  return answer({{"ready", ready}}, ready ? 200 : 503);
}

HttpResponse sids(Reconciler& reconciler) {
  const auto counters = reconciler.dataplane().counters();
  if (!counters) return error_response(500, counters.error().message());
  return answer(sids_view(reconciler, *counters));
}

HttpResponse bgp_routes(const bgp_source::BgpSource* bgp) {
  BgpRoutesBody body(bgp == nullptr ? nullptr : bgp->speaker(),
                     bgp == nullptr ? nullptr : &bgp->book());
  return {.stream = std::make_shared<HttpStream>(
              [body = std::move(body)]() mutable { return body.next(); })};
}

// Nothing is changed through this API.
HttpHandler serve_get(const std::map<std::string, HttpAnswer>& answers) {
  HttpPaths paths;
  for (const auto& [path, call] : answers) paths[path]["GET"] = call;
  return serve(std::move(paths));
}

}  // namespace

HttpHandler make_api(Reconciler& reconciler, std::function<SourceState()> source, Metrics& metrics,
                     const bgp_source::BgpSource* bgp) {
  // Most answers depend on nothing that the request says.
  const auto always = [](const auto& call) {
    return [call](const HttpRequest&) { return call(); };
  };
  return serve_get({
      {"/healthz", always([&reconciler, source] { return healthz(reconciler, source()); })},
      {"/livez", always([] { return livez(); })},
      {"/readyz", always([&reconciler, source] { return readyz(reconciler, source()); })},
      {"/metrics", always([&reconciler, &metrics, source] {
         return metrics_response(metrics, reconciler, source());
       })},
      {"/v1/status",
       always([&reconciler, source] { return answer(status_view(reconciler, source())); })},
      {"/v1/sids", always([&reconciler] { return sids(reconciler); })},
      {"/v1/policies", always([&reconciler] { return answer(policies_view(reconciler)); })},
      {"/v1/routes", always([&reconciler] { return answer(routes_view(reconciler)); })},
      {"/v1/nodes", always([&reconciler] { return answer(nodes_view(reconciler)); })},
      {"/v1/bgp/peers", always([bgp] { return answer(bgp_peers_view(bgp)); })},
      {"/v1/bgp/routes", always([bgp] { return bgp_routes(bgp); })},
      {"/v1/bgp/rejected", always([bgp] { return answer(bgp_rejected_view(bgp)); })},
      {"/v1/trace",
       [&reconciler](const HttpRequest& request) {
         return trace_answer(reconciler, request.target);
       }},
  });
}

HttpHandler make_metrics_api(Reconciler& reconciler, std::function<SourceState()> source,
                             Metrics& metrics) {
  return serve_get({
      {"/livez", [](const HttpRequest&) { return livez(); }},
      {"/readyz",
       [&reconciler, source](const HttpRequest&) { return readyz(reconciler, source()); }},
      {"/metrics",
       [&reconciler, &metrics, source](const HttpRequest&) {
         return metrics_response(metrics, reconciler, source());
       }},
  });
}

}  // namespace sextant::agent
