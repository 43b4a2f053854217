// Routes that a peer sent and that were not taken, each with its reason: for `sextant bgp rib
// --rejected`. Bounded: the oldest ones go, how many there were in all stays known.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>

#include "bgp/rib/path.h"
#include "bgp/rib/route_key.h"
#include "bgp/wire/family.h"

namespace sextant::bgp {

struct RejectedRoute {
  PeerId peer{};
  Family family;
  RouteKey key;
  std::string reason;
  bool malformed = false;  // the reason lies in the route itself
};

class RejectedRoutes {
 public:
  explicit RejectedRoutes(std::size_t limit) : limit_(limit) {}

  void add(RejectedRoute route);
  /// The peer has withdrawn the route, or sent it again in an acceptable form.
  void forget(PeerId peer, Family family, const RouteKey& key);
  void forget(PeerId peer, Family family);
  [[nodiscard]] bool empty() const { return routes_.empty(); }
  /// Of whichever peer. Cost: all that are kept.
  [[nodiscard]] bool holds(Family family, const RouteKey& key) const;
  /// Oldest first.
  [[nodiscard]] const std::list<RejectedRoute>& routes() const { return routes_; }
  /// All that were ever added.
  [[nodiscard]] std::uint64_t total() const { return total_; }
  /// Another number whenever routes() may say something else.
  [[nodiscard]] std::uint64_t version() const { return version_; }

 private:
  struct Name {
    PeerId peer{};
    Family family;
    RouteKey key;
    friend bool operator==(const Name&, const Name&) = default;
  };
  struct NameHash {
    std::size_t operator()(const Name& name) const;
  };
  std::size_t limit_;
  std::uint64_t total_ = 0;
  std::uint64_t version_ = 0;
  std::list<RejectedRoute> routes_;
  boost::unordered_flat_map<Name, std::list<RejectedRoute>::iterator, NameHash> by_name_;
};

}  // namespace sextant::bgp
