#include "bgp/wire/update_writer.h"

#include <algorithm>
#include <cassert>

#include "bgp/wire/attributes.h"
#include "bgp/wire/message.h"

namespace sextant::bgp {
namespace {

constexpr std::size_t kLengths = 4;  // Withdrawn Routes Length, Total Path Attribute Length

void put_u16(std::vector<std::uint8_t>& out, std::size_t value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

void patch_u16(std::vector<std::uint8_t>& out, std::size_t at, std::size_t value) {
  out[at] = static_cast<std::uint8_t>(value >> 8);
  out[at + 1] = static_cast<std::uint8_t>(value);
}

void put_header(std::vector<std::uint8_t>& out) {
  out.insert(out.end(), 16, 0xff);
  put_u16(out, 0);
  out.push_back(static_cast<std::uint8_t>(MessageType::kUpdate));
}

void put_family(std::vector<std::uint8_t>& out, Family family) {
  put_u16(out, static_cast<std::uint16_t>(family.afi));
  out.push_back(static_cast<std::uint8_t>(family.safi));
}

// Flags, type and a length of two bytes, to be patched.
void put_mp_header(std::vector<std::uint8_t>& out, AttributeType type) {
  out.push_back(kFlagOptional | kFlagExtendedLength);
  out.push_back(static_cast<std::uint8_t>(type));
  put_u16(out, 0);
}

// Where NEXT_HOP belongs in a block that is ordered by type code (RFC 4271 section 5).
std::size_t next_hop_position(std::span<const std::uint8_t> block) {
  std::size_t at = 0;
  while (at + 3 <= block.size() &&
         block[at + 1] < static_cast<std::uint8_t>(AttributeType::kNextHop)) {
    const bool long_length = (block[at] & kFlagExtendedLength) != 0;
    if (long_length && at + 4 > block.size()) break;
    at += long_length ? 4U + static_cast<std::size_t>(block[at + 2] << 8U | block[at + 3])
                      : 3U + block[at + 2];
  }
  return std::min(at, block.size());
}

}  // namespace

bool UpdateWriter::begin(std::span<const std::uint8_t> attributes, const NextHop& next_hop,
                         std::size_t largest) {
  finish();
  head_.clear();
  tail_.clear();
  head_mp_length_at_ = 0;
  // RFC 4760 section 3 would allow MP_REACH_NLRI for IPv4 through IPv4, but not every peer reads
  // it.
  if (family_ == kIpv4Unicast && next_hop.address.is_v4()) {
    put_u16(head_, 0);
    put_u16(head_, attributes.size() + 7);
    const auto before = next_hop_position(attributes);
    head_.insert(head_.end(), attributes.begin(),
                 attributes.begin() + static_cast<std::ptrdiff_t>(before));
    const auto address = next_hop.address.bytes();
    head_.insert(head_.end(), {kFlagTransitive, static_cast<std::uint8_t>(AttributeType::kNextHop),
                               static_cast<std::uint8_t>(address.size())});
    head_.insert(head_.end(), address.begin(), address.end());
    head_.insert(head_.end(), attributes.begin() + static_cast<std::ptrdiff_t>(before),
                 attributes.end());
  } else {
    // RFC 7606 section 5.1: first, so that a broken attribute behind it does not hide the routes.
    put_u16(head_, 0);
    put_u16(head_, 0);
    head_mp_length_at_ = head_.size() + 2;
    put_mp_header(head_, AttributeType::kMpReach);
    put_family(head_, family_);
    const auto length_at = head_.size();
    head_.push_back(0);
    encode_next_hop(family_, next_hop, head_);
    head_[length_at] = static_cast<std::uint8_t>(head_.size() - length_at - 1);
    head_.push_back(0);  // reserved
    tail_.assign(attributes.begin(), attributes.end());
  }
  return kHeaderSize + head_.size() + tail_.size() + largest <= limit_;
}

void UpdateWriter::open(Open kind) {
  start_ = out_.size();
  open_ = kind;
  mp_length_at_ = 0;
  put_header(out_);
  if (kind == Open::kAnnouncement) {
    if (head_mp_length_at_ != 0) mp_length_at_ = out_.size() + head_mp_length_at_;
    out_.insert(out_.end(), head_.begin(), head_.end());
  } else if (family_ == kIpv4Unicast) {
    put_u16(out_, 0);  // Withdrawn Routes Length
  } else {
    put_u16(out_, 0);
    put_u16(out_, 0);
    mp_length_at_ = out_.size() + 2;
    put_mp_header(out_, AttributeType::kMpUnreach);
    put_family(out_, family_);
  }
}

void UpdateWriter::finish() {
  if (open_ == Open::kNothing) return;
  const auto body = start_ + kHeaderSize;
  if (mp_length_at_ != 0) {
    patch_u16(out_, mp_length_at_, out_.size() - mp_length_at_ - 2);
    if (open_ == Open::kAnnouncement) out_.insert(out_.end(), tail_.begin(), tail_.end());
    patch_u16(out_, body + 2, out_.size() - body - kLengths);
  } else if (open_ == Open::kWithdrawal) {
    patch_u16(out_, body, out_.size() - body - 2);
    put_u16(out_, 0);  // Total Path Attribute Length
  }
  const auto size = out_.size() - start_;
  assert(size <= limit_);
  patch_u16(out_, start_ + 16, size);
  open_ = Open::kNothing;
}

template <typename Nlri>
void UpdateWriter::add(Open kind, const Nlri& nlri) {
  // What finish() appends behind the routes.
  const std::size_t behind = kind == Open::kAnnouncement ? tail_.size() : 2;
  if (open_ != kind || out_.size() - start_ + encoded_size(nlri) + behind > limit_) {
    finish();
    open(kind);
  }
  encode(nlri, out_);
}

void UpdateWriter::announce(const PrefixNlri& nlri) { add(Open::kAnnouncement, nlri); }
void UpdateWriter::announce(const SrPolicyNlri& nlri) { add(Open::kAnnouncement, nlri); }
void UpdateWriter::announce(const VpnNlri& nlri) { add(Open::kAnnouncement, nlri); }
void UpdateWriter::announce(const LinkStateNlri& nlri) { add(Open::kAnnouncement, nlri); }
void UpdateWriter::withdraw(const PrefixNlri& nlri) { add(Open::kWithdrawal, nlri); }
void UpdateWriter::withdraw(const SrPolicyNlri& nlri) { add(Open::kWithdrawal, nlri); }
void UpdateWriter::withdraw(const VpnNlri& nlri) { add(Open::kWithdrawal, nlri); }
void UpdateWriter::withdraw(const LinkStateNlri& nlri) { add(Open::kWithdrawal, nlri); }

std::vector<std::uint8_t> encode_end_of_rib(Family family) {
  std::vector<std::uint8_t> body(kLengths, 0);
  if (family != kIpv4Unicast) {
    put_mp_header(body, AttributeType::kMpUnreach);
    body.back() = 3;
    put_family(body, family);
    body[3] = static_cast<std::uint8_t>(body.size() - kLengths);
  }
  return encode_message(MessageType::kUpdate, body);
}

}  // namespace sextant::bgp
