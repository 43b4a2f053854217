#include "bgp/rib/export_rules.h"

#include <algorithm>
#include <utility>

#include "bgp/wire/update_writer.h"

namespace sextant::bgp {

namespace {

bool is_reflected(const Rib& rib, const ExportRules& rules, const Path& path) {
  return rules.internal && rib.source(path.peer) == PathSource::kInternal;
}

/// RFC 4271 section 5.1, what an external peer is told.
void change_for_external(const Rib& rib, const Path& path, Attributes& attributes) {
  attributes.as_path.prepend(rib.config().local_as);  // 5.1.2 b
  attributes.local_pref.reset();                      // 5.1.5
  // 5.1.4: a MED that came from a neighboring AS stays in this one.
  if (rib.source(path.peer) != PathSource::kLocal) attributes.med.reset();
  attributes.originator_id.reset();  // RFC 4456 section 8: non-transitive
  attributes.cluster_list.clear();
  std::erase_if(attributes.extended_communities,
                [](const ExtendedCommunity& one) { return !one.transitive(); });  // RFC 4360 6
}

/// RFC 4456 section 8.
void change_for_reflection(const Rib& rib, const Path& path, Attributes& attributes) {
  if (!attributes.originator_id) attributes.originator_id = rib.peer(path.peer).router_id;
  attributes.cluster_list.insert(attributes.cluster_list.begin(),
                                 rib.config().cluster_id.value_or(rib.config().router_id));
}

/// RFC 4271 section 5.1.3; RFC 4456 section 10: reflection keeps it.
NextHop next_hop_for(const Rib& rib, const ExportRules& rules, const Path& path) {
  auto own = rib.pool().next_hop(path.attributes);
  // Local routes without a next hop of their own: this speaker's towards the peers.
  if (path.peer == kLocalPeer) return is_usable(own) ? own : rules.self;
  if (!rules.internal) return rules.keep_next_hop ? own : rules.self;
  return rules.next_hop_self && !is_reflected(rib, rules, path) ? rules.self : own;
}

/// RFC 8950 section 4. SR Policies have next hops of either family (RFC 9830 section 2.1).
bool takes_next_hop(const Rib& rib, const ExportRules& rules, const Path& path) {
  if (rules.family.afi != Afi::kIpv4 || rules.family.safi == Safi::kSrPolicy) return true;
  return rules.extended_next_hop || next_hop_for(rib, rules, path).address.is_v4();
}

/// Whether a message of the peers holds the path with one route (RFC 8654 section 4).
bool fits(const Rib& rib, const ExportRules& rules, const Path& path, const RouteKey& key) {
  constexpr std::size_t kRest = 512;  // more than what goes out besides the path's own attributes
  const auto& set = rib.pool()[path.attributes];
  // Nearly all: nothing is encoded. Two-byte peers are told of an AS path twice.
  if (2 * set.block().size() + kRest <= rules.message_limit) return true;
  auto attributes = set.decode().attributes;
  const bool link_state = rules.family == kLinkState;
  if (link_state)
    attributes.link_state.clear();  // RFC 9552 section 5.3: it goes without, if needs be
  const auto exported = export_set(rib, rules, path, std::move(attributes));
  std::vector<std::uint8_t> message;
  UpdateWriter writer(message, rules.family, rules.message_limit);
  return link_state ? writer.begin(exported.block, exported.next_hop, rib.link_state(key).size())
                    : writer.begin(exported.block, exported.next_hop);
}

}  // namespace

bool operator==(const ExportRules& a, const ExportRules& b) {
  const bool same_filter = a.filter == b.filter || (a.filter && b.filter && *a.filter == *b.filter);
  return same_filter && a.family == b.family && a.internal == b.internal &&
         a.reflect_client == b.reflect_client && a.self == b.self &&
         a.next_hop_self == b.next_hop_self && a.keep_next_hop == b.keep_next_hop &&
         a.extended_next_hop == b.extended_next_hop && a.four_octet_as == b.four_octet_as &&
         a.message_limit == b.message_limit;
}

bool may_export(const Rib& rib, const ExportRules& rules, const Path& path) {
  const auto& traits = rib.pool()[path.attributes].traits();
  if (!takes_next_hop(rib, rules, path)) return false;
  // RFC 1997 is about routes that were received: on our own, these words are for the peers.
  if (path.peer == kLocalPeer) return true;
  if (traits.no_advertise) return false;
  if (!rules.internal) return !traits.no_export;
  // RFC 4271 section 9.2 and RFC 4456 section 6: from an internal peer to an internal peer only
  // where one of them is a client.
  return !is_reflected(rib, rules, path) || rules.reflect_client ||
         rib.peer(path.peer).reflect_client;
}

ExportedSet export_set(const Rib& rib, const ExportRules& rules, const Path& path,
                       Attributes attributes) {
  ExportedSet out;
  out.next_hop = next_hop_for(rib, rules, path);
  if (!rules.internal) {
    change_for_external(rib, path, attributes);
  } else {
    // 5.1.5: internal peers are told the degree of preference.
    attributes.local_pref = rib.pool()[path.attributes].decision().local_pref;
    if (is_reflected(rib, rules, path)) change_for_reflection(rib, path, attributes);
  }
  attributes.next_hop.reset();
  out.block = encode_attributes(
      attributes, SessionFacts{.four_octet_as = rules.four_octet_as, .internal = rules.internal});
  return out;
}

std::string kept_back(const Rib& rib, const ExportRules& rules, const RouteKey& key) {
  const auto& table = rib.table(rules.family);
  const auto entry = table.find(key);
  const auto path = entry ? table.best(*entry) : std::optional<Path>();
  if (!path) return "there is no such route";
  if (!may_export(rib, rules, *path)) return "routes like its best path are not for the peer";
  if (rules.filter) {
    const bool whole = rules.filter->asks_for_communities();
    const auto attributes = whole ? rib.pool()[path->attributes].decode().attributes : Attributes();
    if (const auto kept = rules.filter->reject(filter_prefix(rules.family, key), &attributes))
      return "the export filter keeps it back: " + *kept;
  }
  if (!fits(rib, rules, *path, key))
    return "it is too long for the peer's messages of " + std::to_string(rules.message_limit) +
           " bytes";
  return {};
}

}  // namespace sextant::bgp
