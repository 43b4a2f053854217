#include "base/bytes.h"

#include <algorithm>

namespace sextant {
namespace {

template <typename T>
T big_endian(std::span<const std::uint8_t> bytes) {
  T value = 0;
  for (const auto byte : bytes) value = static_cast<T>(static_cast<T>(value << 8) | byte);
  return value;
}

}  // namespace

std::span<const std::uint8_t> ByteReader::take(std::size_t count) {
  if (!ok_ || count > remaining()) {
    ok_ = false;
    return {};
  }
  const auto taken = bytes_.subspan(at_, count);
  at_ += count;
  return taken;
}

ByteReader ByteReader::sub(std::size_t count) {
  ByteReader reader(take(count));
  reader.ok_ = ok_;
  return reader;
}

std::uint8_t ByteReader::u8() {
  const auto bytes = take(1);
  return bytes.empty() ? std::uint8_t{0} : bytes[0];
}
std::uint16_t ByteReader::u16() { return big_endian<std::uint16_t>(take(2)); }
std::uint32_t ByteReader::u32() { return big_endian<std::uint32_t>(take(4)); }
std::uint64_t ByteReader::u64() { return big_endian<std::uint64_t>(take(8)); }

Ipv4Address ByteReader::ipv4() {
  Ipv4Address::Bytes bytes{};
  std::ranges::copy(take(bytes.size()), bytes.begin());
  return Ipv4Address(bytes);
}

Ipv6Address ByteReader::ipv6() {
  Ipv6Address::Bytes bytes{};
  std::ranges::copy(take(bytes.size()), bytes.begin());
  return Ipv6Address(bytes);
}

void ByteWriter::u16(std::uint16_t value) {
  u8(static_cast<std::uint8_t>(value >> 8));
  u8(static_cast<std::uint8_t>(value));
}
void ByteWriter::u32(std::uint32_t value) {
  u16(static_cast<std::uint16_t>(value >> 16));
  u16(static_cast<std::uint16_t>(value));
}
void ByteWriter::u64(std::uint64_t value) {
  u32(static_cast<std::uint32_t>(value >> 32));
  u32(static_cast<std::uint32_t>(value));
}
void ByteWriter::put(std::span<const std::uint8_t> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}
void ByteWriter::patch_u16(std::size_t position, std::uint16_t value) {
  bytes_.at(position + 1) = static_cast<std::uint8_t>(value);  // first: throws before it writes
  bytes_[position] = static_cast<std::uint8_t>(value >> 8);
}

}  // namespace sextant
