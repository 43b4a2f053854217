#include <algorithm>
#include <span>

#include "base/bytes.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/open.h"

namespace sextant::bgp {
namespace {

using Type = AttributeType;

constexpr std::uint8_t kOptionalTransitive = kFlagOptional | kFlagTransitive;

// Writes attributes in the order of their type codes; unknown ones come in between.
class Encoder {
 public:
  Encoder(const Attributes& attributes, bool four_octets)
      : attributes_(attributes), four_octets_(four_octets), next_unknown_(attributes.unknown) {}

  std::vector<std::uint8_t> encode() {
    const auto& from = attributes_;
    if (from.origin) {
      scalar(Type::kOrigin, kFlagTransitive,
             [&] { value_.u8(static_cast<std::uint8_t>(*from.origin)); });
    }
    // Mandatory, be it empty (RFC 4271 section 5.1.2).
    scalar(Type::kAsPath, kFlagTransitive,
           [&] { bgp::encode(from.as_path, four_octets_, value_); });
    if (from.med) scalar(Type::kMed, kFlagOptional, [&] { value_.u32(*from.med); });
    if (from.local_pref) {
      scalar(Type::kLocalPref, kFlagTransitive, [&] { value_.u32(*from.local_pref); });
    }
    if (from.atomic_aggregate) scalar(Type::kAtomicAggregate, kFlagTransitive, [] {});
    if (from.aggregator) {
      scalar(Type::kAggregator, kOptionalTransitive, [&] { aggregator(four_octets_); });
    }
    list(Type::kCommunities, kOptionalTransitive, from.communities,
         [&](Community each) { value_.u32(each.value); });
    if (from.originator_id) {
      scalar(Type::kOriginatorId, kFlagOptional, [&] { value_.put(*from.originator_id); });
    }
    list(Type::kClusterList, kFlagOptional, from.cluster_list,
         [&](const Ipv4Address& each) { value_.put(each); });
    list(Type::kExtendedCommunities, kOptionalTransitive, from.extended_communities,
         [&](const ExtendedCommunity& each) { value_.put(each.bytes); });
    if (!four_octets_) as4();
    list(Type::kTunnelEncapsulation, kOptionalTransitive, from.tunnel_encapsulation,
         [&](std::uint8_t each) { value_.u8(each); });
    list(Type::kBgpLs, kFlagOptional, from.link_state, [&](std::uint8_t each) { value_.u8(each); });
    list(Type::kLargeCommunities, kOptionalTransitive, from.large_communities,
         [&](const LargeCommunity& each) {
           value_.u32(each.administrator);
           value_.u32(each.data1);
           value_.u32(each.data2);
         });
    list(Type::kPrefixSid, kOptionalTransitive, from.prefix_sid,
         [&](std::uint8_t each) { value_.u8(each); });
    put_unknown(256);
    return out_.release();
  }

 private:
  template <typename Write>
  void scalar(Type type, std::uint8_t flags, Write write) {
    const auto code = static_cast<std::uint8_t>(type);
    put_unknown(code);
    value_ = {};
    write();
    const bool partial = code < 64 && (attributes_.partial >> code & 1U) != 0;
    put(static_cast<std::uint8_t>(flags | (partial ? kFlagPartial : 0)), code, value_.bytes());
  }

  template <typename T, typename Write>
  void list(Type type, std::uint8_t flags, const std::vector<T>& values, Write write) {
    if (values.empty()) return;
    scalar(type, flags, [&] { std::ranges::for_each(values, write); });
  }

  // RFC 4271 section 4.3
  void put(std::uint8_t flags, std::uint8_t code, std::span<const std::uint8_t> value) {
    const bool long_length = value.size() > 0xff;
    out_.u8(static_cast<std::uint8_t>(flags | (long_length ? kFlagExtendedLength : 0)));
    out_.u8(code);
    if (long_length) {
      out_.u16(static_cast<std::uint16_t>(value.size()));
    } else {
      out_.u8(static_cast<std::uint8_t>(value.size()));
    }
    out_.put(value);
  }

  void put_unknown(unsigned before) {
    while (!next_unknown_.empty() && next_unknown_.front().type < before) {
      const auto& unknown = next_unknown_.front();
      put(unknown.flags, unknown.type, unknown.value);
      next_unknown_ = next_unknown_.subspan(1);
    }
  }

  void aggregator(bool four_octets) {
    const auto asn = attributes_.aggregator->asn;
    if (four_octets) {
      value_.u32(asn);
    } else {
      value_.u16(static_cast<std::uint16_t>(asn > 0xffff ? kAsTrans : asn));
    }
    value_.put(attributes_.aggregator->address);
  }

  // RFC 6793 section 4.2.2: only where the old attributes cannot say it all; confederation segments
  // stay out.
  void as4() {
    const auto is_wide = [](std::uint32_t asn) { return asn > 0xffff; };
    AsPath path;
    std::ranges::copy_if(
        attributes_.as_path.segments, std::back_inserter(path.segments), [](const AsSegment& each) {
          return each.type == AsSegment::Type::kSet || each.type == AsSegment::Type::kSequence;
        });
    const bool wide = std::ranges::any_of(path.segments, [&](const AsSegment& each) {
      return std::ranges::any_of(each.asns, is_wide);
    });
    if (wide) {
      scalar(Type::kAs4Path, kOptionalTransitive, [&] { bgp::encode(path, true, value_); });
    }
    if (attributes_.aggregator && is_wide(attributes_.aggregator->asn)) {
      scalar(Type::kAs4Aggregator, kOptionalTransitive, [&] { aggregator(true); });
    }
  }

  const Attributes& attributes_;
  bool four_octets_;
  std::span<const UnknownAttribute> next_unknown_;
  ByteWriter value_;
  ByteWriter out_;
};

}  // namespace

std::vector<std::uint8_t> encode_attributes(const Attributes& attributes,
                                            const SessionFacts& facts) {
  return Encoder(attributes, facts.four_octet_as).encode();
}

}  // namespace sextant::bgp
