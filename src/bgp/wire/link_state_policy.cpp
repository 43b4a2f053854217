#include "bgp/wire/link_state_policy.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/utf8.h"

namespace sextant::bgp {
namespace {

// IANA "BGP-LS NLRI and Attribute TLVs".
constexpr std::uint16_t kLocalNode = 256;        // RFC 9552 section 5.2.1.2
constexpr std::uint16_t kAsNumber = 512;         // RFC 9552 section 5.2.1.4
constexpr std::uint16_t kRouterId = 516;         // RFC 9086 section 4.1
constexpr std::uint16_t kPathDescriptor = 554;   // RFC 9857 section 4
constexpr std::uint16_t kIpv4RouterId = 1028;    // RFC 9552 section 5.3.1.4
constexpr std::uint16_t kIpv6RouterId = 1029;    // the same
constexpr std::uint16_t kState = 1202;           // RFC 9857 section 5.3
constexpr std::uint16_t kPathName = 1203;        // RFC 9857 section 5.5
constexpr std::uint16_t kSegmentList = 1205;     // RFC 9857 section 5.7
constexpr std::uint16_t kSegment = 1206;         // RFC 9857 section 5.7.1
constexpr std::uint16_t kSrv6BindingSid = 1212;  // RFC 9857 section 5.2
constexpr std::uint16_t kPolicyName = 1213;      // RFC 9857 section 5.4
constexpr std::uint16_t kBehavior = 1250;        // RFC 9514 section 7.1
// RFC 9552 section 5.4: of private use, the value begins with an enterprise number. Sextant has
// none: 0, which IANA has reserved, stands for that.
constexpr std::uint16_t kReason = 65432;
constexpr std::uint32_t kNoEnterprise = 0;

constexpr std::uint8_t kSegmentRouting = 9;  // Protocol-ID (RFC 9857 section 3)
constexpr std::uint8_t kEndpointIsIpv6 = 0x80;
constexpr std::uint8_t kOriginatorIsIpv6 = 0x40;
constexpr std::uint8_t kTypeB = 2;
// S: the SID is there, E: as given, V: verified or not asked to be (RFC 9857 section 5.7.1).
constexpr std::uint16_t kSegmentFlags = 0xe000;
constexpr std::size_t kLongestText = 255;

tl::unexpected<Error> malformed(std::string object, std::string cause) {
  return failure("read SR Policy candidate path", std::move(object), std::move(cause));
}

tl::unexpected<Error> bad_length(std::string object, std::size_t size) {
  return malformed(std::move(object), "its length is " + std::to_string(size));
}

/// At most as many bytes as a name may have, without half a character at the end.
std::string_view cut(std::string_view text) {
  if (text.size() <= kLongestText) return text;
  auto end = kLongestText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

void put_text(ByteWriter& out, std::string_view text) {
  for (const char c : cut(text)) out.u8(static_cast<std::uint8_t>(c));
}

std::string text_of(std::span<const std::uint8_t> bytes) {
  return as_utf8({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// ---- The route ----------------------------------------------------------------------------------

Result<PathHeadend> read_headend(std::span<const std::uint8_t> value) {
  PathHeadend headend;
  LinkStateTlvCursor cursor(value);
  LinkStateTlv tlv;
  while (cursor.next(tlv)) {
    ByteReader in(tlv.value);
    const std::size_t size = tlv.type == kIpv6RouterId ? 16 : 4;
    switch (tlv.type) {
      case kAsNumber:
        headend.asn = in.u32();
        break;
      case kRouterId:
        headend.router_id = in.ipv4();
        break;
      case kIpv4RouterId:
        headend.ipv4 = in.ipv4();
        break;
      case kIpv6RouterId:
        headend.ipv6 = in.ipv6();
        break;
      default:
        continue;
    }
    if (tlv.value.size() != size) {
      return bad_length("node descriptor " + std::to_string(tlv.type), tlv.value.size());
    }
  }
  if (!cursor.ok()) return malformed("Local Node Descriptors", "a descriptor overruns them");
  // RFC 9857 section 3
  if (!headend.ipv4 && !headend.ipv6) {
    return malformed("Local Node Descriptors", "no router identifier of IPv4 or IPv6");
  }
  return headend;
}

IpAddress read_address(ByteReader& in, bool ipv6) {
  return ipv6 ? IpAddress(in.ipv6()) : IpAddress(in.ipv4());
}

Result<void> read_descriptor(std::span<const std::uint8_t> value, PolicyPath& path) {
  ByteReader in(value);
  path.origin = static_cast<PathOrigin>(in.u8());
  const auto flags = in.u8();
  in.u16();  // reserved
  path.endpoint = read_address(in, (flags & kEndpointIsIpv6) != 0);
  path.color.value = in.u32();
  path.originator_asn = in.u32();
  path.originator = read_address(in, (flags & kOriginatorIsIpv6) != 0);
  path.discriminator = in.u32();
  if (!in.ok() || in.remaining() > 0) {
    return bad_length("Candidate Path Descriptor", value.size());
  }
  return {};
}

void put(ByteWriter& out, const IpAddress& address) { out.put(address.bytes()); }

// ---- The attribute ------------------------------------------------------------------------------

Result<void> read_state(std::span<const std::uint8_t> value, PolicyPathState& state) {
  ByteReader in(value);
  state.priority = in.u8();
  in.u8();  // reserved
  state.flags = in.u16();
  state.preference = in.u32();
  if (!in.ok() || in.remaining() > 0) return bad_length("Candidate Path State", value.size());
  // RFC 9857 section 5.3: without E, V means nothing.
  if (!state.has(kPathEvaluated)) state.flags &= static_cast<std::uint16_t>(~kPathValid);
  return {};
}

/// Whether the TLVs behind fixed fields fill what remains; `each` is called with every one.
template <typename Each>
bool read_tlvs(ByteReader& in, Each each) {
  LinkStateTlvCursor cursor(in.take(in.remaining()));
  LinkStateTlv tlv;
  while (cursor.next(tlv)) each(tlv);
  return cursor.ok();
}

Result<void> read_binding_sid(std::span<const std::uint8_t> value, PolicyPathState& state) {
  ByteReader in(value);
  PathBindingSid sid;
  sid.flags = in.u16();
  in.u16();  // reserved
  sid.sid = in.ipv6();
  sid.specified = in.ipv6();
  if (!in.ok()) return bad_length("SRv6 Binding SID", value.size());
  if (!read_tlvs(in, [](const LinkStateTlv&) {})) {
    return malformed("SRv6 Binding SID", "a sub-TLV overruns it");
  }
  state.binding_sid = sid;
  return {};
}

Result<void> read_segment(std::span<const std::uint8_t> value, PathSegmentList& list) {
  ByteReader in(value);
  const auto type = in.u8();
  in.u8();   // reserved
  in.u16();  // flags
  if (!in.ok()) return bad_length("SR Segment", value.size());
  if (type != kTypeB) return {};
  PathSegment segment{.sid = in.ipv6()};
  in.u8();  // SR algorithm
  if (!in.ok()) return bad_length("SR Segment", value.size());
  bool good = true;
  const bool whole = read_tlvs(in, [&](const LinkStateTlv& tlv) {
    if (tlv.type != kBehavior) return;
    ByteReader behavior(tlv.value);
    segment.behavior = static_cast<srv6::Behavior>(behavior.u16());
    good = good && tlv.value.size() == 4;  // behavior, flags, algorithm
  });
  if (!whole || !good) return malformed("SR Segment", "a sub-TLV cannot be read");
  list.segments.push_back(segment);
  return {};
}

Result<void> read_list(std::span<const std::uint8_t> value, PolicyPathState& state) {
  ByteReader in(value);
  PathSegmentList list;
  list.flags = in.u16();
  in.u16();  // reserved
  in.u16();  // topology
  in.u8();   // SR algorithm
  in.u8();   // reserved
  list.weight = in.u32();
  if (!in.ok()) return bad_length("SR Segment List", value.size());
  Result<void> segments;
  const bool whole = read_tlvs(in, [&](const LinkStateTlv& tlv) {
    if (tlv.type == kSegment && segments) segments = read_segment(tlv.value, list);
  });
  if (!whole) return malformed("SR Segment List", "a sub-TLV overruns it");
  if (segments) state.lists.push_back(std::move(list));
  return segments;
}

void read_reason(std::span<const std::uint8_t> value, PolicyPathState& state) {
  ByteReader in(value);
  if (in.u32() != kNoEnterprise || !in.ok()) return;  // somebody else's
  state.reason = text_of(in.take(in.remaining()));
}

void put_segment(ByteWriter& out, const PathSegment& segment) {
  put_tlv(out, kSegment, [&] {
    out.u8(kTypeB);
    out.u8(0);
    out.u16(kSegmentFlags);
    out.put(segment.sid);
    out.u8(0);  // SR algorithm: the default
    if (!segment.behavior) return;
    put_tlv(out, kBehavior, [&] {
      out.u16(static_cast<std::uint16_t>(*segment.behavior));
      out.u16(0);  // flags, algorithm
    });
  });
}

void put_list(ByteWriter& out, const PathSegmentList& list) {
  put_tlv(out, kSegmentList, [&] {
    out.u16(list.flags);
    out.u16(0);
    out.u16(0);
    out.u16(0);
    out.u32(list.weight);
    for (const auto& segment : list.segments) put_segment(out, segment);
  });
}

}  // namespace

std::string PolicyPath::to_string() const {
  const auto address = headend.ipv6   ? IpAddress(*headend.ipv6)
                       : headend.ipv4 ? IpAddress(*headend.ipv4)
                                      : IpAddress(headend.router_id);
  return address.to_string() + " (" + headend.router_id.to_string() + "): path " +
         std::to_string(discriminator) + " of policy " + std::to_string(color.value) + " to " +
         endpoint.to_string();
}

Result<PolicyPath> decode_policy_path(std::span<const std::uint8_t> nlri) {
  ByteReader in(nlri);
  const auto type = in.u16();
  in.u16();  // the length
  if (type != static_cast<std::uint16_t>(LinkStateType::kSrPolicyPath)) {
    return malformed("route", "its type is " + std::to_string(type));
  }
  const auto protocol = in.u8();
  PolicyPath path;
  path.identifier = in.u64();
  if (!in.ok()) return bad_length("route", nlri.size());
  if (protocol != kSegmentRouting) {
    return malformed("route", "its Protocol-ID is " + std::to_string(protocol));
  }
  bool has_headend = false;
  bool has_path = false;
  LinkStateTlvCursor cursor(in.take(in.remaining()));
  LinkStateTlv tlv;
  while (cursor.next(tlv)) {
    if (tlv.type == kLocalNode && !has_headend) {
      auto headend = read_headend(tlv.value);
      if (!headend) return tl::unexpected(headend.error());
      path.headend = *headend;
      has_headend = true;
    } else if (tlv.type == kPathDescriptor && !has_path) {
      if (auto read = read_descriptor(tlv.value, path); !read) return tl::unexpected(read.error());
      has_path = true;
    }
  }
  if (!cursor.ok()) return malformed("route", "a TLV overruns it");
  if (!has_headend) return malformed("route", "no Local Node Descriptors");
  if (!has_path) return malformed("route", "no Candidate Path Descriptor");
  return path;
}

LinkStateNlri encode(const PolicyPath& path) {
  ByteWriter out;
  put_tlv(out, static_cast<std::uint16_t>(LinkStateType::kSrPolicyPath), [&] {
    out.u8(kSegmentRouting);
    out.u64(path.identifier);
    put_tlv(out, kLocalNode, [&] {
      put_tlv(out, kAsNumber, [&] { out.u32(path.headend.asn); });
      put_tlv(out, kRouterId, [&] { out.put(path.headend.router_id); });
      if (path.headend.ipv4) put_tlv(out, kIpv4RouterId, [&] { out.put(*path.headend.ipv4); });
      if (path.headend.ipv6) put_tlv(out, kIpv6RouterId, [&] { out.put(*path.headend.ipv6); });
    });
    put_tlv(out, kPathDescriptor, [&] {
      out.u8(static_cast<std::uint8_t>(path.origin));
      out.u8(static_cast<std::uint8_t>((path.endpoint.is_v6() ? kEndpointIsIpv6 : 0) |
                                       (path.originator.is_v6() ? kOriginatorIsIpv6 : 0)));
      out.u16(0);
      put(out, path.endpoint);
      out.u32(path.color.value);
      out.u32(path.originator_asn);
      put(out, path.originator);
      out.u32(path.discriminator);
    });
  });
  return {out.release()};
}

Result<PolicyPathState> decode_policy_path_state(std::span<const std::uint8_t> value) {
  PolicyPathState state;
  bool has_state = false;
  bool has_name = false;
  bool has_policy_name = false;
  LinkStateTlvCursor cursor(value);
  LinkStateTlv tlv;
  while (cursor.next(tlv)) {
    Result<void> read;
    if (tlv.type == kState && !std::exchange(has_state, true)) {
      read = read_state(tlv.value, state);
    } else if (tlv.type == kPathName && !std::exchange(has_name, true)) {
      state.name = text_of(tlv.value);
    } else if (tlv.type == kPolicyName && !std::exchange(has_policy_name, true)) {
      state.policy_name = text_of(tlv.value);
    } else if (tlv.type == kSrv6BindingSid && !state.binding_sid) {
      read = read_binding_sid(tlv.value, state);
    } else if (tlv.type == kSegmentList) {
      read = read_list(tlv.value, state);
    } else if (tlv.type == kReason && state.reason.empty()) {
      read_reason(tlv.value, state);
    }
    if (!read) return tl::unexpected(read.error());
  }
  if (!cursor.ok()) return malformed("attribute", "a TLV overruns it");
  return state;
}

std::vector<std::uint8_t> encode(const PolicyPathState& state) {
  ByteWriter out;
  put_tlv(out, kState, [&] {
    out.u8(state.priority);
    out.u8(0);
    out.u16(state.flags);
    out.u32(state.preference);
  });
  if (!state.name.empty()) put_tlv(out, kPathName, [&] { put_text(out, state.name); });
  for (const auto& list : state.lists) put_list(out, list);
  if (state.binding_sid) {
    put_tlv(out, kSrv6BindingSid, [&] {
      out.u16(state.binding_sid->flags);
      out.u16(0);
      out.put(state.binding_sid->sid);
      out.put(state.binding_sid->specified);
    });
  }
  if (!state.policy_name.empty()) {
    put_tlv(out, kPolicyName, [&] { put_text(out, state.policy_name); });
  }
  if (!state.reason.empty()) {
    put_tlv(out, kReason, [&] {
      out.u32(kNoEnterprise);
      put_text(out, state.reason);
    });
  }
  return out.release();
}

}  // namespace sextant::bgp
