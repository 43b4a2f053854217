#include "base/base64.h"

#include <cstdint>

namespace sextant {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes;
  std::uint32_t group = 0;
  std::size_t characters = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (is_space(c)) continue;
    const auto digit = kAlphabet.find(c);
    const bool pads = c == '=';
    if (pads) ++padding;
    if ((digit == std::string_view::npos && !pads) || (padding != 0 && !pads)) return std::nullopt;
    group = group << 6U | (pads ? 0U : static_cast<std::uint32_t>(digit));
    if (++characters % 4 != 0) continue;
    for (const auto shift : {16U, 8U, 0U}) bytes += static_cast<char>(group >> shift & 0xffU);
    group = 0;
  }
  if (characters % 4 != 0 || padding > 2) return std::nullopt;
  bytes.resize(bytes.size() - padding);
  return bytes;
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = i; j < i + 3; ++j)
      group = group << 8U | (j < bytes.size() ? static_cast<std::uint8_t>(bytes[j]) : 0U);
    const auto given = bytes.size() - i;
    for (const auto shift : {18U, 12U, 6U, 0U}) text += kAlphabet[group >> shift & 0x3fU];
    if (given < 3) text.replace(text.size() - (3 - given), 3 - given, 3 - given, '=');
  }
  return text;
}

}  // namespace sextant
