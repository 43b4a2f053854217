#include "bgp/rib/next_hops.h"

#include <algorithm>

namespace sextant::bgp {

std::uint32_t NextHops::resolve(const IpAddress& address) const {
  if (!resolver_) return 0;
  const auto cost = resolver_(address);
  return cost ? std::min(*cost, kUnreachable - 1) : kUnreachable;
}

NextHopId NextHops::retain(const IpAddress& address) {
  const auto found = by_address_.find(address);
  if (found != by_address_.end()) {
    ++known_[found->second].references;
    return NextHopId{found->second};
  }
  auto number = static_cast<std::uint32_t>(known_.size());
  if (free_.empty()) {
    known_.emplace_back();
  } else {
    number = free_.back();
    free_.pop_back();
  }
  known_[number] = Known{.address = address, .cost = resolve(address), .references = 1};
  by_address_.emplace(address, number);
  return NextHopId{number};
}

void NextHops::release(NextHopId id) {
  const auto number = static_cast<std::uint32_t>(id);
  if (--known_[number].references > 0) return;
  by_address_.erase(known_[number].address);
  free_.push_back(number);
}

bool NextHops::resolve_again() {
  bool changed = false;
  for (const auto& [address, number] : by_address_) {
    const auto cost = resolve(address);
    changed |= cost != known_[number].cost;
    known_[number].cost = cost;
  }
  return changed;
}

}  // namespace sextant::bgp
