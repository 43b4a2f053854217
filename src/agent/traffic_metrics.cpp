#include "agent/traffic_metrics.h"

#include <map>
#include <string>
#include <utility>

namespace sextant::agent {
namespace {

using dataplane::Count;
using overlay::PathKey;

std::string joined(const std::vector<srv6::Sid>& segments) {
  std::string text;
  for (const auto& segment : segments) text += (text.empty() ? "" : ",") + segment.to_string();
  return text;
}

struct ListSample {
  Count count;
  std::uint64_t weight = 0;
};

/// A path may have the same list twice: that is one series, of both their traffic and weight.
/// `counts`: in the order of the lists, or empty where nothing is counted.
std::map<Labels, ListSample> list_samples(const Labels& policy, const overlay::Path& path,
                                          const std::vector<Count>& counts) {
  std::map<Labels, ListSample> samples;
  for (std::size_t i = 0; i < path.lists.size(); ++i) {
    auto labels = policy;
    auto& sample = samples[labels.add("segments", joined(path.lists[i].segments))];
    if (i < counts.size()) sample.count += counts[i];
    sample.weight += path.lists[i].weight;
  }
  return samples;
}

void write_policies(MetricText& text, const overlay::Forwarding& forwarding,
                    const std::vector<LabelledPolicy>& policies,
                    const dataplane::Counters& counters) {
  std::vector<CountSample> totals, lists;
  std::vector<std::pair<Labels, std::uint64_t>> weights;
  for (const auto& [labels, policy] : policies) {
    const auto found = counters.paths.find(policy->path);
    const bool counted = found != counters.paths.end();
    if (counted) totals.push_back({labels, found->second.all});
    const auto path = forwarding.paths.find(policy->path);
    if (path == forwarding.paths.end()) continue;
    const auto counts = counted ? found->second.lists : std::vector<Count>{};
    for (const auto& [list, sample] : list_samples(labels, path->second, counts)) {
      if (counts.size() == path->second.lists.size()) lists.push_back({list, sample.count});
      weights.emplace_back(list, sample.weight);
    }
  }
  text.counts("sextant_policy", "that a policy has encapsulated, on all its segment lists", totals);
  text.counts("sextant_segment_list", "that a policy has encapsulated with a segment list", lists);
  text.gauge("sextant_segment_list_weight", "Weight of a segment list in its policy.");
  for (const auto& [labels, weight] : weights) text.add(labels, weight);
}

void write_plain(MetricText& text, const Reconciler& reconciler,
                 const dataplane::Counters& counters, const PlainTraffic& plain, bool per_node) {
  std::vector<CountSample> families;
  const bool counted = !counters.paths.empty() || reconciler.resolver().forwarding().paths.empty();
  for (const auto family : {Family::kIpv4, Family::kIpv6})
    if (counted) families.push_back({{{"family", to_string(family)}}, plain.total(family)});
  text.counts("sextant_plain", "encapsulated towards their node's SID, outside of any policy",
              families);
  if (!per_node) return;
  std::map<Ipv6Address, std::string> names;
  for (const auto& [name, node] : reconciler.resolver().intent().nodes)
    for (const auto& address : node.addresses)
      if (address.is_v6()) names.emplace(address.v6(), name);
  std::vector<CountSample> nodes;
  for (const auto& [path, count] : counters.paths) {
    if (path.color) continue;
    const auto name = names.find(path.endpoint);
    nodes.push_back({{{"endpoint", path.endpoint.to_string()},
                      {"endpoint_node", name == names.end() ? "" : name->second},
                      {"family", to_string(path.family)}},
                     count.all});
  }
  text.counts("sextant_node_plain", "encapsulated towards a node's SID, outside of any policy",
              nodes);
}

}  // namespace

void PlainTraffic::take(const dataplane::Counters& counters, bool baseline) {
  std::map<PathKey, Count> now;
  for (const auto& [path, count] : counters.paths) {
    if (path.color) continue;
    const auto found = last_.find(path);
    const auto before = found == last_.end() ? Count{} : found->second;
    // Less than before: the path was removed and made again in between.
    const bool anew = count.all.packets < before.packets || count.all.bytes < before.bytes;
    if (!baseline)
      (path.family == Family::kIpv4 ? ipv4_ : ipv6_) +=
          anew ? count.all
               : Count{.packets = count.all.packets - before.packets,
                       .bytes = count.all.bytes - before.bytes};
    now.emplace_hint(now.end(), path, count.all);
  }
  last_ = std::move(now);
}

void write_traffic(MetricText& text, const Reconciler& reconciler,
                   const std::vector<LabelledPolicy>& policies, const dataplane::Counters& counters,
                   const PlainTraffic& plain, bool per_node) {
  write_policies(text, reconciler.resolver().forwarding(), policies, counters);
  write_plain(text, reconciler, counters, plain, per_node);
  std::vector<CountSample> sids, drops;
  for (const auto& [sid, local] : reconciler.resolver().forwarding().local_sids) {
    const auto counted = counters.local_sids.find(sid);
    if (counted == counters.local_sids.end()) continue;
    sids.push_back({{{"sid", sid.to_string()}, {"behavior", srv6::to_string(local.behavior)}},
                    counted->second});
  }
  text.counts("sextant_local_sid", "that a local SID has taken", sids);
  for (const auto& [reason, count] : counters.dropped)
    drops.push_back({{{"reason", reason}}, count});
  text.counts("sextant_dropped", "dropped at the edge of the SID domain", drops);
}

}  // namespace sextant::agent
