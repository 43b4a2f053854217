#include "agent/bgp_view.h"

#include <boost/json/value.hpp>
#include <string>

#include "bgp/speaker.h"
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
