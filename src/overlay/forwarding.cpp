#include "overlay/forwarding.h"

namespace sextant::overlay {
namespace {

/// Walks both ordered maps side by side, so that equal entries cost one comparison.
template <typename Key, typename Value>
std::map<Key, std::optional<Value>> diff_entries(const std::map<Key, Value>& from,
                                                 const std::map<Key, Value>& to) {
  std::map<Key, std::optional<Value>> change;
  auto old = from.begin();
  auto now = to.begin();
  while (old != from.end() || now != to.end()) {
    if (now == to.end() || (old != from.end() && old->first < now->first)) {
      change.emplace_hint(change.end(), (old++)->first, std::nullopt);
    } else if (old == from.end() || now->first < old->first) {
      change.insert(change.end(), *now++);
    } else {
      if (old->second != now->second) change.insert(change.end(), *now);
      ++old, ++now;
    }
  }
  return change;
}

template <typename Key, typename Value>
void patch_entries(std::map<Key, Value>& onto, const std::map<Key, std::optional<Value>>& change) {
  for (const auto& [key, value] : change) {
    if (value) {
      onto.insert_or_assign(key, *value);
    } else {
      onto.erase(key);
    }
  }
}

}  // namespace

std::string PathKey::to_string() const {
  const auto name = color ? " color " + std::to_string(color->value) : std::string(" plain");
  return endpoint.to_string() + name + " " + std::string(sextant::to_string(family));
}

bool ForwardingDiff::empty() const {
  return !identity && local_sids.empty() && paths.empty() && routes.empty() &&
         locator_routes.empty() && domain.empty();
}

ForwardingDiff::Identity identity_of(const Forwarding& forwarding) {
  return {forwarding.encapsulation_source, forwarding.overlay_ipv4, forwarding.overlay_ipv6,
          forwarding.pod_prefixes, forwarding.locator};
}

ForwardingDiff diff(const Forwarding& from, const Forwarding& to) {
  ForwardingDiff change;
  if (auto identity = identity_of(to); identity != identity_of(from)) {
    change.identity = std::move(identity);
  }
  change.local_sids = diff_entries(from.local_sids, to.local_sids);
  change.paths = diff_entries(from.paths, to.paths);
  change.routes = diff_entries(from.routes, to.routes);
  change.locator_routes = diff_entries(from.locator_routes, to.locator_routes);
  change.domain = diff_entries(from.domain, to.domain);
  return change;
}

void patch(Forwarding& onto, const ForwardingDiff& change) {
  if (change.identity) {
    onto.encapsulation_source = change.identity->encapsulation_source;
    onto.overlay_ipv4 = change.identity->overlay_ipv4;
    onto.overlay_ipv6 = change.identity->overlay_ipv6;
    onto.pod_prefixes = change.identity->pod_prefixes;
    onto.locator = change.identity->locator;
  }
  patch_entries(onto.local_sids, change.local_sids);
  patch_entries(onto.paths, change.paths);
  patch_entries(onto.routes, change.routes);
  patch_entries(onto.locator_routes, change.locator_routes);
  patch_entries(onto.domain, change.domain);
}

}  // namespace sextant::overlay
