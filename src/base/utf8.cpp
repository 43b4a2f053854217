#include "base/utf8.h"

#include <algorithm>
#include <cstddef>

namespace sextant {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool in(unsigned char byte, unsigned char low, unsigned char high) {
  return byte >= low && byte <= high;
}

/// Bytes of the well-formed sequence at the start, 0 where there is none (Unicode table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const std::size_t length = in(first, 0xc2, 0xdf)   ? 2
                             : in(first, 0xe0, 0xef) ? 3
                             : in(first, 0xf0, 0xf4) ? 4
                                                     : 0;
  if (length == 0 || text.size() < length) return 0;
  const unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (!in(at(1), low, high)) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (!in(at(i), 0x80, 0xbf)) return 0;
  return length;
}

}  // namespace

std::string as_utf8(std::string_view bytes) {
  if (std::ranges::all_of(bytes, [](char byte) { return static_cast<unsigned char>(byte) < 0x80; }))
    return std::string(bytes);
  std::string text;
  text.reserve(bytes.size());
  while (!bytes.empty()) {
    const auto length = sequence_length(bytes);
    text += length == 0 ? kReplacement : bytes.substr(0, length);
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  return text;
}

}  // namespace sextant
