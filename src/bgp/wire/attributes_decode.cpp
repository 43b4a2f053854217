#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/link_state.h"
#include "bgp/wire/next_hop.h"
#include "bgp/wire/open.h"

namespace sextant::bgp {
namespace {

using Type = AttributeType;

constexpr std::uint8_t kWellKnown = kFlagTransitive;
constexpr std::uint8_t kOptionalTransitive = kFlagOptional | kFlagTransitive;
constexpr std::uint8_t kOptionalNonTransitive = kFlagOptional;

// Of an AS_PATH, so that a segment with this speaker's number still fits in front.
constexpr std::size_t kMaxPath = 0xffff - 6;

// The Optional and Transitive bits that an attribute's specification demands; none of unknown ones.
std::optional<std::uint8_t> specified_flags(Type type) {
  switch (type) {
    case Type::kOrigin:
    case Type::kAsPath:
    case Type::kNextHop:
    case Type::kLocalPref:
    case Type::kAtomicAggregate:
      return kWellKnown;
    case Type::kMed:
    case Type::kOriginatorId:
    case Type::kClusterList:
    case Type::kMpReach:
    case Type::kMpUnreach:
    case Type::kBgpLs:
      return kOptionalNonTransitive;
    case Type::kAggregator:
    case Type::kCommunities:
    case Type::kExtendedCommunities:
    case Type::kAs4Path:
    case Type::kAs4Aggregator:
    case Type::kTunnelEncapsulation:
    case Type::kLargeCommunities:
    case Type::kPrefixSid:
      return kOptionalTransitive;
  }
  return std::nullopt;
}

// RFC 7606 sections 7.5, 7.9, 7.10: meaningless from an external peer, however it looks.
bool is_internal_only(Type type) {
  return type == Type::kLocalPref || type == Type::kOriginatorId || type == Type::kClusterList;
}

// With numbers of four bytes (RFC 4271 section 4.3); no segment has more than 255.
std::size_t encoded_size(const AsPath& path) {
  std::size_t size = 0;
  for (const auto& segment : path.segments) size += 2 + 4 * segment.asns.size();
  return size;
}

// RFC 8092 section 3: what comes again is quietly left out.
void leave_out_repeated(std::vector<LargeCommunity>& communities) {
  auto sorted = communities;
  std::ranges::sort(sorted);
  const auto repeated = std::unique(sorted.begin(), sorted.end());
  if (repeated == sorted.end()) return;
  sorted.erase(repeated, sorted.end());
  communities = std::move(sorted);
}

bool has_confederation(const AsPath& path) {
  return std::ranges::any_of(path.segments, [](const AsSegment& segment) {
    return segment.type == AsSegment::Type::kConfedSequence ||
           segment.type == AsSegment::Type::kConfedSet;
  });
}

class Decoder {
 public:
  Decoder(const SessionFacts& facts, const RouteKind& kind, DecodedAttributes& out)
      : facts_(facts), kind_(kind), out_(out) {}

  void decode(std::span<const std::uint8_t> block) {
    ByteReader reader(block);
    while (reader.remaining() > 0) {
      const std::size_t begin = reader.position();
      flags_ = reader.u8();
      type_ = static_cast<Type>(reader.u8());
      const bool long_length = (flags_ & kFlagExtendedLength) != 0;
      value_ = reader.take(long_length ? reader.u16() : reader.u8());
      if (!reader.ok()) {
        type_ = Type{};
        whole_ = {};
        add(Verdict::kTreatAsWithdraw, UpdateError::kAttributeLength,
            "an attribute overruns the attribute list (RFC 7606 section 4)");
        return;
      }
      whole_ = block.subspan(begin, reader.position() - begin);
      read_attribute();
    }
    merge_four_octets();
    check_path_size();
    check_mandatory();
    if (kind_.family.safi == Safi::kSrPolicy) check_sr_policy();
    std::ranges::stable_sort(attributes().unknown, {}, &UnknownAttribute::type);
  }

 private:
  Attributes& attributes() { return out_.attributes; }

  void add(Verdict verdict, UpdateError error, const std::string& cause) {
    const auto type = static_cast<std::uint8_t>(type_);
    out_.judgement.add({verdict,
                        type,
                        (type == 0 ? "" : to_string(type_) + ": ") + cause,
                        error,
                        {whole_.begin(), whole_.end()}});
  }
  void withdraw(UpdateError error, const std::string& cause) {
    add(Verdict::kTreatAsWithdraw, error, cause);
  }
  void discard(UpdateError error, const std::string& cause) {
    add(Verdict::kAttributeDiscard, error, cause);
  }
  std::string length_is() const { return "its length is " + std::to_string(value_.size()); }

  void read_attribute() {
    const auto code = static_cast<std::uint8_t>(type_);
    auto& seen = seen_[code / 64];
    const std::uint64_t bit = 1ULL << (code % 64);
    if ((seen & bit) != 0) {
      return discard(UpdateError::kMalformedAttributeList,
                     "it comes again; the first one counts (RFC 7606 section 3 g)");
    }
    seen |= bit;
    const auto specified = specified_flags(type_);
    if (!specified) return read_unknown();
    if (!facts_.internal && is_internal_only(type_)) {
      return discard(UpdateError::kUnspecific,
                     "it comes from an external peer (RFC 7606 sections 7.5, 7.9, 7.10)");
    }
    if ((flags_ & kOptionalTransitive) != *specified) {
      // RFC 6793 section 6 asks no more than that AS4_ attributes are left out.
      return add(is_as4() ? Verdict::kAttributeDiscard : Verdict::kTreatAsWithdraw,
                 UpdateError::kAttributeFlags,
                 "its flags are wrong for its type (RFC 7606 section 3 c)");
    }
    const auto faults = out_.judgement.count();
    read_known();
    // The partial bit of what is kept. Of a well-known or non-transitive attribute it means nothing
    // (RFC 4271 section 4.3); AS4_ attributes are made anew for each peer.
    if (*specified == kOptionalTransitive && (flags_ & kFlagPartial) != 0 && code < 64 &&
        !is_as4() && out_.judgement.count() == faults) {
      attributes().partial |= bit;
    }
  }

  bool is_as4() const { return type_ == Type::kAs4Path || type_ == Type::kAs4Aggregator; }

  void read_unknown() {
    if ((flags_ & kFlagOptional) == 0) {
      return add(Verdict::kSessionReset, UpdateError::kUnrecognizedWellKnown,
                 "it says that it is well-known, and is not (RFC 4271 section 6.3)");
    }
    if ((flags_ & kFlagTransitive) == 0) return;  // RFC 4271 section 9: quietly ignored
    const auto flags = static_cast<std::uint8_t>(flags_ & ~kFlagExtendedLength);
    attributes().unknown.push_back({static_cast<std::uint8_t>(flags | kFlagPartial),
                                    static_cast<std::uint8_t>(type_),
                                    {value_.begin(), value_.end()}});
  }

  void read_known() {
    ByteReader in(value_);
    auto& to = attributes();
    switch (type_) {
      case Type::kOrigin:
        return read_origin();
      case Type::kAsPath:
        return read_as_path();
      case Type::kNextHop:
        return read_next_hop();
      case Type::kMed:
        if (number()) to.med = in.u32();
        return;
      case Type::kLocalPref:
        if (number()) to.local_pref = in.u32();
        return;
      case Type::kAtomicAggregate:
        if (!value_.empty()) {
          return discard(UpdateError::kAttributeLength, length_is() + " (RFC 7606 section 7.6)");
        }
        to.atomic_aggregate = true;
        return;
      case Type::kAggregator:
        return read_aggregator(facts_.four_octet_as, to.aggregator);
      case Type::kCommunities:
        return read_list(to.communities, 4, "7.8",
                         [](ByteReader& r) { return Community{r.u32()}; });
      case Type::kOriginatorId:
        if (number()) to.originator_id = in.ipv4();
        return;
      case Type::kClusterList:
        return read_list(to.cluster_list, 4, "7.10", [](ByteReader& r) { return r.ipv4(); });
      case Type::kExtendedCommunities:
        return read_list(to.extended_communities, 8, "7.14", [](ByteReader& r) {
          ExtendedCommunity community;
          std::ranges::copy(r.take(8), community.bytes.begin());
          return community;
        });
      case Type::kLargeCommunities:  // RFC 8092 section 6
        read_list(to.large_communities, 12, "3", [](ByteReader& r) {
          const auto administrator = r.u32();
          const auto data1 = r.u32();
          return LargeCommunity{administrator, data1, r.u32()};
        });
        return leave_out_repeated(to.large_communities);
      case Type::kAs4Path:
        return read_as4_path();
      case Type::kAs4Aggregator:
        // RFC 6793 section 4.1: of no use beside four-octet numbers.
        if (!facts_.four_octet_as) read_aggregator(true, as4_aggregator_);
        return;
      case Type::kTunnelEncapsulation:
        return read_tunnels();
      case Type::kBgpLs:
        return read_link_state();
      case Type::kPrefixSid:
        return read_prefix_sid();
      case Type::kMpReach:
      case Type::kMpUnreach:
        return;  // cut out by split_update
    }
  }

  // Whether the value has the four bytes of a number or an identifier (RFC 7606 sections 7.4, 7.5,
  // 7.9).
  bool number() {
    if (value_.size() == 4) return true;
    withdraw(UpdateError::kAttributeLength, length_is() + ", not 4 (RFC 7606 section 7)");
    return false;
  }

  template <typename T, typename Read>
  void read_list(std::vector<T>& out, std::size_t size, const char* section, Read read) {
    if (value_.empty() || value_.size() % size != 0) {
      return withdraw(UpdateError::kOptionalAttribute, length_is() + ", no multiple of " +
                                                           std::to_string(size) +
                                                           " (RFC 7606 section " + section + ")");
    }
    ByteReader in(value_);
    out.reserve(value_.size() / size);
    while (in.remaining() > 0) out.push_back(read(in));
  }

  void read_origin() {
    // RFC 7606 section 7.1
    if (value_.size() != 1) return withdraw(UpdateError::kAttributeLength, length_is());
    if (value_[0] > static_cast<std::uint8_t>(Origin::kIncomplete)) {
      return withdraw(UpdateError::kInvalidOrigin,
                      std::to_string(value_[0]) + " is no origin (RFC 7606 section 7.1)");
    }
    attributes().origin = static_cast<Origin>(value_[0]);
  }

  void read_as_path() {
    auto path = decode_as_path(value_, facts_.four_octet_as);
    if (!path) {
      return withdraw(UpdateError::kMalformedAsPath,
                      path.error().cause + " (RFC 7606 section 7.2)");
    }
    if (path->contains(0)) {
      return withdraw(UpdateError::kMalformedAsPath, "it has AS 0 (RFC 7607 section 2)");
    }
    if (!facts_.internal && has_confederation(*path)) {
      return withdraw(UpdateError::kMalformedAsPath,
                      "a confederation's segments come from outside (RFC 5065 section 5)");
    }
    attributes().as_path = std::move(*path);
    have_as_path_ = true;
  }

  void read_next_hop() {
    // RFC 7606 section 7.3, RFC 4271 section 6.3. Beside MP routes it says nothing (RFC 4760
    // section 3), nor does what is wrong with it.
    if (!kind_.classic) return;
    if (value_.size() != 4) {
      return withdraw(UpdateError::kAttributeLength, length_is() + " (RFC 7606 section 7.3)");
    }
    const NextHop next_hop{ByteReader(value_).ipv4()};
    if (!is_usable(next_hop)) {
      return withdraw(UpdateError::kInvalidNextHop, next_hop.address.to_string() +
                                                        " is no host's address (RFC 4271 "
                                                        "section 6.3)");
    }
    attributes().next_hop = next_hop.address.v4();
  }

  void read_aggregator(bool four_octets, std::optional<Aggregator>& out) {
    // RFC 7606 section 7.7, RFC 6793 section 6
    ByteReader in(value_);
    Aggregator aggregator;
    aggregator.asn = four_octets ? in.u32() : in.u16();
    aggregator.address = in.ipv4();
    if (!in.ok() || in.remaining() > 0) {
      return discard(UpdateError::kAttributeLength, length_is() + " (RFC 7606 section 7.7)");
    }
    if (aggregator.asn == 0) {
      return discard(UpdateError::kOptionalAttribute, "its AS is 0 (RFC 7607 section 2)");
    }
    out = aggregator;
  }

  void read_as4_path() {
    if (facts_.four_octet_as) return;  // RFC 6793 section 4.1
    auto path = decode_as_path(value_, true);
    if (!path || path->contains(0)) {
      return discard(UpdateError::kOptionalAttribute,
                     (path ? "it has AS 0" : path.error().cause) + " (RFC 6793 section 6)");
    }
    as4_path_ = std::move(*path);
  }

  void read_tunnels() {
    if (value_.empty()) {
      return withdraw(UpdateError::kAttributeLength, length_is() + " (RFC 9012 section 13)");
    }
    TunnelCursor cursor(value_);
    TunnelView tunnel;
    while (cursor.next(tunnel)) {
    }
    if (!cursor.ok()) {
      return withdraw(UpdateError::kOptionalAttribute,
                      "a tunnel overruns it (RFC 9012 section 13)");
    }
    attributes().tunnel_encapsulation.assign(value_.begin(), value_.end());
  }

  void read_link_state() {
    // RFC 9552 section 5.3: beside other routes it says nothing.
    if (kind_.family != kLinkState) return;
    if (auto fault = link_state_attribute_fault(value_); !fault.empty()) {
      return discard(UpdateError::kOptionalAttribute, fault + " (RFC 9552 section 8.2.2)");
    }
    attributes().link_state.assign(value_.begin(), value_.end());
  }

  void read_prefix_sid() {
    if (value_.empty()) {
      return discard(UpdateError::kAttributeLength, length_is() + " (RFC 8669 section 6)");
    }
    if (auto sid = decode_prefix_sid(value_); !sid) {
      const bool services = sid.error().object != "attribute";
      // Without its SID a route of an SRv6 service would be a black hole.
      return add(services ? Verdict::kTreatAsWithdraw : Verdict::kAttributeDiscard,
                 UpdateError::kOptionalAttribute,
                 sid.error().object + ": " + sid.error().cause +
                     (services ? " (RFC 9252 section 7)" : " (RFC 8669 section 6)"));
    }
    attributes().prefix_sid.assign(value_.begin(), value_.end());
  }

  // RFC 6793 section 4.2.3
  void merge_four_octets() {
    if (facts_.four_octet_as) return;
    auto& to = attributes();
    if (to.aggregator && to.aggregator->asn != kAsTrans && as4_aggregator_) return;
    if (to.aggregator && as4_aggregator_) to.aggregator = as4_aggregator_;
    if (as4_path_) to.as_path = merge_as4_path(to.as_path, *as4_path_);
  }

  // Two-byte numbers of an extended message may be more than four-byte ones of one attribute.
  void check_path_size() {
    auto& path = attributes().as_path;
    if (encoded_size(path) <= kMaxPath) return;
    path = {};
    whole_ = {};
    type_ = Type::kAsPath;
    withdraw(UpdateError::kMalformedAsPath,
             "its numbers do not fit an attribute with four bytes each (RFC 6793 section 4.2.3)");
  }

  void check_mandatory() {
    missing(Type::kOrigin, attributes().origin.has_value());
    missing(Type::kAsPath, have_as_path_);
    if (kind_.classic) missing(Type::kNextHop, attributes().next_hop.has_value());
    if (facts_.internal) missing(Type::kLocalPref, attributes().local_pref.has_value());
  }

  // RFC 7606 section 3 d. One that came malformed has been reported.
  void missing(Type type, bool there) {
    if (there || (seen_[0] & 1ULL << static_cast<unsigned>(type)) != 0) return;
    out_.judgement.add({Verdict::kTreatAsWithdraw,
                        static_cast<std::uint8_t>(type),
                        to_string(type) + " is missing (RFC 7606 section 3 d)",
                        UpdateError::kMissingWellKnown,
                        {static_cast<std::uint8_t>(type)}});
  }

  // RFC 9830 sections 2.2, 4.2.1 and 5.
  void check_sr_policy() {
    auto& to = attributes();
    whole_ = {};
    type_ = Type::kTunnelEncapsulation;
    const bool seen = (seen_[0] & 1ULL << static_cast<unsigned>(type_)) != 0;
    if (to.tunnel_encapsulation.empty()) {
      if (!seen)
        withdraw(UpdateError::kOptionalAttribute, "it is missing (RFC 9830 section 4.2.1)");
    } else if (auto policy = decode_sr_policy(to.tunnel_encapsulation); !policy) {
      withdraw(UpdateError::kOptionalAttribute,
               policy.error().object + ": " + policy.error().cause + " (RFC 9830 section 5)");
    } else {
      out_.unusable = policy->unusable(facts_.dialect);
    }
    if (facts_.dialect != SrPolicyDialect::kStandard || to.has(kNoAdvertise)) return;
    const bool targeted = std::ranges::any_of(to.extended_communities, [](const auto& each) {
      return each.target_address().has_value();
    });
    if (!targeted) {
      type_ = Type::kExtendedCommunities;
      withdraw(UpdateError::kOptionalAttribute,
               "neither NO_ADVERTISE nor a route target in address format (RFC 9830 section "
               "4.2.1)");
    }
  }

  const SessionFacts& facts_;
  const RouteKind& kind_;
  DecodedAttributes& out_;
  std::uint8_t flags_ = 0;
  Type type_{};
  std::span<const std::uint8_t> whole_;
  std::span<const std::uint8_t> value_;
  std::uint64_t seen_[4] = {};
  bool have_as_path_ = false;
  std::optional<AsPath> as4_path_;
  std::optional<Aggregator> as4_aggregator_;
};

}  // namespace

DecodedAttributes decode_attributes(std::span<const std::uint8_t> block, const SessionFacts& facts,
                                    const RouteKind& kind) {
  DecodedAttributes decoded;
  Decoder(facts, kind, decoded).decode(block);
  return decoded;
}

}  // namespace sextant::bgp
