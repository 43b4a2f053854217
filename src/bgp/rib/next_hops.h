// Next hops that routes point at, and what the underlay says of them. RFC 4271 section 9.1.2.1.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/ip.h"

namespace sextant::bgp {

enum class NextHopId : std::uint32_t {};

class NextHops {
 public:
  /// The interior cost to an address; none where it cannot be reached.
  using Resolver = std::function<std::optional<std::uint32_t>(const IpAddress&)>;
  static constexpr std::uint32_t kUnreachable = std::numeric_limits<std::uint32_t>::max();

  /// Without a resolver every next hop is reachable at cost 0.
  explicit NextHops(Resolver resolver = {}) : resolver_(std::move(resolver)) {}

  /// Counts a reference; release() takes it back.
  [[nodiscard]] NextHopId retain(const IpAddress& address);
  void release(NextHopId id);
  [[nodiscard]] std::uint32_t cost(NextHopId id) const {
    return known_[static_cast<std::uint32_t>(id)].cost;
  }
  [[nodiscard]] const IpAddress& address(NextHopId id) const {
    return known_[static_cast<std::uint32_t>(id)].address;
  }
  /// Asks the resolver again about all of them; whether an answer differs from the last one.
  [[nodiscard]] bool resolve_again();

 private:
  struct Known {
    IpAddress address;
    std::uint32_t cost = 0;
    std::uint32_t references = 0;
  };
  [[nodiscard]] std::uint32_t resolve(const IpAddress& address) const;

  Resolver resolver_;
  std::vector<Known> known_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<IpAddress, std::uint32_t> by_address_;
};

}  // namespace sextant::bgp
