#include "testbed/paths.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <deque>

namespace sextant::testbed {
namespace {

using Neighbors = std::map<std::string, std::map<std::string, std::string>>;  // self, peer, device
using Distances = std::map<std::string, unsigned>;

Neighbors router_neighbors(const Topology& lab) {
  Neighbors result;
  for (const Router& router : lab.routers) result[router.name];
  for (const Link& link : lab.links) {
    if (!lab.router(link.a.machine) || !lab.router(link.b.machine)) continue;
    result[link.a.machine][link.b.machine] = link.a.device;
    result[link.b.machine][link.a.machine] = link.b.device;
  }
  return result;
}

/// Links all have one metric, so hops are the distance.
Distances distances_to(const Neighbors& neighbors, const std::string& to) {
  Distances result{{to, 0}};
  std::deque<std::string> next{to};
  while (!next.empty()) {
    const std::string self = next.front();
    next.pop_front();
    for (const auto& [peer, device] : neighbors.at(self)) {
      if (result.emplace(peer, result.at(self) + 1).second) next.push_back(peer);
    }
  }
  return result;
}

IpPrefix prefix_of(const std::string& text) {
  const std::size_t slash = text.find('/');
  const IpAddress address = IpAddress::parse(text.substr(0, slash)).value();
  std::uint8_t length = address_bits(address.family());
  if (slash != std::string::npos) {
    std::from_chars(text.data() + slash + 1, text.data() + text.size(), length);
  }
  return IpPrefix{address, length};
}

/// What each router brings into IS-IS.
std::map<std::string, std::vector<IpPrefix>> announced(const Topology& lab) {
  std::map<std::string, std::vector<IpPrefix>> result;
  for (const Router& router : lab.routers) {
    for (const std::string& text : router.loopbacks) {
      result[router.name].push_back(prefix_of(text));
    }
  }
  for (const Link& link : lab.links) {
    if (lab.router(link.a.machine) || !lab.router(link.b.machine)) continue;
    for (const std::string& text : link.b.addresses) {
      result[link.b.machine].push_back(prefix_of(text));
    }
  }
  for (const ClusterNode& node : lab.nodes) {
    if (!node.router.empty()) result[node.router].push_back(prefix_of(node.locator));
  }
  return result;
}

void extend(const Neighbors& neighbors, const Distances& distances, std::vector<std::string> path,
            std::vector<std::vector<std::string>>& found) {
  const unsigned left = distances.at(path.back());
  if (left == 0) {
    found.push_back(std::move(path));
    return;
  }
  for (const auto& [peer, device] : neighbors.at(path.back())) {
    if (distances.at(peer) + 1 != left) continue;
    path.push_back(peer);
    extend(neighbors, distances, path, found);
    path.pop_back();
  }
}

}  // namespace

ExpectedRoutes expected_routes(const Topology& lab, const std::string& router) {
  ExpectedRoutes result;
  const Neighbors neighbors = router_neighbors(lab);
  for (const auto& [owner, prefixes] : announced(lab)) {
    if (owner == router) continue;
    const Distances distances = distances_to(neighbors, owner);
    std::set<std::string> devices;
    for (const auto& [peer, device] : neighbors.at(router)) {
      if (distances.at(peer) + 1 == distances.at(router)) devices.insert(device);
    }
    for (const IpPrefix& prefix : prefixes) result[prefix] = devices;
  }
  for (const ClusterNode& node : lab.nodes) {
    if (node.router == router) result[prefix_of(node.locator)] = {"to-" + node.name};
  }
  return result;
}

std::vector<std::vector<std::string>> shortest_paths(const Topology& lab, const std::string& from,
                                                     const std::string& to) {
  const Neighbors neighbors = router_neighbors(lab);
  std::vector<std::vector<std::string>> found;
  extend(neighbors, distances_to(neighbors, to), {from}, found);
  return found;
}

std::string path_fault(const Topology& lab, const ClusterNode& from, const ClusterNode& to,
                       const std::vector<std::string>& segments,
                       const std::vector<std::string>& seen) {
  std::vector<std::string> waypoints;
  for (const std::string& segment : segments) {
    const auto router = std::ranges::find(lab.routers, segment, &Router::end_sid);
    if (router == lab.routers.end()) return fmt::format("{} is no router's SID", segment);
    waypoints.push_back(router->name);
  }
  waypoints.push_back(to.router);
  std::vector<std::vector<std::string>> possible{{from.router}};
  for (const std::string& waypoint : waypoints) {
    std::vector<std::vector<std::string>> longer;
    for (const std::vector<std::string>& path : possible) {
      for (const std::vector<std::string>& leg : shortest_paths(lab, path.back(), waypoint)) {
        longer.push_back(path);
        longer.back().insert(longer.back().end(), leg.begin() + 1, leg.end());
      }
    }
    possible = std::move(longer);
  }
  if (std::ranges::find(possible, seen) != possible.end()) return {};
  if (seen.empty()) return fmt::format("nothing seen, wanted {}", fmt::join(possible[0], " "));
  return fmt::format("went {}, wanted {}", fmt::join(seen, " "), fmt::join(possible[0], " "));
}

}  // namespace sextant::testbed
