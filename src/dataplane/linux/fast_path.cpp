#include "dataplane/linux/fast_path.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/log.h"
#include "dataplane/linux/fast_path.skel.h"
#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/tc_program.h"
#include "dataplane/linux/writes.h"

namespace sextant::dataplane {
namespace {

using netlink::IfIndex;
using netlink::NexthopId;

constexpr std::size_t kBatch = 4096;
constexpr std::uint8_t kHopLimit = 64;  // RFC 8986 section 5.1 leaves it to the headend

struct Destroy {
  void operator()(fast_path_bpf* programs) const { fast_path_bpf__destroy(programs); }
};
using Programs = std::unique_ptr<fast_path_bpf, Destroy>;

UniqueFd duplicate(int fd) { return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

sx_prefix key_of(const IpPrefix& prefix) {
  sx_prefix key{};
  const auto bytes = prefix.address().bytes();
  const std::size_t offset = sizeof key.address - bytes.size();
  if (offset != 0) key.address[10] = key.address[11] = 0xff;
  std::ranges::copy(bytes, key.address + offset);
  key.length = static_cast<std::uint32_t>(prefix.length() + 8 * offset);
  return key;
}

sx_sid key_of(const srv6::Sid& sid) {
  sx_sid key{};
  std::ranges::copy(sid.address().bytes(), key.address);
  return key;
}

template <typename T>
bool same(const T& one, const T& other) {
  return std::memcmp(&one, &other, sizeof one) == 0;
}
template <typename T>
bool before(const T& one, const T& other) {
  return std::memcmp(&one, &other, sizeof one) < 0;
}

template <typename T>
struct Before {
  bool operator()(const T& one, const T& other) const { return before(one, other); }
};

void book(ApplyReport& report, const Result<void>& written) {
  dataplane::book(report, "fast path", written);
}

// RFC 8200 section 3, RFC 8754 section 2; none: it does not fit, or is no list.
std::optional<sx_list> header_of(Family inner, const Seg6Encap& encap, const Ipv6Address& source) {
  const std::uint8_t inner_protocol = inner == Family::kIpv4 ? IPPROTO_IPIP : IPPROTO_IPV6;
  if (encap.segments.empty()) return std::nullopt;
  std::vector<std::uint8_t> srh;
  if (encap.segments.size() > 1 || encap.mode == srv6::EncapMode::kEncaps) {
    const auto header = srv6::make_srh(encap.segments, encap.mode, inner_protocol);
    const auto bytes = header ? srv6::encode(*header) : tl::unexpected(header.error());
    if (!bytes || 40 + bytes->size() > SX_MAX_HEADER) return std::nullopt;
    srh = *bytes;
  }
  sx_list list{};
  list.header[0] = 6 << 4;
  list.header[6] = srh.empty() ? inner_protocol : static_cast<std::uint8_t>(IPPROTO_ROUTING);
  list.header[7] = kHopLimit;
  std::ranges::copy(source.bytes(), list.header + 8);
  std::ranges::copy(encap.segments.front().address().bytes(), list.header + 24);
  std::ranges::copy(srh, list.header + 40);
  list.length = static_cast<std::uint32_t>(40 + srh.size());
  return list;
}

std::uint32_t families_of(const overlay::LocalSid& sid) {
  switch (sid.behavior) {
    case srv6::Behavior::kEndDt4:
    case srv6::Behavior::kEndDx4:
      return SX_INNER_IPV4;
    case srv6::Behavior::kEndDt6:
    case srv6::Behavior::kEndDx6:
      return SX_INNER_IPV6;
    case srv6::Behavior::kEndDt46:
      return SX_INNER_IPV4 | SX_INNER_IPV6;
    default:
      return 0;
  }
}

}  // namespace

// Maps of an earlier agent are taken over where they are of the same shape.
Result<void> FastPath::load(int present_program) {
  const Programs programs(fast_path_bpf__open());
  if (!programs) return system_error("open BPF programs", "fast path", errno);
  const auto present =
      present_program >= 0 ? describe_program(present_program) : Result<BpfProgram>(BpfProgram{});
  if (!present) return tl::unexpected(present.error());
  for (const auto& [name, id] : present->map_ids) {
    const UniqueFd fd(bpf_map_get_fd_by_id(id));
    bpf_map_info info{};
    std::uint32_t length = sizeof info;
    if (!fd || bpf_obj_get_info_by_fd(fd.get(), &info, &length) != 0) continue;
    bpf_map* map = bpf_object__find_map_by_name(programs->obj, name.c_str());
    if (map != nullptr && info.type == bpf_map__type(map) &&
        info.key_size == bpf_map__key_size(map) && info.value_size == bpf_map__value_size(map) &&
        info.max_entries == bpf_map__max_entries(map)) {
      bpf_map__reuse_fd(map, fd.get());
    }
  }
  if (const int error = fast_path_bpf__load(programs.get()); error != 0) {
    return system_error("load BPF programs", "fast path", -error);
  }
  const auto take = [](auto& into, const char* name, const bpf_map* map) {
    into = {name, duplicate(bpf_map__fd(map))};
  };
  take(prefixes_, "sx_prefixes", programs->maps.sx_prefixes);
  take(paths_, "sx_paths", programs->maps.sx_paths);
  take(lists_, "sx_lists", programs->maps.sx_lists);
  take(list_counts_, "sx_list_counts", programs->maps.sx_list_counts);
  take(retired_, "sx_retired", programs->maps.sx_retired);
  take(gateway_sids_, "sx_gateway_sids", programs->maps.sx_gateway_sids);
  take(pod_routes_, "sx_pod_routes", programs->maps.sx_pod_routes);
  take(own_pods_, "sx_own_pods", programs->maps.sx_own_pods);
  take(nodes_, "sx_nodes", programs->maps.sx_nodes);
  take(deliveries_, "sx_deliveries", programs->maps.sx_deliveries);
  take(sid_counts_, "sx_sid_counts", programs->maps.sx_sid_counts);
  encapsulate_ = duplicate(bpf_program__fd(programs->progs.sx_encapsulate));
  to_overlay_ = duplicate(bpf_program__fd(programs->progs.sx_to_overlay));
  to_gateway_ = duplicate(bpf_program__fd(programs->progs.sx_to_gateway));
  decapsulate_ = duplicate(bpf_program__fd(programs->progs.sx_decapsulate));
  // All maps live, and are found again, with the program at sextant0.
  bpf_map* each = nullptr;
  bpf_object__for_each_map(each, programs->obj) {
    const int error = bpf_prog_bind_map(encapsulate_.get(), bpf_map__fd(each), nullptr);
    if (error != 0) return system_error("bind BPF map", bpf_map__name(each), -error);
  }
  return {};
}

namespace {

bool is_pod_route(const overlay::RouteKey& key) {
  return key.scope == overlay::RouteScope::kPods && key.prefix.is_host();
}

// IPv4 as in sx_prefix.
sx_sid key_of(const IpAddress& address) {
  sx_sid key{};
  std::ranges::copy(key_of(IpPrefix::host(address)).address, key.address);
  return key;
}

// For the small maps: what is there but not wanted goes last.
template <typename Key, typename Value>
void make_equal(BpfMap<Key, Value>& map, const std::map<Key, Value, Before<Key>>& wanted,
                ApplyReport& report) {
  const auto present = map.entries();
  if (!present) {
    book(report, tl::unexpected(present.error()));
    return;
  }
  auto missing = wanted;
  std::vector<Key> leftover;
  for (const auto& [key, value] : *present) {
    const auto found = missing.find(key);
    if (found == missing.end()) {
      leftover.push_back(key);
    } else if (same(found->second, value)) {
      missing.erase(found);
    }
  }
  for (const auto& [key, value] : missing) book(report, map.set(key, value));
  for (const auto& key : leftover) book(report, map.erase(key));
}

}  // namespace

Result<FastPath> FastPath::make(IfIndex host_inner) {
  const auto present = find_tc_program(host_inner, TcHook::kEgress);
  if (!present) return tl::unexpected(present.error());
  const int cpus = libbpf_num_possible_cpus();
  if (cpus < 0) return system_error("count CPUs", "fast path", -cpus);
  FastPath result;
  result.cpus_ = static_cast<std::size_t>(cpus);
  if (auto loaded = result.load(present->get()); !loaded) return tl::unexpected(loaded.error());
  return result;
}

Result<void> FastPath::detach_uplinks(netlink::Socket& host, const std::set<IfIndex>& keep,
                                      ApplyReport& report) {
  const auto links = netlink::list_links(host);
  if (!links) return tl::unexpected(links.error());
  for (const auto& link : *links) {
    const bool ours = link.name == kHostInner || link.name == kHostOuter ||
                      link.name.starts_with(kPodDevicePrefix);
    if (ours || keep.contains(link.index)) continue;
    for (const auto hook : {TcHook::kIngress, TcHook::kEgress}) {
      dataplane::book(report, "device " + link.name, detach_tc_program(host, link.index, hook));
    }
  }
  return {};
}

bool FastPath::attach(const Gateway& gateway, const std::set<Uplink>& uplinks,
                      ApplyReport& report) {
  dataplane::book(report, "fast path", gateway.netns().run([&] {
    return attach_tc_program(gateway.outer(), TcHook::kIngress, decapsulate_.get());
  }));
  dataplane::book(report, "fast path",
                  attach_tc_program(gateway.host_inner(), TcHook::kEgress, encapsulate_.get()));
  bool all = true;
  for (const auto& uplink : uplinks) {
    for (const auto& [hook, program] : {std::pair{TcHook::kIngress, to_gateway_.get()},
                                        std::pair{TcHook::kEgress, to_overlay_.get()}}) {
      const auto done = uplink.ethernet
                            ? attach_tc_program(IfIndex{uplink.index}, hook, program)
                            : Result<bool>(failure("attach tc program", uplink.name,
                                                   "the device has no Ethernet header"));
      all &= done.has_value();
      // The device may have gone since the list was read, or be of a kind without tc.
      if (!done) log::debug("{}: {}", uplink.name, done.error().message());
      if (done && *done) ++report.writes;
    }
  }
  return all;
}

std::size_t FastPath::attached(const Gateway& gateway, const std::set<Uplink>& uplinks) {
  const auto at = [](IfIndex device, TcHook hook) -> std::size_t {
    const auto found = find_tc_program(device, hook);
    return found && *found ? 1 : 0;
  };
  auto count = at(gateway.host_inner(), TcHook::kEgress);
  for (const auto& uplink : uplinks) {
    const IfIndex device{uplink.index};
    count += at(device, TcHook::kIngress) + at(device, TcHook::kEgress);
  }
  const auto inside = gateway.netns().run(
      [&] { return Result<std::size_t>(at(gateway.outer(), TcHook::kIngress)); });
  return count + inside.value_or(0);
}

Result<void> FastPath::begin_sync() {
  auto prefixes = prefixes_.entries();
  if (!prefixes) return tl::unexpected(prefixes.error());
  Sync sync{.prefixes = std::move(*prefixes)};
  std::ranges::sort(sync.prefixes, Before<sx_prefix>{}, &PrefixEntry::first);
  for (const auto id : paths_.keys()) sync.paths.insert(id);
  for (const auto id : lists_.keys()) sync.lists.insert(id);
  sync_ = std::move(sync);
  return {};
}

void FastPath::finish_sync(ApplyReport& report) {
  flush(report);
  if (!sync_) return;
  for (const auto& [prefix, path] : sync_->prefixes) {
    if (path != 0) book(report, prefixes_.erase(prefix));
  }
  for (const auto id : sync_->paths) forget_path(id, report);
  for (const auto id : sync_->lists) forget_list(id, report);
  sync_.reset();
}

void FastPath::set_source(const Ipv6Address& source, ApplyReport& report) {
  source_ = source;
  for (const auto id : lists_.keys()) {
    sx_list list{};
    if (!lists_.get(id, list) || std::ranges::equal(source.bytes(), std::span(list.header + 8, 16)))
      continue;
    std::ranges::copy(source.bytes(), list.header + 8);
    book(report, lists_.set(id, list));
  }
}

void FastPath::set_list(NexthopId id, Family inner, const Seg6Encap& encap, ApplyReport& report) {
  const auto wanted = header_of(inner, encap, source_);
  if (!wanted) {
    remove_list(id, report);
    return;
  }
  const auto key = netlink::number(id);
  if (sync_) {
    sync_->lists.erase(key);
    sx_list present{};
    if (lists_.get(key, present) && same(present, *wanted)) return;
  }
  const auto written = lists_.set(key, *wanted);
  book(report, written);
  if (!written) forget_list(key, report);
}

void FastPath::set_path(NexthopId id, const std::vector<Share>& shares, ApplyReport& report) {
  if (shares.empty() || shares.size() > SX_MAX_LISTS) {
    remove_path(id, report);
    return;
  }
  sx_path wanted{};
  wanted.count = static_cast<std::uint32_t>(shares.size());
  std::uint64_t total = 0;
  for (const auto& share : shares) total += share.weight;
  std::uint64_t reached = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    reached += shares[i].weight;
    wanted.lists[i].list = netlink::number(shares[i].list);
    wanted.lists[i].bound = static_cast<std::uint32_t>((reached << 32) / total - 1);
  }
  const auto key = netlink::number(id);
  if (sync_) sync_->paths.erase(key);
  sx_path present{};
  const bool known = paths_.get(key, present);
  if (known && same(present, wanted)) return;
  const auto written = paths_.set(key, wanted);
  book(report, written);
  if (!written) {
    forget_path(key, report);
  } else if (known) {
    retire(key, present, wanted);
  }
}

void FastPath::remove_list(NexthopId id, ApplyReport& report) {
  if (sync_) return;  // finish_sync() removes what is not set
  forget_list(netlink::number(id), report);
}

void FastPath::forget_list(std::uint32_t id, ApplyReport& report) {
  sx_list list{};
  if (lists_.get(id, list)) book(report, lists_.erase(id));
  (void)list_counts_.erase(id);  // counts of nothing
}

void FastPath::remove_path(NexthopId id, ApplyReport& report) {
  if (sync_) return;
  forget_path(netlink::number(id), report);
}

void FastPath::forget_path(std::uint32_t id, ApplyReport& report) {
  sx_path path{};
  if (paths_.get(id, path)) book(report, paths_.erase(id));
  (void)retired_.erase(id);
}

void FastPath::set_prefix(const IpPrefix& prefix, NexthopId path, ApplyReport& report) {
  const auto key = key_of(prefix);
  const auto id = netlink::number(path);
  if (sync_) {
    const auto found =
        std::ranges::lower_bound(sync_->prefixes, key, Before<sx_prefix>{}, &PrefixEntry::first);
    if (found != sync_->prefixes.end() && same(found->first, key)) {
      if (std::exchange(found->second, 0) == id) return;
    }
  }
  prefix_keys_.push_back(key);
  prefix_paths_.push_back(id);
  if (prefix_keys_.size() >= kBatch) flush(report);
}

void FastPath::remove_prefix(const IpPrefix& prefix, ApplyReport& report) {
  if (sync_) return;
  flush(report);
  const auto key = key_of(prefix);
  book(report, prefixes_.erase(key));
}

void FastPath::flush(ApplyReport& report) {
  if (prefix_keys_.empty()) return;
  const auto written = prefixes_.set_all(prefix_keys_, prefix_paths_);
  if (written) {
    report.writes += prefix_keys_.size();
  } else {
    book(report, written);
    for (const auto& key : prefix_keys_) (void)prefixes_.erase(key);  // the gateway has them
  }
  prefix_keys_.clear();
  prefix_paths_.clear();
}

void FastPath::set_hand_over(IfIndex host_outer, const FilterInput& input, ApplyReport& report) {
  std::map<sx_prefix, std::uint32_t, Before<sx_prefix>> sids;
  for (const auto& prefix : input.gateway_sids) {
    sids.emplace(key_of(prefix), netlink::number(host_outer));
  }
  for (const auto& prefix : input.host_sids) sids.insert_or_assign(key_of(prefix), 0);
  make_equal(gateway_sids_, sids, report);
  std::map<sx_sid, std::uint32_t, Before<sx_sid>> nodes;
  for (const auto& node : input.nodes) nodes.emplace(key_of(srv6::Sid(node.address().v6())), 1);
  make_equal(nodes_, nodes, report);
}

void FastPath::set_pod_routes(IfIndex host_inner,
                              const std::map<overlay::RouteKey, overlay::RouteTarget>& routes,
                              const std::vector<IpPrefix>& own_pods, ApplyReport& report) {
  std::map<sx_sid, std::uint32_t, Before<sx_sid>> wanted;
  for (const auto& [key, target] : routes) {
    if (!is_pod_route(key)) continue;
    const bool path = std::holds_alternative<overlay::PathKey>(target);
    wanted.emplace(key_of(key.prefix.address()), path ? netlink::number(host_inner) : 0);
  }
  make_equal(pod_routes_, wanted, report);
  std::map<sx_prefix, std::uint32_t, Before<sx_prefix>> pods;
  for (const auto& prefix : own_pods) pods.emplace(key_of(prefix), 1);
  make_equal(own_pods_, pods, report);
}

void FastPath::change_pod_route(IfIndex host_inner, const overlay::RouteKey& key,
                                const std::optional<overlay::RouteTarget>& target,
                                ApplyReport& report) {
  if (!is_pod_route(key)) return;
  const auto node = key_of(key.prefix.address());
  if (!target) {
    book(report, pod_routes_.erase(node));
    return;
  }
  const bool path = std::holds_alternative<overlay::PathKey>(*target);
  book(report, pod_routes_.set(node, path ? netlink::number(host_inner) : 0));
}

void FastPath::set_local_sids(IfIndex inner, const std::map<srv6::Sid, overlay::LocalSid>& sids,
                              ApplyReport& report) {
  std::map<sx_sid, sx_delivery, Before<sx_sid>> wanted;
  for (const auto& [sid, local] : sids) {
    const auto families = families_of(local);
    if (families != 0) {
      wanted.emplace(key_of(sid),
                     sx_delivery{.device = netlink::number(inner), .families = families});
    }
  }
  make_equal(deliveries_, wanted, report);
}

}  // namespace sextant::dataplane
