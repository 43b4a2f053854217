#include "bgp/wire/link_state.h"

#include <algorithm>
#include <cstdio>
#include <tuple>

#include "bgp/wire/link_state_policy.h"

namespace sextant::bgp {
namespace {

constexpr std::size_t kHeader = 4;  // type and length
constexpr std::size_t kObject = 9;  // Protocol-ID and Identifier (RFC 9552 section 5.2)
constexpr std::size_t kShown = 8;   // bytes of an unknown route in texts
constexpr std::uint16_t kLocalNode = 256;
constexpr std::uint16_t kRemoteNode = 257;

/// Whether the TLVs fill the bytes, in the order that makes equal objects equal routes: by type,
/// then length, then value (RFC 9552 section 5.1).
bool well_formed(std::span<const std::uint8_t> tlvs, bool top) {
  LinkStateTlvCursor cursor(tlvs);
  LinkStateTlv tlv;
  std::optional<LinkStateTlv> before;
  while (cursor.next(tlv)) {
    if (before) {
      const auto earlier = std::pair(before->type, before->value.size());
      const auto later = std::pair(tlv.type, tlv.value.size());
      if (later < earlier ||
          (later == earlier && std::ranges::lexicographical_compare(tlv.value, before->value))) {
        return false;
      }
    }
    before = tlv;
    const bool node = tlv.type == kLocalNode || tlv.type == kRemoteNode;
    if (top && node && !well_formed(tlv.value, false)) return false;
  }
  return cursor.ok();
}

bool is_known_type(std::uint16_t type) {
  return type >= static_cast<std::uint16_t>(LinkStateType::kNode) &&
         type <= static_cast<std::uint16_t>(LinkStateType::kSrv6Sid);
}

}  // namespace

LinkStateType LinkStateNlri::type() const {
  return static_cast<LinkStateType>(ByteReader(bytes).u16());
}

std::string LinkStateNlri::to_string() const {
  if (type() == LinkStateType::kSrPolicyPath) {
    if (const auto path = decode_policy_path(bytes)) return path->to_string();
  }
  std::string text = "type " + std::to_string(static_cast<unsigned>(type())) + ", " +
                     std::to_string(bytes.size()) + " bytes:";
  for (std::size_t i = kHeader; i < std::min(bytes.size(), kHeader + kShown); ++i) {
    char digits[4];
    std::snprintf(digits, sizeof digits, " %02x", bytes[i]);
    text += digits;
  }
  return text;
}

bool LinkStateNlriCursor::next(std::span<const std::uint8_t>& nlri) {
  while (reader_.remaining() > 0) {
    const auto begin = reader_.position();
    const auto type = reader_.u16();
    const auto value = reader_.take(reader_.u16());
    if (!reader_.ok()) return false;
    // RFC 9552 section 5.2: of a type that is not known, nothing but the length can be wrong.
    const bool good = !is_known_type(type) ||
                      (value.size() >= kObject && well_formed(value.subspan(kObject), true));
    if (!good) {
      ++skipped_;
      continue;
    }
    nlri = bytes_.subspan(begin, reader_.position() - begin);
    return true;
  }
  return false;
}

bool LinkStateTlvCursor::next(LinkStateTlv& tlv) {
  if (reader_.remaining() == 0) return false;
  tlv.type = reader_.u16();
  tlv.value = reader_.take(reader_.u16());
  return reader_.ok();
}

std::string link_state_attribute_fault(std::span<const std::uint8_t> value) {
  LinkStateTlvCursor cursor(value);
  LinkStateTlv tlv;
  while (cursor.next(tlv)) {
  }
  if (!cursor.ok()) return "a TLV overruns it";
  const auto state = decode_policy_path_state(value);
  return state ? "" : state.error().object + ": " + state.error().cause;
}

void encode(const LinkStateNlri& nlri, std::vector<std::uint8_t>& out) {
  out.insert(out.end(), nlri.bytes.begin(), nlri.bytes.end());
}

}  // namespace sextant::bgp
