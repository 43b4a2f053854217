// What the fast path's programs counted: a value a CPU, summed here.
#include <algorithm>
#include <set>

#include "base/log.h"
#include "dataplane/linux/fast_path.h"

namespace sextant::dataplane {
namespace {

using netlink::NexthopId;

Count sum(const std::vector<sx_count>& values) {
  Count total;
  for (const auto& value : values) total += {.packets = value.packets, .bytes = value.bytes};
  return total;
}

}  // namespace

// The path's total keeps what lists carried that it has no more.
void FastPath::retire(std::uint32_t path, const sx_path& before, const sx_path& after) {
  const auto lists_of = [](const sx_path& of) {
    std::set<std::uint32_t> ids;
    for (std::uint32_t i = 0; i < of.count; ++i) ids.insert(of.lists[i].list);
    return ids;
  };
  sx_count total{};
  (void)retired_.get(path, total);  // none yet: 0
  const auto kept = lists_of(after);
  for (const auto list : lists_of(before)) {
    if (kept.contains(list)) continue;
    const auto count = list_count(list);
    total.packets += count.packets;
    total.bytes += count.bytes;
    (void)list_counts_.erase(list);
  }
  // Errors here cost statistics, never packets.
  if (const auto kept_total = retired_.set(path, total); !kept_total) {
    log::warn("{}", kept_total.error().message());
  }
}

Count FastPath::list_count(std::uint32_t list) const {
  std::vector<sx_count> values(cpus_);
  if (!list_counts_.get(list, values)) return {};
  return sum(values);
}

PathCount FastPath::path_count(NexthopId path, const std::vector<NexthopId>& lists) const {
  PathCount result;
  if (sx_count retired{}; retired_.get(netlink::number(path), retired)) {
    result.all = {.packets = retired.packets, .bytes = retired.bytes};
  }
  for (const auto list : lists) {
    result.lists.push_back(list_count(netlink::number(list)));
    result.all += result.lists.back();
  }
  return result;
}

std::map<srv6::Sid, Count> FastPath::sid_counts() const {
  std::map<srv6::Sid, Count> counts;
  std::vector<sx_count> values(cpus_);
  for (const auto& key : sid_counts_.keys()) {
    if (!sid_counts_.get(key, values)) continue;
    Ipv6Address::Bytes bytes{};
    std::ranges::copy(key.address, bytes.begin());
    counts.emplace(srv6::Sid(Ipv6Address(bytes)), sum(values));
  }
  return counts;
}

}  // namespace sextant::dataplane
