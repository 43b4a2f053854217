#include "agent/source_view.h"

#include <boost/json/value.hpp>
#include <string>

#include "agent/time_text.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;
using sources::FollowedKind;
using sources::ServerState;

json::value server_view(const std::optional<ServerState>& server) {
  if (!server) return nullptr;
  json::array kinds;
  for (const auto& kind : server->kinds)
    kinds.push_back({{"kind", kind.kind},
                     {"resource", kind.resource},
                     {"installed", kind.installed},
                     {"synced", kind.synced},
                     {"objects", kind.objects},
                     {"lists", kind.lists},
                     {"watches", kind.watches},
                     {"error", kind.error}});
  std::uint64_t requests = 0;
  for (const auto& request : server->requests) requests += request.count;
  return {{"url", server->url},
          {"reachable", server->reachable},
          {"since", server->since ? json::value(time_text(*server->since)) : nullptr},
          {"error", server->error},
          {"ipam", server->ipam},
          {"requests", requests},
          {"kinds", std::move(kinds)}};
}

template <typename Value>
void write_kinds(MetricText& text, const ServerState& server, Value FollowedKind::*member) {
  for (const auto& kind : server.kinds)
    text.add({{"kind", kind.kind}}, static_cast<double>(kind.*member));
}

}  // namespace

json::object source_view(const sources::SourceState& source) {
  return {{"kind", source.kind},
          {"path", source.place},
          {"loaded", source.loaded},
          {"server", server_view(source.server)}};
}

void write_source(MetricText& text, const sources::SourceState& source) {
  text.gauge("sextant_source_loaded", "Whether the source could be read at least once.",
             source.loaded ? 1 : 0);
  if (!source.server) return;
  const auto& server = *source.server;
  text.gauge("sextant_api_server_reachable",
             "Whether the Kubernetes API server answers; without it, forwarding goes on as it is.",
             server.reachable ? 1 : 0);
  text.gauge("sextant_source_kind_synced",
             "Whether all objects of the kind were read at least once.");
  write_kinds(text, server, &FollowedKind::synced);
  text.gauge(
      "sextant_source_kind_followed",
      "Whether the kind is followed right now; if not, what was read before stays in force.");
  for (const auto& kind : server.kinds)
    text.add({{"kind", kind.kind}}, kind.error.empty() ? 1.0 : 0.0);
  text.gauge("sextant_source_objects", "Objects that the source holds, by kind.");
  write_kinds(text, server, &FollowedKind::objects);
  text.counter("sextant_source_lists_total",
               "Complete readings of a kind: more than one where watches could not be resumed.");
  write_kinds(text, server, &FollowedKind::lists);
  text.counter("sextant_source_watches_total",
               "Watches begun; the API server ends each after some minutes.");
  write_kinds(text, server, &FollowedKind::watches);
  text.counter("sextant_api_requests_total",
               "Requests to the Kubernetes API, by outcome; code 0: no answer.");
  for (const auto& request : server.requests)
    text.add({{"verb", request.verb},
              {"resource", request.resource},
              {"code", std::to_string(request.code)}},
             request.count);
}

}  // namespace sextant::agent
