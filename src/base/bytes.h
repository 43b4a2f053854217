// Checked cursors over bytes, for wire codecs. All integers are big endian (network order).
//
// A reader that runs past the end turns bad and stays bad: reads return zeros, nothing remains (so
// that a loop over what remains ends), and the caller asks ok() once at the end of a block. A
// sub-reader sees only its own bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace sextant {

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t remaining() const { return ok_ ? bytes_.size() - at_ : 0; }
  [[nodiscard]] std::size_t position() const { return at_; }

  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  Ipv4Address ipv4();
  Ipv6Address ipv6();
  /// `count` bytes, or an empty span and a bad reader.
  std::span<const std::uint8_t> take(std::size_t count);
  /// A reader over the next `count` bytes; a bad one where there are fewer.
  ByteReader sub(std::size_t count);

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

class ByteWriter {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(value); }
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  void put(std::span<const std::uint8_t> bytes);
  void put(const Ipv6Address& address) { put(address.bytes()); }
  void put(const Ipv4Address& address) { put(address.bytes()); }
  /// Overwrites what was written at `position`: for lengths known only afterwards.
  void patch_u8(std::size_t position, std::uint8_t value) { bytes_.at(position) = value; }
  void patch_u16(std::size_t position, std::uint16_t value);
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] const std::vector<std::uint8_t>& bytes() const { return bytes_; }
  [[nodiscard]] std::vector<std::uint8_t> release() { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
};

}  // namespace sextant
