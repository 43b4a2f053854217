#include "sources/kubernetes/locator_claim.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "srv6/sid.h"

namespace sextant::kubernetes {
namespace {

constexpr int kMostPoolBits = 32;

/// FNV-1a: the same on every machine and in every release.
std::uint64_t hash(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325U;
  for (const char byte : text) value = (value ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  return value ^ (value >> 32);  // the low bits of short names differ little
}

/// The index of the block that holds the address.
std::uint64_t index_of(const LocatorPool& pool, const IpPrefix& prefix) {
  std::uint64_t index = 0;
  const auto bytes = prefix.address().bytes();
  for (unsigned bit = pool.prefix.length(); bit < pool.length; ++bit)
    index = index << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1U);
  return index;
}

using Span = std::pair<std::uint64_t, std::uint64_t>;  // of blocks, both ends in it

/// What the prefix takes of the pool.
std::optional<Span> span_of(const LocatorPool& pool, const IpPrefix& prefix) {
  if (!pool.prefix.overlaps(prefix)) return std::nullopt;
  if (prefix.length() <= pool.prefix.length()) return Span{0, pool.blocks() - 1};
  const auto first = index_of(pool, prefix);
  if (prefix.length() >= pool.length) return Span{first, first};
  return Span{first, first + (std::uint64_t{1} << (pool.length - prefix.length())) - 1};
}

/// The first block from `from` on that lies in none of the spans (sorted).
std::optional<std::uint64_t> first_free(const std::vector<Span>& spans, std::uint64_t from,
                                        std::uint64_t blocks) {
  auto candidate = from;
  for (const auto& [first, last] : spans) {
    if (last < candidate) continue;
    if (first > candidate) break;
    candidate = last + 1;
  }
  if (candidate >= blocks) return std::nullopt;
  return candidate;
}

}  // namespace

Result<LocatorPool> LocatorPool::make(const IpPrefix& prefix, int length,
                                      overlay::LocatorReach reach) {
  const auto object = prefix.to_string() + " in blocks of /" + std::to_string(length);
  const auto bad = [&](std::string cause, std::string hint) {
    return failure("use locator pool", object, std::move(cause), std::move(hint));
  };
  if (prefix.family() != Family::kIpv6) return bad("it is not IPv6", "a locator is an IPv6 prefix");
  if (length < prefix.length())
    return bad("the blocks are larger than the pool", "a --locator-length above the pool's length");
  if (length - prefix.length() > kMostPoolBits)
    return bad("more than 2^32 blocks", "a smaller pool, or larger blocks");
  LocatorPool pool{.prefix = prefix, .length = static_cast<std::uint8_t>(length), .reach = reach};
  if (const auto locator = srv6::Locator::make(IpPrefix(prefix.address(), pool.length)); !locator)
    return bad(locator.error().cause, locator.error().hint);
  return pool;
}

IpPrefix LocatorPool::block(std::uint64_t index) const {
  Ipv6Address::Bytes bytes = prefix.address().v6().bytes();
  for (unsigned bit = length; bit > prefix.length(); --bit, index >>= 1)
    if ((index & 1U) != 0)
      bytes[(bit - 1) / 8] =
          static_cast<std::uint8_t>(bytes[(bit - 1) / 8] | 1U << (7 - (bit - 1) % 8));
  return {IpAddress(Ipv6Address(bytes)), length};
}

std::optional<IpPrefix> choose_block(const LocatorPool& pool, std::string_view node,
                                     const std::vector<IpPrefix>& taken) {
  std::vector<Span> spans;
  for (const auto& prefix : taken)
    if (const auto span = span_of(pool, prefix)) spans.push_back(*span);
  std::ranges::sort(spans);
  const auto guess = hash(node) % pool.blocks();
  auto found = first_free(spans, guess, pool.blocks());
  if (!found) found = first_free(spans, 0, guess);
  if (!found) return std::nullopt;
  return pool.block(*found);
}

std::string block_name(const IpPrefix& block) {
  std::string name;
  const auto bytes = block.address().bytes();
  for (unsigned bit = 0; bit < block.length(); bit += 16)
    name += fmt::format("{:02x}{:02x}-", bytes[bit / 8], bytes[bit / 8 + 1]);
  return name + std::to_string(block.length());
}

}  // namespace sextant::kubernetes
