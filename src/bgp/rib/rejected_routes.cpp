#include "bgp/rib/rejected_routes.h"

#include <algorithm>
#include <boost/container_hash/hash.hpp>
#include <utility>

namespace sextant::bgp {

std::size_t RejectedRoutes::NameHash::operator()(const Name& name) const {
  std::size_t seed = 0;
  boost::hash_combine(seed, static_cast<std::uint16_t>(name.peer));
  boost::hash_combine(seed, static_cast<std::uint16_t>(name.family.afi));
  boost::hash_combine(seed, static_cast<std::uint8_t>(name.family.safi));
  boost::hash_combine(seed, name.key.length);
  boost::hash_range(seed, name.key.words.begin(), name.key.words.end());
  return seed;
}

void RejectedRoutes::add(RejectedRoute route) {
  ++total_;
  ++version_;
  forget(route.peer, route.family, route.key);
  if (limit_ == 0) return;
  if (routes_.size() == limit_) {
    const auto& oldest = routes_.front();
    forget(oldest.peer, oldest.family, RouteKey(oldest.key));
  }
  const Name name{route.peer, route.family, route.key};
  by_name_[name] = routes_.insert(routes_.end(), std::move(route));
}

void RejectedRoutes::forget(PeerId peer, Family family, const RouteKey& key) {
  const auto found = by_name_.find(Name{peer, family, key});
  if (found == by_name_.end()) return;
  routes_.erase(found->second);
  by_name_.erase(found);
  ++version_;
}

bool RejectedRoutes::holds(Family family, const RouteKey& key) const {
  return std::ranges::any_of(routes_, [&](const RejectedRoute& route) {
    return route.family == family && route.key == key;
  });
}

void RejectedRoutes::forget(PeerId peer, Family family) {
  for (auto route = routes_.begin(); route != routes_.end();) {
    if (route->peer != peer || route->family != family) {
      ++route;
      continue;
    }
    by_name_.erase(Name{peer, family, route->key});
    ++version_;
    route = routes_.erase(route);
  }
}

}  // namespace sextant::bgp
