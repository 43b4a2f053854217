// From an UPDATE to the tables.
#include <algorithm>
#include <limits>
#include <utility>

#include "bgp/rib/rib.h"
#include "bgp/wire/link_state.h"

namespace sextant::bgp {

namespace {

template <typename Number>
Number clamp_to(std::size_t value) {
  return static_cast<Number>(std::min<std::size_t>(value, std::numeric_limits<Number>::max()));
}

std::uint32_t number_of(Ipv4Address address) {
  const auto& b = address.bytes();
  return static_cast<std::uint32_t>(b[0]) << 24U | static_cast<std::uint32_t>(b[1]) << 16U |
         static_cast<std::uint32_t>(b[2]) << 8U | b[3];
}

}  // namespace

template <typename Each>
void Rib::for_each_key(Family family, std::span<const std::uint8_t> nlri, Each each) {
  if (family.safi == Safi::kUnicast) {
    PrefixNlriCursor cursor(family.afi, nlri);
    for (PrefixNlri one; cursor.next(one);) each(key_of(one), std::uint32_t{0});
  } else if (family.safi == Safi::kSrPolicy) {
    SrPolicyNlriCursor cursor(family.afi, nlri);
    for (SrPolicyNlri one; cursor.next(one);) each(key_of(one), std::uint32_t{0});
  } else if (family == kLinkState) {
    LinkStateNlriCursor cursor(nlri);
    for (std::span<const std::uint8_t> one; cursor.next(one);) {
      each(link_state_key(one), std::uint32_t{0});
    }
  } else {
    VpnNlriCursor cursor(family.afi, nlri);
    for (VpnNlri one; cursor.next(one);) each(key_of(one), one.label);
  }
}

AttributeTraits Rib::traits_of(const Attributes& attributes, bool internal) const {
  AttributeTraits traits;
  auto& fields = traits.decision;
  fields.local_pref = internal ? attributes.local_pref.value_or(config_.default_local_pref)
                               : config_.default_local_pref;
  // RFC 8326 section 4.2: what is about to go is the last choice while it is there.
  if (!internal && attributes.has(kGracefulShutdown)) fields.local_pref = 0;
  fields.med = attributes.med.value_or(0);
  fields.neighbor_as = attributes.as_path.neighbor().value_or(0);
  fields.as_path_length = clamp_to<std::uint16_t>(attributes.as_path.length());
  fields.cluster_list_length = clamp_to<std::uint16_t>(attributes.cluster_list.size());
  fields.origin = static_cast<std::uint8_t>(attributes.origin.value_or(Origin::kIncomplete));
  fields.has_originator_id = attributes.originator_id.has_value();
  if (attributes.originator_id) fields.originator_id = number_of(*attributes.originator_id);
  traits.no_export = attributes.has(kNoExport) || attributes.has(kNoExportSubconfed);
  traits.no_advertise = attributes.has(kNoAdvertise);

  const auto cluster = config_.cluster_id.value_or(config_.router_id);
  if (attributes.as_path.contains(config_.local_as)) {
    traits.loop = Loop::kAsPath;
  } else if (attributes.originator_id == config_.router_id) {
    traits.loop = Loop::kOriginatorId;
  } else if (std::ranges::count(attributes.cluster_list, cluster) > 0) {
    traits.loop = Loop::kClusterList;
  }
  return traits;
}

std::string Rib::objection(const RibPeer& from, const AttributeSet& set) const {
  switch (set.traits().loop) {
    case Loop::kAsPath:
      return "AS_PATH contains this AS (RFC 4271 section 9.1.2)";
    case Loop::kOriginatorId:
      return "ORIGINATOR_ID is this speaker's (RFC 4456 section 8)";
    case Loop::kClusterList:
      return "CLUSTER_LIST contains this cluster (RFC 4456 section 8)";
    case Loop::kNone:
      break;
  }
  if (!from.facts.internal && from.enforce_first_as && set.decision().neighbor_as != from.asn) {
    return "AS_PATH does not begin with the peer's AS (RFC 4271 section 6.3)";
  }
  return {};
}

Rib::Interned Rib::intern(const RibPeer& from, const AttributeOrigin& origin,
                          Judgement& judgement) {
  const bool wants_communities = from.import_filter && from.import_filter->asks_for_communities();
  AttributePool::make_key(origin, block_, key_);
  Interned interned;
  interned.id = pool_.find(key_);
  if (!interned.id) {
    auto decoded = decode_attributes(block_, origin.facts, origin.kind);
    judgement.add(decoded.judgement);
    if (decoded.judgement.verdict() >= Verdict::kTreatAsWithdraw) {
      interned.rejection = decoded.judgement.reasons();
      return interned;
    }
    std::optional<NextHop> next_hop;
    if (!origin.kind.classic) {
      next_hop = decode_next_hop(origin.kind.family, origin.next_hop);
    } else if (decoded.attributes.next_hop) {
      next_hop = NextHop{.address = *decoded.attributes.next_hop};
    }
    if (!next_hop || !is_usable(*next_hop)) {
      interned.rejection = "the next hop is not an address of a router (RFC 4271 section 6.3)";
      return interned;
    }
    auto traits = traits_of(decoded.attributes, origin.facts.internal);
    traits.unusable = !decoded.unusable.empty();
    // Canonical: four-byte AS numbers whatever the session has.
    const auto block = encode_attributes(decoded.attributes, SessionFacts{});
    interned.id = pool_.add(key_, origin, block, *next_hop, traits);
    if (wants_communities) interned.decoded = std::move(decoded.attributes);
  }
  const auto& set = pool_[*interned.id];
  interned.rejection = objection(from, set);
  if (interned.rejection.empty() && wants_communities && !interned.decoded) {
    interned.decoded = set.decode().attributes;
  }
  pool_.retain(*interned.id);
  return interned;
}

void Rib::withdraw_routes(PeerId id, std::size_t family, std::span<const std::uint8_t> nlri) {
  for_each_key(kFamilies[family], nlri, [&](const RouteKey& key, std::uint32_t) {
    take_away(family, key, id);
    if (!rejected_.empty()) rejected_.forget(id, kFamilies[family], key);
  });
}

void Rib::reject_routes(PeerId id, std::size_t family, std::span<const std::uint8_t> nlri,
                        const std::string& reason, Received& received) {
  for_each_key(kFamilies[family], nlri, [&](const RouteKey& key, std::uint32_t) {
    take_away(family, key, id);
    rejected_.add(
        {.peer = id, .family = kFamilies[family], .key = key, .reason = reason, .malformed = true});
    ++received.rejected;
  });
}

void Rib::take_routes(PeerId id, std::size_t family, AttributeOrigin origin,
                      std::span<const std::uint8_t> nlri, Received& received) {
  const auto& from = state(id).peer;
  const auto* filter = from.import_filter.get();
  std::optional<Interned> interned;
  const auto forget_interned = [&] {
    if (interned && interned->id) pool_.release(*interned->id);
  };
  for_each_key(kFamilies[family], nlri, [&](const RouteKey& key, std::uint32_t label) {
    ++received.announced;
    if (!interned || label != origin.label) {  // labels are part of the set: see attribute_pool.h
      forget_interned();
      origin.label = label;
      interned = intern(from, origin, received.judgement);
    }
    const auto reject = [&](std::string reason, bool malformed) {
      take_away(family, key, id);
      rejected_.add({.peer = id,
                     .family = kFamilies[family],
                     .key = key,
                     .reason = std::move(reason),
                     .malformed = malformed});
      ++received.rejected;
    };
    // Without a set the attributes themselves are at fault, and not the way they took.
    if (!interned->rejection.empty()) return reject(interned->rejection, !interned->id);
    if (kFamilies[family].safi == Safi::kSrPolicy) {
      if (auto fault = check(sr_policy_nlri(key), from.facts)) {
        received.judgement.add(*fault);
        return reject(fault->reason, true);
      }
    }
    if (filter != nullptr) {
      auto reason = filter->reject(filter_prefix(kFamilies[family], key),
                                   interned->decoded ? &*interned->decoded : nullptr);
      if (reason) return reject(std::move(*reason), false);
    }
    put(family, key, id, *interned->id);
    if (!rejected_.empty()) rejected_.forget(id, kFamilies[family], key);
  });
  forget_interned();
}

Received Rib::receive(PeerId id, const UpdateView& update) {
  Received received{.judgement = update.judgement};
  // RFC 7606 section 2: nothing of the message can be trusted.
  if (update.judgement.verdict() >= Verdict::kAfiSafiDisable) return received;
  const auto ipv4 = *index_of(kIpv4Unicast);
  const auto& ignored = state(id).peer.ignored;
  const auto is_taken = [&](Family family) {
    return std::ranges::find(ignored, family) == ignored.end();
  };
  const auto reach = update.reach && is_taken(update.reach->family)
                         ? index_of(update.reach->family).value_or(kFamilyCount)
                         : kFamilyCount;
  const auto unreach = update.unreach ? index_of(update.unreach->family) : std::nullopt;

  const auto withdraw_all = [&](std::size_t family, std::span<const std::uint8_t> nlri) {
    withdraw_routes(id, family, nlri);
    for_each_key(kFamilies[family], nlri,
                 [&](const RouteKey&, std::uint32_t) { ++received.withdrawn; });
  };
  if (!update.withdrawn.empty()) withdraw_all(ipv4, update.withdrawn);
  if (unreach) withdraw_all(*unreach, update.unreach->nlri);

  if (update.judgement.verdict() == Verdict::kTreatAsWithdraw) {
    const auto reasons = update.judgement.reasons();
    if (!update.nlri.empty()) reject_routes(id, ipv4, update.nlri, reasons, received);
    if (reach < kFamilyCount) reject_routes(id, reach, update.reach->nlri, reasons, received);
    return received;
  }
  if (update.nlri.empty() && reach == kFamilyCount) return received;
  block_.clear();
  update.shared.append_to(block_);
  const auto facts = state(id).peer.facts;
  if (!update.nlri.empty()) {
    take_routes(id, ipv4, {.facts = facts, .kind = {.family = kIpv4Unicast, .classic = true}},
                update.nlri, received);
  }
  if (reach < kFamilyCount) {
    take_routes(id, reach,
                {.facts = facts,
                 .kind = {.family = update.reach->family, .classic = false},
                 .next_hop = update.reach->next_hop},
                update.reach->nlri, received);
  }
  return received;
}

}  // namespace sextant::bgp
