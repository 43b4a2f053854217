#include "injector/gobgp/tunnel_messages.h"

#include <algorithm>
#include <string>
#include <utility>

#include "attribute.pb.h"
#include "bgp/wire/tunnel_encap.h"

namespace sextant::injector {
namespace {

using bgp::Segment;
using bgp::SegmentType;

// RFC 9830 section 2.4.4.2.3: the bits that SegmentFlags has.
constexpr std::uint8_t kFlagV = 0x80;
constexpr std::uint8_t kFlagA = 0x40;
constexpr std::uint8_t kFlagS = 0x20;
constexpr std::uint8_t kFlagB = 0x10;
constexpr std::uint8_t kKnownSegmentFlags = kFlagV | kFlagA | kFlagS | kFlagB;
// RFC 9830 section 2.4.2: the bits that SRBindingSID has.
constexpr std::uint8_t kFlagSpecifiedOnly = 0x80;
constexpr std::uint8_t kFlagDropUponInvalid = 0x40;

std::string bytes_of(const Ipv6Address& address) {
  return {address.bytes().begin(), address.bytes().end()};
}

template <typename Message>
void add(apipb::TunnelEncapTLV& tunnel, const Message& message) {
  tunnel.add_tlvs()->PackFrom(message);
}

bool has_message(const Segment& segment) {
  return segment.type == SegmentType::kB && (segment.flags & ~kKnownSegmentFlags) == 0;
}

bool has_message(const bgp::WeightedSegmentList& list) {
  return list.weight && list.unknown.empty() &&
         std::ranges::all_of(list.segments, [](const Segment& each) { return has_message(each); });
}

bool has_message(const bgp::BindingSid& binding) {
  return binding.sid && !binding.label &&
         (binding.flags & ~(kFlagSpecifiedOnly | kFlagDropUponInvalid)) == 0;
}

apipb::SegmentTypeB message_of(const Segment& segment) {
  apipb::SegmentTypeB out;
  auto& flags = *out.mutable_flags();
  flags.set_v_flag((segment.flags & kFlagV) != 0);
  flags.set_a_flag((segment.flags & kFlagA) != 0);
  flags.set_s_flag((segment.flags & kFlagS) != 0);
  flags.set_b_flag((segment.flags & kFlagB) != 0);
  out.set_sid(bytes_of(segment.sid));
  if (segment.behavior) {
    auto& behavior = *out.mutable_endpoint_behavior_structure();
    // The enumeration is open: code points that GoBGP has no name for go through.
    behavior.set_behavior(static_cast<apipb::SRv6Behavior>(segment.behavior->behavior));
    behavior.set_block_len(segment.behavior->structure.block);
    behavior.set_node_len(segment.behavior->structure.node);
    behavior.set_func_len(segment.behavior->structure.function);
    behavior.set_arg_len(segment.behavior->structure.argument);
  }
  return out;
}

apipb::TunnelEncapSubTLVSRSegmentList message_of(const bgp::WeightedSegmentList& list) {
  apipb::TunnelEncapSubTLVSRSegmentList out;
  out.mutable_weight()->set_weight(*list.weight);
  for (const Segment& segment : list.segments) {
    out.add_segments()->PackFrom(message_of(segment));
  }
  return out;
}

/// Byte for byte, each sub-TLV on its own.
Result<void> add_bytes(const bgp::SrPolicyTunnel& tunnel, apipb::TunnelEncapTLV& out) {
  const auto bytes = bgp::encode_sr_policy(tunnel);
  if (!bytes) return tl::unexpected(bytes.error());
  bgp::TunnelCursor tunnels(*bytes);
  bgp::TunnelView view;
  while (tunnels.next(view)) {
    bgp::SubTlvCursor sub_tlvs(view.sub_tlvs);
    bgp::SubTlvView sub_tlv;
    while (sub_tlvs.next(sub_tlv)) {
      apipb::TunnelEncapSubTLVUnknown unknown;
      unknown.set_type(sub_tlv.type);
      unknown.set_value(std::string(sub_tlv.value.begin(), sub_tlv.value.end()));
      add(out, unknown);
    }
  }
  return {};
}

Result<void> add_list(const bgp::WeightedSegmentList& list, apipb::TunnelEncapTLV& out) {
  if (!has_message(list)) return add_bytes({.lists = {list}}, out);
  add(out, message_of(list));
  return {};
}

/// Sends what has a message, lists aside, and takes it out of `tunnel`.
///
/// The candidate path's name goes first: GoBGP 3.10 reads three bytes beyond its end when it
/// receives one, and ends where there are none.
void move_messages(bgp::SrPolicyTunnel& tunnel, apipb::TunnelEncapTLV& out) {
  if (!tunnel.candidate_path_name.empty()) {
    apipb::TunnelEncapSubTLVSRCandidatePathName name;
    name.set_candidate_path_name(std::exchange(tunnel.candidate_path_name, {}));
    add(out, name);
  }
  if (tunnel.preference) {
    apipb::TunnelEncapSubTLVSRPreference preference;
    preference.set_preference(*std::exchange(tunnel.preference, {}));
    add(out, preference);
  }
  if (tunnel.priority) {
    apipb::TunnelEncapSubTLVSRPriority priority;
    priority.set_priority(*std::exchange(tunnel.priority, {}));
    add(out, priority);
  }
  if (tunnel.enlp) {
    apipb::TunnelEncapSubTLVSRENLP enlp;
    enlp.set_enlp(static_cast<apipb::ENLPType>(*std::exchange(tunnel.enlp, {})));
    add(out, enlp);
  }
  if (tunnel.binding_sid && has_message(*tunnel.binding_sid)) {
    const auto binding = *std::exchange(tunnel.binding_sid, {});
    apipb::SRBindingSID sid;
    sid.set_s_flag((binding.flags & kFlagSpecifiedOnly) != 0);
    sid.set_i_flag((binding.flags & kFlagDropUponInvalid) != 0);
    sid.set_sid(bytes_of(*binding.sid));
    apipb::TunnelEncapSubTLVSRBindingSID message;
    message.mutable_bsid()->PackFrom(sid);
    add(out, message);
  }
}

}  // namespace

Result<void> write_tunnel(const bgp::SrPolicyTunnel& tunnel, apipb::TunnelEncapAttribute& out) {
  // What does not fit its length field is found before GoBGP cuts it.
  if (auto whole = bgp::encode_sr_policy(tunnel); !whole) return tl::unexpected(whole.error());

  apipb::TunnelEncapTLV& message = *out.add_tlvs();
  message.set_type(bgp::kTunnelTypeSrPolicy);
  bgp::SrPolicyTunnel rest = tunnel;
  const auto lists = std::exchange(rest.lists, {});
  move_messages(rest, message);
  if (auto added = add_bytes(rest, message); !added) return added;
  for (const auto& list : lists) {
    if (auto added = add_list(list, message); !added) return added;
  }
  return {};
}

}  // namespace sextant::injector
