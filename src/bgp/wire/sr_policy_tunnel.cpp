#include "bgp/wire/sr_policy_tunnel.h"

#include <algorithm>
#include <utility>

#include "srv6/segment_list.h"

namespace sextant::bgp {
namespace {

// IANA "BGP Tunnel Encapsulation Attribute Sub-TLVs".
enum SubTlvType : std::uint8_t {
  kPreference = 12,
  kBindingSid = 13,
  kEnlp = 14,
  kPriority = 15,
  kSrv6BindingSid = 20,
  kSegmentList = 128,
  kCandidatePathName = 129,
  kPolicyName = 130,
};

constexpr std::size_t kSidOnly = 18;          // flags, reserved, SID
constexpr std::size_t kSidWithBehavior = 26;  // and behavior with SID structure
constexpr std::uint8_t kBindingSidFlagBehavior = 0x20;
// Of lists of no use: an attribute holds thousands, and the reason is kept for each of its routes.
constexpr std::size_t kMostReasons = 8;

std::string segment_name(SegmentType type) {
  switch (type) {
    case SegmentType::kA:
      return "A";
    case SegmentType::kB:
      return "B";
    case SegmentType::kC:
    case SegmentType::kD:
    case SegmentType::kE:
    case SegmentType::kF:
    case SegmentType::kG:
    case SegmentType::kH:
      return std::string(1, static_cast<char>('A' + static_cast<int>(type) - 1));
    case SegmentType::kI:
    case SegmentType::kJ:
    case SegmentType::kK:
      return std::string(
          1, static_cast<char>('I' + static_cast<int>(type) - static_cast<int>(SegmentType::kI)));
    case SegmentType::kWeight:
      break;
  }
  return std::to_string(static_cast<unsigned>(type));
}

bool is_segment(std::uint8_t type) {
  return (type >= 1 && type <= 8 && type != 2) || (type >= 13 && type <= 16);
}

tl::unexpected<Error> malformed(std::string object, std::string cause) {
  return failure("read SR Policy", std::move(object), std::move(cause));
}

tl::unexpected<Error> wrong_length(std::string object, std::size_t length) {
  return malformed(std::move(object), "its length is " + std::to_string(length));
}

Result<SidBehavior> read_behavior(ByteReader& in) {
  // RFC 9830 section 2.4.4.2.4
  SidBehavior behavior;
  behavior.behavior = static_cast<srv6::Behavior>(in.u16());
  in.u16();  // reserved
  behavior.structure.block = in.u8();
  behavior.structure.node = in.u8();
  behavior.structure.function = in.u8();
  behavior.structure.argument = in.u8();
  const auto& lengths = behavior.structure;
  const unsigned total = 0U + lengths.block + lengths.node + lengths.function + lengths.argument;
  if (total > 128) {
    return malformed("SID structure", "its lengths add up to " + std::to_string(total) + " bits");
  }
  return behavior;
}

void write_behavior(const SidBehavior& behavior, ByteWriter& out) {
  out.u16(static_cast<std::uint16_t>(behavior.behavior));
  out.u16(0);
  out.u8(behavior.structure.block);
  out.u8(behavior.structure.node);
  out.u8(behavior.structure.function);
  out.u8(behavior.structure.argument);
}

// RFC 9830 sections 2.4.4.2.1 and 2.4.4.2.2. The length says whether behavior and structure are
// there, whatever the B flag says: GoBGP's users set it or not as they like (Calico-VPP sends S
// instead), and GoBGP itself reads the length only.
Result<Segment> read_segment(const SubTlvView& view) {
  Segment segment;
  segment.type = static_cast<SegmentType>(view.type);
  if (segment.type == SegmentType::kB) {
    if (view.value.size() != kSidOnly && view.value.size() != kSidWithBehavior) {
      return wrong_length("segment of type B", view.value.size());
    }
    ByteReader in(view.value);
    segment.flags = in.u8();
    in.u8();  // reserved
    segment.sid = in.ipv6();
    if (in.remaining() == 0) return segment;
    return read_behavior(in).map([&](const SidBehavior& behavior) {
      segment.behavior = behavior;
      return segment;
    });
  }
  if (segment.type == SegmentType::kA && view.value.size() != 6) {
    return wrong_length("segment of type A", view.value.size());
  }
  if (view.value.empty()) return wrong_length("segment of type " + segment_name(segment.type), 0);
  segment.flags = view.value.front();
  segment.value.assign(view.value.begin(), view.value.end());
  return segment;
}

// RFC 9830 section 2.4.4
Result<WeightedSegmentList> read_list(std::span<const std::uint8_t> value) {
  if (value.empty()) return wrong_length("segment list", 0);
  WeightedSegmentList list;
  SubTlvCursor cursor(value.subspan(1));  // behind the reserved byte
  SubTlvView view;
  while (cursor.next(view)) {
    if (view.type == static_cast<std::uint8_t>(SegmentType::kWeight)) {
      // RFC 9830 section 2.4.4.1
      if (list.weight) continue;
      if (view.value.size() != 6) return wrong_length("weight", view.value.size());
      list.weight = ByteReader(view.value.subspan(2)).u32();
    } else if (is_segment(view.type)) {
      auto segment = read_segment(view);
      if (!segment) return tl::unexpected(segment.error());
      list.segments.push_back(std::move(*segment));
    } else {
      list.unknown.push_back({view.type, {view.value.begin(), view.value.end()}});
    }
  }
  if (!cursor.ok()) return malformed("segment list", "a sub-TLV overruns it");
  return list;
}

Result<BindingSid> read_binding_sid(std::span<const std::uint8_t> value) {
  // RFC 9830 section 2.4.2
  BindingSid binding;
  ByteReader in(value);
  binding.flags = in.u8();
  in.u8();  // reserved
  switch (value.size()) {
    case 2:
      return binding;
    case 6:
      binding.label = in.u32();
      return binding;
    case kSidOnly:
      binding.sid = in.ipv6();
      return binding;
    default:
      return wrong_length("binding SID", value.size());
  }
}

Result<Srv6BindingSid> read_srv6_binding_sid(std::span<const std::uint8_t> value) {
  // RFC 9830 section 2.4.3. As with segments, the length decides.
  if (value.size() != kSidOnly && value.size() != kSidWithBehavior) {
    return wrong_length("SRv6 binding SID", value.size());
  }
  Srv6BindingSid binding;
  ByteReader in(value);
  binding.flags = in.u8();
  in.u8();  // reserved
  binding.sid = in.ipv6();
  if (in.remaining() == 0) return binding;
  return read_behavior(in).map([&](const SidBehavior& behavior) {
    binding.behavior = behavior;
    return binding;
  });
}

// Reads one tunnel's sub-TLVs. RFC 9830 section 2.4: of those that may stand once the first counts;
// others are ignored, and are no error.
class TunnelReader {
 public:
  explicit TunnelReader(SrPolicyTunnel& tunnel) : tunnel_(tunnel) {}

  Result<void> read(std::span<const std::uint8_t> sub_tlvs) {
    SubTlvCursor cursor(sub_tlvs);
    SubTlvView view;
    while (cursor.next(view)) {
      if (auto done = read_one(view); !done) return done;
    }
    if (!cursor.ok()) return malformed("tunnel", "a sub-TLV overruns it");
    return {};
  }

 private:
  Result<void> read_one(const SubTlvView& view) {
    const auto& value = view.value;
    ByteReader in(value);
    switch (view.type) {
      case kPreference:  // RFC 9830 section 2.4.1: flags, reserved, preference
        if (!first(view)) return {};
        if (value.size() != 6) return wrong_length("preference", value.size());
        in.u16();
        tunnel_.preference = in.u32();
        return {};
      case kBindingSid:
        if (!first(view)) return {};
        return read_binding_sid(value).map([&](BindingSid sid) { tunnel_.binding_sid = sid; });
      case kEnlp:  // RFC 9830 section 2.4.5: flags, reserved, ENLP
        if (!first(view)) return {};
        if (value.size() != 3) return wrong_length("ENLP", value.size());
        in.u16();
        tunnel_.enlp = static_cast<ExplicitNullPolicy>(in.u8());
        return {};
      case kPriority:  // RFC 9830 section 2.4.6: priority, reserved
        if (!first(view)) return {};
        if (value.size() != 2) return wrong_length("priority", value.size());
        tunnel_.priority = in.u8();
        return {};
      case kSrv6BindingSid:
        return read_srv6_binding_sid(value).map(
            [&](const Srv6BindingSid& sid) { tunnel_.srv6_binding_sids.push_back(sid); });
      case kSegmentList:
        return read_list(value).map(
            [&](WeightedSegmentList list) { tunnel_.lists.push_back(std::move(list)); });
      case kCandidatePathName:
        return read_name(view, "candidate path name", tunnel_.candidate_path_name);
      case kPolicyName:
        return read_name(view, "policy name", tunnel_.policy_name);
      default:
        tunnel_.unknown.push_back({view.type, {value.begin(), value.end()}});
        return {};
    }
  }

  // RFC 9830 sections 2.4.7 and 2.4.8: a reserved byte, then the name.
  Result<void> read_name(const SubTlvView& view, const char* what, std::string& name) {
    if (!first(view)) return {};
    if (view.value.empty()) return wrong_length(what, 0);
    name.assign(view.value.begin() + 1, view.value.end());
    return {};
  }

  bool first(const SubTlvView& view) {
    auto& bits = seen_[view.type >= 128 ? 1 : 0];
    const std::uint64_t bit = 1ULL << (view.type & 63U);
    const bool seen = (bits & bit) != 0;
    bits |= bit;
    return !seen;
  }

  SrPolicyTunnel& tunnel_;
  std::uint64_t seen_[2] = {};  // types below 64, and 128 to 191
};

// A sub-TLV whose value `write` writes. False where it does not fit its length field.
template <typename Write>
[[nodiscard]] bool put(ByteWriter& out, std::uint8_t type, Write write) {
  ByteWriter value;
  write(value);
  if (value.size() > (type >= 128 ? 0xffffU : 0xffU)) return false;
  encode(SubTlv{type, value.release()}, out);
  return true;
}

[[nodiscard]] bool put_all(ByteWriter& out, const std::vector<SubTlv>& sub_tlvs) {
  return std::ranges::all_of(sub_tlvs, [&](const SubTlv& sub_tlv) {
    return put(out, sub_tlv.type, [&](ByteWriter& value) { value.put(sub_tlv.value); });
  });
}

[[nodiscard]] bool put_segment(ByteWriter& out, const Segment& segment) {
  return put(out, static_cast<std::uint8_t>(segment.type), [&](ByteWriter& value) {
    if (segment.type != SegmentType::kB) return value.put(segment.value);
    value.u8(segment.flags);
    value.u8(0);
    value.put(segment.sid);
    if (segment.behavior) write_behavior(*segment.behavior, value);
  });
}

[[nodiscard]] bool put_list(ByteWriter& out, const WeightedSegmentList& list) {
  bool fits = true;
  return put(out, kSegmentList,
             [&](ByteWriter& value) {
               value.u8(0);
               if (list.weight) {
                 fits = put(value, static_cast<std::uint8_t>(SegmentType::kWeight),
                            [&](ByteWriter& weight) {
                              weight.u16(0);
                              weight.u32(*list.weight);
                            });
               }
               for (const auto& segment : list.segments) fits = put_segment(value, segment) && fits;
               fits = put_all(value, list.unknown) && fits;
             }) &&
         fits;
}

[[nodiscard]] bool put_name(ByteWriter& out, std::uint8_t type, const std::string& name) {
  if (name.empty()) return true;
  return put(out, type, [&](ByteWriter& value) {
    value.u8(0);
    value.put({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()});
  });
}

[[nodiscard]] bool put_numbers(ByteWriter& out, const SrPolicyTunnel& tunnel) {
  bool fits = true;
  if (tunnel.preference) {
    fits = put(out, kPreference, [&](ByteWriter& value) {
      value.u16(0);
      value.u32(*tunnel.preference);
    });
  }
  if (const auto& binding = tunnel.binding_sid) {
    fits = put(out, kBindingSid,
               [&](ByteWriter& value) {
                 value.u8(binding->flags);
                 value.u8(0);
                 if (binding->sid) {
                   value.put(*binding->sid);
                 } else if (binding->label) {
                   value.u32(*binding->label);
                 }
               }) &&
           fits;
  }
  if (tunnel.enlp) {
    fits = put(out, kEnlp,
               [&](ByteWriter& value) {
                 value.u16(0);
                 value.u8(static_cast<std::uint8_t>(*tunnel.enlp));
               }) &&
           fits;
  }
  if (tunnel.priority) {
    fits = put(out, kPriority,
               [&](ByteWriter& value) {
                 value.u8(*tunnel.priority);
                 value.u8(0);
               }) &&
           fits;
  }
  for (const auto& binding : tunnel.srv6_binding_sids) {
    fits = put(out, kSrv6BindingSid,
               [&](ByteWriter& value) {
                 value.u8(binding.flags);
                 value.u8(0);
                 value.put(binding.sid);
                 if (binding.behavior) write_behavior(*binding.behavior, value);
               }) &&
           fits;
  }
  return fits;
}

}  // namespace

Segment Segment::of(const Ipv6Address& sid, std::optional<SidBehavior> behavior) {
  Segment segment;
  segment.flags = behavior ? kSegmentFlagBehavior : std::uint8_t{0};
  segment.sid = sid;
  segment.behavior = behavior;
  return segment;
}

Srv6BindingSid Srv6BindingSid::of(const Ipv6Address& sid, std::optional<SidBehavior> behavior) {
  return {behavior ? kBindingSidFlagBehavior : std::uint8_t{0}, sid, behavior};
}

std::string WeightedSegmentList::unusable(SrPolicyDialect dialect) const {
  if (segments.empty()) return "it has no segments";
  if (segments.size() > srv6::kMaxSegments) {
    return "it has " + std::to_string(segments.size()) + " segments; an SRH holds " +
           std::to_string(srv6::kMaxSegments);
  }
  // RFC 9256 section 5.1
  if (weight == 0U && dialect == SrPolicyDialect::kStandard) return "its weight is 0";
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto& segment = segments[i];
    const std::string which = "its segment " + std::to_string(i + 1);
    if (segment.type != SegmentType::kB) {
      return which + " is of type " + segment_name(segment.type) + ", not an SRv6 SID";
    }
    if (segment.sid.is_unspecified() || segment.sid.is_multicast() || segment.sid.is_link_local()) {
      return which + ", " + segment.sid.to_string() + ", is no SID";
    }
  }
  return {};
}

std::optional<Ipv6Address> SrPolicyTunnel::srv6_bsid() const {
  if (!srv6_binding_sids.empty()) return srv6_binding_sids.front().sid;
  if (binding_sid) return binding_sid->sid;
  return std::nullopt;
}

std::string SrPolicyTunnel::unusable(SrPolicyDialect dialect) const {
  if (lists.empty()) return "it has no segment list";
  std::string reasons;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const auto reason = lists[i].unusable(dialect);
    if (reason.empty()) return {};
    if (i >= kMostReasons) continue;
    if (!reasons.empty()) reasons += "; ";
    reasons += "segment list " + std::to_string(i + 1) + ": " + reason;
  }
  if (lists.size() > kMostReasons) {
    reasons += "; and " + std::to_string(lists.size() - kMostReasons) + " more lists";
  }
  return reasons;
}

Result<SrPolicyTunnel> decode_sr_policy(std::span<const std::uint8_t> attribute) {
  // RFC 9830 section 2.2: one tunnel of type 15 and nothing else.
  SrPolicyTunnel policy;
  bool found = false;
  TunnelCursor cursor(attribute);
  TunnelView tunnel;
  while (cursor.next(tunnel)) {
    if (tunnel.type != kTunnelTypeSrPolicy) {
      return malformed("Tunnel Encapsulation",
                       "it holds a tunnel of type " + std::to_string(tunnel.type) + ", not 15");
    }
    if (found) return malformed("Tunnel Encapsulation", "it holds two tunnels of type 15");
    found = true;
    if (auto read = TunnelReader(policy).read(tunnel.sub_tlvs); !read) {
      return tl::unexpected(read.error());
    }
  }
  if (!cursor.ok()) return malformed("Tunnel Encapsulation", "a tunnel overruns the attribute");
  if (!found) return malformed("Tunnel Encapsulation", "it holds no tunnel");
  return policy;
}

Result<std::vector<std::uint8_t>> encode_sr_policy(const SrPolicyTunnel& tunnel) {
  ByteWriter out;
  out.u16(kTunnelTypeSrPolicy);
  out.u16(0);
  bool fits = put_numbers(out, tunnel);
  // Names before lists: GoBGP 3.10 reads three bytes beyond the candidate path's name, and crashes
  // where there are none.
  fits = put_name(out, kCandidatePathName, tunnel.candidate_path_name) && fits;
  fits = put_name(out, kPolicyName, tunnel.policy_name) && fits;
  for (const auto& list : tunnel.lists) fits = put_list(out, list) && fits;
  fits = put_all(out, tunnel.unknown) && fits;
  const auto length = out.size() - 4;
  if (!fits || length > 0xffff) {
    return failure("write SR Policy", tunnel.policy_name,
                   "a segment list, a name or the whole does not fit its length field");
  }
  out.patch_u16(2, static_cast<std::uint16_t>(length));
  return out.release();
}

}  // namespace sextant::bgp
