#include "bgp/wire/nlri.h"

#include <algorithm>
#include <cstdio>

#include "bgp/wire/link_state.h"

namespace sextant::bgp {
namespace {

constexpr unsigned kSrPolicyBits[] = {96, 192};  // RFC 9830 section 2.1, by family
constexpr unsigned kLabelBits = 24;              // RFC 8277 section 2.2: one label
constexpr unsigned kDistinguisherBits = 64;      // RFC 4364 section 4.2

constexpr std::size_t bytes_of(unsigned bits) { return (bits + 7) / 8; }

// Lengths alone decide whether prefixes can be read (RFC 7606 section 5.3).
NlriCheck check_prefixes(unsigned most, std::span<const std::uint8_t> bytes) {
  NlriCheck check;
  std::size_t at = 0;
  while (at < bytes.size()) {
    const unsigned bits = bytes[at];
    at += 1 + bytes_of(bits);
    if (bits > most || at > bytes.size()) {
      check.ok = false;
      return check;
    }
    ++check.count;
  }
  return check;
}

template <typename Nlri, typename Cursor>
NlriCheck walk(Cursor& cursor) {
  NlriCheck check;
  Nlri nlri;
  while (cursor.next(nlri)) ++check.count;
  check.ok = cursor.ok();
  return check;
}

void put(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& out) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void put(std::uint32_t value, unsigned bytes, std::vector<std::uint8_t>& out) {
  for (unsigned shift = bytes * 8; shift > 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> (shift - 8)));
  }
}

// RFC 4364 section 4.2
std::string distinguisher_text(const std::array<std::uint8_t, 8>& bytes) {
  ByteReader reader(bytes);
  const auto type = reader.u16();
  if (type == 0) {
    const auto asn = reader.u16();
    return std::to_string(asn) + ":" + std::to_string(reader.u32());
  }
  if (type == 1) {
    const auto address = reader.ipv4();
    return address.to_string() + ":" + std::to_string(reader.u16());
  }
  if (type == 2) {
    const auto asn = reader.u32();
    return std::to_string(asn) + ":" + std::to_string(reader.u16());
  }
  std::string text = "0x";
  for (const auto byte : bytes) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

}  // namespace

PrefixNlri PrefixNlri::of(const IpPrefix& prefix) {
  PrefixNlri nlri;
  std::ranges::copy(prefix.address().bytes(), nlri.bytes.begin());
  nlri.length = prefix.length();
  return nlri;
}

IpPrefix PrefixNlri::prefix(Afi afi) const {
  if (afi == Afi::kIpv4) {
    return IpPrefix(Ipv4Address({bytes[0], bytes[1], bytes[2], bytes[3]}), length);
  }
  return IpPrefix(Ipv6Address(bytes), length);
}

std::string SrPolicyNlri::to_string() const {
  return std::to_string(distinguisher) + ":" + std::to_string(color.value) + ":" +
         endpoint.to_string();
}

std::string VpnNlri::to_string(Afi afi) const {
  return distinguisher_text(distinguisher) + ":" + prefix.prefix(afi).to_string();
}

bool SrPolicyNlriCursor::next(SrPolicyNlri& nlri) {
  const unsigned expected = kSrPolicyBits[afi_ == Afi::kIpv4 ? 0 : 1];
  while (reader_.remaining() > 0) {
    const unsigned bits = reader_.u8();
    if (bits != kSrPolicyBits[0] && bits != kSrPolicyBits[1]) {
      reader_.take(reader_.remaining() + 1);  // where the next one begins cannot be known
      break;
    }
    ByteReader one = reader_.sub(bytes_of(bits));
    if (!reader_.ok()) break;
    if (bits != expected) {
      ++skipped_;
      continue;
    }
    nlri.distinguisher = one.u32();
    nlri.color.value = one.u32();
    nlri.endpoint = afi_ == Afi::kIpv4 ? IpAddress(one.ipv4()) : IpAddress(one.ipv6());
    return true;
  }
  ok_ = reader_.ok();
  return false;
}

bool VpnNlriCursor::next(VpnNlri& nlri) {
  if (reader_.remaining() == 0) return false;
  const unsigned bits = reader_.u8();
  constexpr unsigned kFixed = kLabelBits + kDistinguisherBits;
  ByteReader one = reader_.sub(bytes_of(bits));
  if (!reader_.ok() || bits < kFixed || bits - kFixed > bits_) {
    ok_ = false;
    reader_.take(reader_.remaining() + 1);
    return false;
  }
  const std::uint32_t high = one.u8();
  nlri.label = high << 16U | one.u16();
  std::ranges::copy(one.take(nlri.distinguisher.size()), nlri.distinguisher.begin());
  nlri.prefix.length = static_cast<std::uint8_t>(bits - kFixed);
  nlri.prefix.bytes.fill(0);
  std::ranges::copy(one.take(one.remaining()), nlri.prefix.bytes.begin());
  const unsigned odd = nlri.prefix.length % 8;
  if (odd != 0)
    nlri.prefix.bytes[nlri.prefix.length / 8] &= static_cast<std::uint8_t>(0xff00U >> odd);
  return true;
}

void encode(const PrefixNlri& nlri, std::vector<std::uint8_t>& out) {
  out.push_back(nlri.length);
  put(std::span(nlri.bytes).first(bytes_of(nlri.length)), out);
}

void encode(const SrPolicyNlri& nlri, std::vector<std::uint8_t>& out) {
  out.push_back(static_cast<std::uint8_t>(kSrPolicyBits[nlri.endpoint.is_v4() ? 0 : 1]));
  put(nlri.distinguisher, 4, out);
  put(nlri.color.value, 4, out);
  put(nlri.endpoint.bytes(), out);
}

void encode(const VpnNlri& nlri, std::vector<std::uint8_t>& out) {
  out.push_back(static_cast<std::uint8_t>(kLabelBits + kDistinguisherBits + nlri.prefix.length));
  put(nlri.label, 3, out);
  put(nlri.distinguisher, out);
  put(std::span(nlri.prefix.bytes).first(bytes_of(nlri.prefix.length)), out);
}

NlriCheck check_nlri(Family family, std::span<const std::uint8_t> bytes) {
  switch (family.safi) {
    case Safi::kSrPolicy: {
      SrPolicyNlriCursor cursor(family.afi, bytes);
      auto check = walk<SrPolicyNlri>(cursor);
      check.skipped = cursor.skipped();
      return check;
    }
    case Safi::kMplsVpn: {
      VpnNlriCursor cursor(family.afi, bytes);
      return walk<VpnNlri>(cursor);
    }
    case Safi::kLinkState: {
      LinkStateNlriCursor cursor(bytes);
      auto check = walk<std::span<const std::uint8_t>>(cursor);
      check.skipped = cursor.skipped();
      return check;
    }
    case Safi::kUnicast:
      break;
  }
  return check_prefixes(family.afi == Afi::kIpv4 ? 32 : 128, bytes);
}

}  // namespace sextant::bgp
