// Which block of a pool a node asks for. Pure.
//
// The first guess is a hash of the node's name, so that a node that comes back, or two nodes that
// come at once, mostly do not meet; from there on the next block that is free. Who gets a block is
// decided by the API server: one SRv6Locator object a block, named after it, and the second create
// of a name fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "overlay/intent.h"

namespace sextant::kubernetes {

struct LocatorPool {
  IpPrefix prefix;
  std::uint8_t length = 0;  // of the blocks
  overlay::LocatorReach reach = overlay::LocatorReach::kOnLink;

  /// Errors: not IPv6, blocks that are no locators (8 to 112 bits), more than 2^32 of them or none.
  [[nodiscard]] static Result<LocatorPool> make(const IpPrefix& prefix, int length,
                                                overlay::LocatorReach reach);
  [[nodiscard]] std::uint64_t blocks() const {
    return std::uint64_t{1} << (length - prefix.length());
  }
  [[nodiscard]] IpPrefix block(std::uint64_t index) const;
};

/// A block that overlaps none of `taken`; none where the pool is exhausted. The same for the same
/// arguments.
[[nodiscard]] std::optional<IpPrefix> choose_block(const LocatorPool& pool, std::string_view node,
                                                   const std::vector<IpPrefix>& taken);

/// The name of the object that stands for the block: "fcbb-bb00-0001-48".
[[nodiscard]] std::string block_name(const IpPrefix& block);

}  // namespace sextant::kubernetes
