// AS paths, with four-byte AS numbers inside. RFC 4271 sections 4.3 b and 5.1.2, RFC 5065
// (confederations), RFC 6793 (AS4_PATH).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace sextant::bgp {

struct AsSegment {
  enum class Type : std::uint8_t {
    kSet = 1,
    kSequence = 2,
    kConfedSequence = 3,
    kConfedSet = 4,
  };
  Type type = Type::kSequence;
  std::vector<std::uint32_t> asns = {};
  friend bool operator==(const AsSegment&, const AsSegment&) = default;
};

struct AsPath {
  std::vector<AsSegment> segments = {};

  /// RFC 4271 section 9.1.2.2 a: a set counts one; RFC 5065 section 5.3: confederation segments
  /// count nothing.
  [[nodiscard]] std::size_t length() const;
  /// The AS that the route came from (MED is compared within one): the first of a sequence in
  /// front, confederation segments aside; none of a local route or one that begins with a set.
  [[nodiscard]] std::optional<std::uint32_t> neighbor() const;
  [[nodiscard]] bool contains(std::uint32_t asn) const;
  /// RFC 4271 section 5.1.2 b.
  void prepend(std::uint32_t asn);
  /// "64512 {64513 64514}", confederations in () and []
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const AsPath&, const AsPath&) = default;
};

/// Of the attribute's value, with AS numbers of 4 or 2 bytes. Errors (RFC 7606 section 7.2): an
/// unknown segment type, an empty segment, an overrun. AS 0 is not one of them (RFC 7607: the
/// caller asks contains(0)).
[[nodiscard]] Result<AsPath> decode_as_path(std::span<const std::uint8_t> value, bool four_octets);
/// With two octets, AS numbers above 65535 become kAsTrans.
void encode(const AsPath& path, bool four_octets, ByteWriter& out);
/// RFC 6793 section 4.2.3: the path of an old speaker with the numbers of AS4_PATH put in.
[[nodiscard]] AsPath merge_as4_path(const AsPath& path, const AsPath& as4_path);

}  // namespace sextant::bgp
