#include "kube/base64.h"

#include <openssl/evp.h>

#include <algorithm>

namespace sextant::kube {

std::optional<std::string> from_base64(std::string_view text) {
  std::string compact;
  for (const char c : text)
    if (c != ' ' && c != '\n' && c != '\r' && c != '\t') compact += c;
  if (compact.size() % 4 != 0) return std::nullopt;
  const auto padding = static_cast<std::size_t>(
      std::find_if(compact.rbegin(), compact.rend(), [](char c) { return c != '='; }) -
      compact.rbegin());
  if (padding > 2 || compact.find('=') < compact.size() - padding) return std::nullopt;
  std::string bytes(compact.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(compact.data()),
                                   static_cast<int>(compact.size()));
  if (size != static_cast<int>(bytes.size())) return std::nullopt;
  bytes.resize(bytes.size() - padding);  // EVP_DecodeBlock counts padding as zeros
  return bytes;
}

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the terminator it writes
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

}  // namespace sextant::kube
