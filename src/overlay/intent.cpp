#include "overlay/intent.h"

namespace sextant::overlay {
namespace {

template <typename Key, typename Object>
void diff_objects(const std::map<Key, Object>& from, const std::map<Key, Object>& to,
                  std::map<Key, std::optional<Object>>& change) {
  for (const auto& [key, object] : to) {
    const auto old = from.find(key);
    if (old == from.end() || old->second != object) change.emplace(key, object);
  }
  for (const auto& [key, object] : from) {
    if (!to.contains(key)) change.emplace(key, std::nullopt);
  }
}

}  // namespace

IntentChange diff(const Intent& from, const Intent& to) {
  IntentChange change;
  diff_objects(from.nodes, to.nodes, change.nodes);
  diff_objects(from.policies, to.policies, change.policies);
  diff_objects(from.sid_prefixes, to.sid_prefixes, change.sid_prefixes);
  return change;
}

}  // namespace sextant::overlay
