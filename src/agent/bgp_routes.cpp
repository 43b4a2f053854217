#include "agent/bgp_routes.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "bgp/rib/nlri_key.h"
#include "bgp/speaker.h"
#include "bgp/wire/link_state_policy.h"
#include "sources/bgp/route_book.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kPathsAPiece = 500;  // some milliseconds' work

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
json::value unusable(const bgp_source::RouteBook& book, bgp::Family family,
                     const bgp::RouteKey& key) {
  if (family.safi != bgp::Safi::kSrPolicy) return {};
  const auto found = book.unusable().find(bgp::sr_policy_nlri(key));
  return found == book.unusable().end() ? json::value() : json::value(found->second.reason);
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

json::object route_view(const bgp::Speaker& speaker, const bgp_source::RouteBook& book,
                        bgp::Family family, bgp::EntryId entry, std::size_t index) {
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
          {"unusable", best ? unusable(book, family, key) : json::value()}};
}

}  // namespace

std::string BgpRoutesBody::next() {
  if (ended_) return {};
  std::string piece = begun_ ? "" : "{\"items\":[";
  begun_ = true;
  std::size_t paths = 0;
  for (; speaker_ != nullptr && family_ < std::size(bgp::kFamilies); ++family_, entry_ = 0) {
    const auto& table = speaker_->rib().table(bgp::kFamilies[family_]);
    for (; entry_ < table.end(); ++entry_) {
      if (paths >= kPathsAPiece) return piece;
      paths += append(bgp::EntryId{entry_}, piece);
    }
  }
  ended_ = true;
  return piece + "]}";
}

std::size_t BgpRoutesBody::append(bgp::EntryId entry, std::string& piece) {
  const auto family = bgp::kFamilies[family_];
  const auto& table = speaker_->rib().table(family);
  if (!table.in_use(entry)) return 0;
  const auto count = table.paths(entry).size();
  for (std::size_t index = 0; index < count; ++index) {
    if (std::exchange(some_, true)) piece += ',';
    piece += json::serialize(route_view(*speaker_, *book_, family, entry, index));
  }
  return count;
}

}  // namespace sextant::agent
