#include "bgp/wire/tunnel_encap.h"

#include <cassert>

namespace sextant::bgp {
namespace {

constexpr std::uint8_t kTwoByteLength = 128;  // RFC 9012 section 2: types from here on

}  // namespace

void encode(const SubTlv& sub_tlv, ByteWriter& out) {
  out.u8(sub_tlv.type);
  if (sub_tlv.type >= kTwoByteLength) {
    assert(sub_tlv.value.size() <= 0xffff);
    out.u16(static_cast<std::uint16_t>(sub_tlv.value.size()));
  } else {
    assert(sub_tlv.value.size() <= 0xff);
    out.u8(static_cast<std::uint8_t>(sub_tlv.value.size()));
  }
  out.put(sub_tlv.value);
}

bool TunnelCursor::next(TunnelView& tunnel) {
  if (reader_.remaining() == 0) return false;
  tunnel.type = reader_.u16();
  tunnel.sub_tlvs = reader_.take(reader_.u16());
  return reader_.ok();
}

bool SubTlvCursor::next(SubTlvView& sub_tlv) {
  if (reader_.remaining() == 0) return false;
  sub_tlv.type = reader_.u8();
  sub_tlv.value = reader_.take(sub_tlv.type >= kTwoByteLength ? reader_.u16() : reader_.u8());
  return reader_.ok();
}

}  // namespace sextant::bgp
