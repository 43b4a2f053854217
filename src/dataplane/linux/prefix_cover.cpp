#include "dataplane/linux/prefix_cover.h"

#include <iterator>

namespace sextant::dataplane {

bool PrefixCover::is_hidden(const IpPrefix& prefix) const {
  const auto after = visible_.upper_bound(prefix);
  return after != visible_.begin() && std::prev(after)->contains(prefix);
}

void PrefixCover::insert(const IpPrefix& prefix) {
  if (!members_.insert(prefix).second || is_hidden(prefix)) return;
  auto inside = visible_.lower_bound(prefix);
  while (inside != visible_.end() && prefix.contains(*inside)) {
    aggregate_.erase(*inside);
    inside = visible_.erase(inside);
  }
  visible_.insert(prefix);
  aggregate_.insert(prefix);
}

void PrefixCover::erase(const IpPrefix& prefix) {
  if (members_.erase(prefix) == 0 || visible_.erase(prefix) == 0) return;
  aggregate_.erase(prefix);
  for (auto inside = members_.lower_bound(prefix);
       inside != members_.end() && prefix.contains(*inside); ++inside) {
    if (is_hidden(*inside)) continue;
    visible_.insert(*inside);
    aggregate_.insert(*inside);
  }
}

}  // namespace sextant::dataplane
