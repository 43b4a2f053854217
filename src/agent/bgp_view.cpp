#include "agent/bgp_view.h"

#include <boost/json/value.hpp>
#include <string>

#include "bgp/rib/nlri_key.h"
#include "bgp/speaker.h"
#include "bgp/wire/link_state_policy.h"
#include "sources/bgp/bgp_source.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;

json::value items(json::array array) { return json::object{{"items", std::move(array)}}; }

const bgp::Speaker* speaker_of(const bgp_source::BgpSource* source) {
  return source == nullptr ? nullptr : source->speaker();
}

std::string_view convention(bgp::SrPolicyDialect dialect) {
  switch (dialect) {
    case bgp::SrPolicyDialect::kStandard:
      return "Standard";
    case bgp::SrPolicyDialect::kCalicoVpp:
      return "CalicoVPP";
    case bgp::SrPolicyDialect::kOldCalicoVpp:
      return "OldCalicoVPP";
  }
  return "";
}

template <typename T>
json::value seconds_of(const std::optional<T>& time) {
  return time ? json::value(time->count()) : json::value();
}

json::object messages(const bgp::MessageCounters& counters) {
  return {{"updates", counters.updates},
          {"keepalives", counters.keepalives},
          {"notifications", counters.notifications},
          {"bytes", counters.bytes}};
}

json::object peer_view(const bgp::PeerInfo& peer) {
  json::array families;
  for (const auto& family : peer.families) {
    families.push_back({{"family", to_string(family.family)},
                        {"negotiated", family.negotiated},
                        {"received", family.received},
                        {"stale", family.stale},
                        {"endOfRIBReceived", family.end_of_rib_received}});
  }
  const auto asn = peer.negotiated ? peer.negotiated->remote_as : peer.config.remote_as;
  return {{"address", peer.address.to_string()},
          {"description", peer.config.description},
          {"asn", asn},
          {"convention", convention(peer.config.dialect)},
          {"dynamic", peer.dynamic},
          {"state", to_string(peer.state)},
          {"upForSeconds", seconds_of(peer.up_for)},
          {"identifier",
           peer.negotiated ? json::value(peer.negotiated->remote_id.to_string()) : json::value()},
          {"families", std::move(families)},
          {"messagesReceived", messages(peer.counters.received)},
          {"messagesSent", messages(peer.counters.sent)},
          {"sessions", peer.counters.established},
          {"treatedAsWithdraw", peer.counters.treated_as_withdraw},
          {"lastError", peer.last_error},
          {"lastErrorAgoSeconds", seconds_of(peer.last_error_ago)}};
}

json::object service_view(const bgp::ServiceSid& service) {
  return {{"sid", service.sid.to_string()}, {"behavior", to_string(service.behavior)}};
}

json::value policy_view(const bgp::Attributes& attributes) {
  if (attributes.tunnel_encapsulation.empty()) return {};
  const auto tunnel = bgp::decode_sr_policy(attributes.tunnel_encapsulation);
  if (!tunnel) return {};
  json::array lists;
  for (const auto& list : tunnel->lists) {
    json::array segments;
    for (const auto& segment : list.segments) segments.emplace_back(segment.sid.to_string());
    lists.push_back({{"segments", std::move(segments)}, {"weight", list.weight.value_or(1)}});
  }
  const auto sid = tunnel->srv6_bsid();
  return json::object{
      {"preference", tunnel->preference ? json::value(*tunnel->preference) : json::value()},
      {"priority", tunnel->priority ? json::value(*tunnel->priority) : json::value()},
      {"bindingSID", sid ? json::value(sid->to_string()) : json::value()},
      {"segmentLists", std::move(lists)}};
}

/// Why this headend makes no use of the best path; null where it does.
json::value unusable(const bgp_source::BgpSource& source, bgp::Family family,
                     const bgp::RouteKey& key) {
  if (family.safi != bgp::Safi::kSrPolicy) return {};
  const auto found = source.book().unusable().find(bgp::sr_policy_nlri(key));
  return found == source.book().unusable().end() ? json::value()
                                                 : json::value(found->second.reason);
}

/// What a headend says of a candidate path (RFC 9857); null of other routes.
json::value path_state_view(bgp::Family family, const bgp::Attributes& attributes) {
  if (family != bgp::kLinkState || attributes.link_state.empty()) return {};
  const auto state = bgp::decode_policy_path_state(attributes.link_state);
  if (!state) return {};
  return json::object{{"evaluated", state->has(bgp::kPathEvaluated)},
                      {"valid", state->has(bgp::kPathValid)},
                      {"active", state->has(bgp::kPathActive)},
                      {"reason", state->reason}};
}

json::object route_view(const bgp_source::BgpSource& source, bgp::Family family, bgp::EntryId entry,
                        std::size_t index) {
  const auto& speaker = *source.speaker();
  const auto& rib = speaker.rib();
  const auto& table = rib.table(family);
  const auto& path = table.paths(entry)[index];
  const bool best = index == 0 && table.has_best(entry);
  const auto key = table.key(entry);
  const auto attributes = rib.pool()[path.attributes].decode().attributes;
  const auto peer = speaker.address_of(path.peer);
  const auto color = attributes.color();
  json::value service;
  if (!attributes.prefix_sid.empty()) {
    const auto sids = bgp::decode_prefix_sid(attributes.prefix_sid);
    if (sids && !sids->l3_services.empty()) service = service_view(sids->l3_services.front());
  }
  return {{"family", to_string(family)},
          {"route", rib.name_of(family, key)},
          {"peer", peer ? json::value(peer->to_string()) : json::value()},
          {"best", best},
          {"reason", best ? json::value(to_string(rib.reason(family, entry))) : json::value()},
          {"stale", rib.is_stale(family, path)},
          {"nextHop", rib.pool().next_hop(path.attributes).address.to_string()},
          {"localPreference", rib.pool()[path.attributes].decision().local_pref},
          {"asPath", attributes.as_path.to_string()},
          {"color", color ? json::value(color->color.value) : json::value()},
          {"serviceSID", std::move(service)},
          {"policy", policy_view(attributes)},
          {"pathState", path_state_view(family, attributes)},
          {"unusable", best ? unusable(source, family, key) : json::value()}};
}

}  // namespace

json::value speaker_peers_view(const bgp::Speaker& speaker) {
  json::array peers;
  for (const auto& peer : speaker.peers()) peers.push_back(peer_view(peer));
  const auto listening = speaker.listening();
  return json::object{{"asn", speaker.config().asn},
                      {"identifier", speaker.config().router_id.to_string()},
                      {"listening", json::array(listening.begin(), listening.end())},
                      {"converged", speaker.converged()},
                      {"items", std::move(peers)}};
}

json::value bgp_peers_view(const bgp_source::BgpSource* source) {
  const auto* const speaker = speaker_of(source);
  return speaker == nullptr ? items({}) : speaker_peers_view(*speaker);
}

json::value bgp_routes_view(const bgp_source::BgpSource* source) {
  const auto* const speaker = speaker_of(source);
  json::array routes;
  if (speaker == nullptr) return items(std::move(routes));
  for (const auto family : bgp::kFamilies) {
    const auto& table = speaker->rib().table(family);
    for (std::uint32_t i = 0; i < table.end(); ++i) {
      const bgp::EntryId entry{i};
      if (!table.in_use(entry)) continue;
      for (std::size_t path = 0; path < table.paths(entry).size(); ++path) {
        routes.push_back(route_view(*source, family, entry, path));
      }
    }
  }
  return items(std::move(routes));
}

json::value speaker_rejected_view(const bgp::Speaker& speaker) {
  json::array routes;
  for (const auto& route : speaker.rib().rejected().routes()) {
    const auto peer = speaker.address_of(route.peer);
    routes.push_back({{"family", to_string(route.family)},
                      {"route", speaker.rib().name_of(route.family, route.key)},
                      {"peer", peer ? json::value(peer->to_string()) : json::value()},
                      {"reason", route.reason}});
  }
  return json::object{{"total", speaker.rib().rejected().total()}, {"items", std::move(routes)}};
}

json::value bgp_rejected_view(const bgp_source::BgpSource* source) {
  const auto* const speaker = speaker_of(source);
  return speaker == nullptr ? items({}) : speaker_rejected_view(*speaker);
}

}  // namespace sextant::agent
