#include "bgp/wire/prefix_sid.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace sextant::bgp {
namespace {

// IANA "BGP Prefix-SID TLV Types", "SRv6 Service Sub-TLV Types" and "... Data Sub-Sub-TLV Types".
constexpr std::uint8_t kL3Service = 5;
constexpr std::uint8_t kSidInformation = 1;
constexpr std::uint8_t kSidStructure = 1;

constexpr unsigned kAddressBits = 128;
constexpr unsigned kLabelFieldBits = 24;

tl::unexpected<Error> malformed(std::string object, std::string cause) {
  return failure("read Prefix-SID", std::move(object), std::move(cause));
}

// RFC 9252 section 3.2.1
Result<void> read_structure(ByteReader in, ServiceSid& sid) {
  srv6::SidStructure structure;
  structure.block = in.u8();
  structure.node = in.u8();
  structure.function = in.u8();
  structure.argument = in.u8();
  sid.transposition.length = in.u8();
  sid.transposition.offset = in.u8();
  if (!in.ok() || in.remaining() > 0) return malformed("SID structure", "its length is not 6");
  const unsigned total =
      0U + structure.block + structure.node + structure.function + structure.argument;
  if (total > kAddressBits) {
    return malformed("SID structure", "its lengths add up to " + std::to_string(total) + " bits");
  }
  if (0U + sid.transposition.length + sid.transposition.offset > kAddressBits ||
      sid.transposition.length > kLabelFieldBits) {
    return malformed("SID structure", "the transposed bits do not lie in the SID and the label");
  }
  sid.structure = structure;
  return {};
}

// RFC 9252 section 3.1
Result<ServiceSid> read_sid_information(ByteReader in) {
  ServiceSid sid;
  in.u8();  // reserved
  sid.sid = in.ipv6();
  sid.flags = in.u8();
  sid.behavior = static_cast<srv6::Behavior>(in.u16());
  in.u8();  // reserved
  while (in.remaining() > 0) {
    const auto type = in.u8();
    const auto value = in.sub(in.u16());
    if (!in.ok()) break;
    if (type != kSidStructure) continue;
    if (auto read = read_structure(value, sid); !read) return tl::unexpected(read.error());
  }
  if (!in.ok()) return malformed("SRv6 SID information", "it is cut short");
  return sid;
}

// RFC 9252 section 2: a reserved byte, then sub-TLVs.
Result<void> read_l3_service(ByteReader in, std::vector<ServiceSid>& sids) {
  in.u8();
  while (in.remaining() > 0) {
    const auto type = in.u8();
    const auto value = in.sub(in.u16());
    if (!in.ok()) break;
    if (type != kSidInformation) continue;
    auto sid = read_sid_information(value);
    if (!sid) return tl::unexpected(sid.error());
    sids.push_back(*sid);
  }
  if (!in.ok()) return malformed("SRv6 L3 Service", "a sub-TLV overruns it");
  return {};
}

void write_sid(const ServiceSid& sid, ByteWriter& out) {
  out.u8(kSidInformation);
  out.u16(sid.structure ? 30 : 21);
  out.u8(0);
  out.put(sid.sid);
  out.u8(sid.flags);
  out.u16(static_cast<std::uint16_t>(sid.behavior));
  out.u8(0);
  if (!sid.structure) return;
  out.u8(kSidStructure);
  out.u16(6);
  out.u8(sid.structure->block);
  out.u8(sid.structure->node);
  out.u8(sid.structure->function);
  out.u8(sid.structure->argument);
  out.u8(sid.transposition.length);
  out.u8(sid.transposition.offset);
}

}  // namespace

std::optional<Ipv6Address> full_sid(const ServiceSid& sid, std::uint32_t label) {
  const unsigned length = sid.transposition.length;
  const unsigned offset = sid.transposition.offset;
  if (length > kLabelFieldBits || length + offset > kAddressBits) return std::nullopt;
  // RFC 9252 section 4: the bits stand at the high end of the label field.
  auto bytes = sid.sid.bytes();
  for (unsigned i = 0; i < length; ++i) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> ((offset + i) % 8));
    auto& byte = bytes[(offset + i) / 8];
    const bool set = (label >> (kLabelFieldBits - 1 - i) & 1U) != 0;
    byte = static_cast<std::uint8_t>(set ? byte | mask : byte & ~mask);
  }
  return Ipv6Address(bytes);
}

Result<PrefixSid> decode_prefix_sid(std::span<const std::uint8_t> value) {
  PrefixSid prefix_sid;
  ByteReader reader(value);
  while (reader.remaining() > 0) {  // RFC 8669 section 3
    const auto type = reader.u8();
    const auto bytes = reader.take(reader.u16());
    if (!reader.ok()) break;
    if (type == kL3Service) {
      auto read = read_l3_service(ByteReader(bytes), prefix_sid.l3_services);
      if (!read) return tl::unexpected(read.error());
    } else {
      prefix_sid.others.push_back({type, {bytes.begin(), bytes.end()}});
    }
  }
  if (!reader.ok()) return malformed("attribute", "a TLV overruns it");
  return prefix_sid;
}

std::vector<std::uint8_t> encode(const PrefixSid& prefix_sid) {
  ByteWriter out;
  for (const auto& sid : prefix_sid.l3_services) {
    ByteWriter service;
    service.u8(0);
    write_sid(sid, service);
    out.u8(kL3Service);
    out.u16(static_cast<std::uint16_t>(service.size()));
    out.put(service.bytes());
  }
  for (const auto& tlv : prefix_sid.others) {
    out.u8(tlv.type);
    out.u16(static_cast<std::uint16_t>(tlv.value.size()));
    out.put(tlv.value);
  }
  return out.release();
}

}  // namespace sextant::bgp
