#include "bgp/rib/rib.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "bgp/wire/link_state.h"

namespace sextant::bgp {

namespace {

constexpr std::size_t kFewNames = 1024;
constexpr std::ptrdiff_t kMaxSweeps = 100;  // of one peer and family that wait

}  // namespace

Rib::Rib(RibConfig config)
    : config_(std::move(config)),
      next_hops_(config_.resolver),
      rejected_(config_.rejected_limit),
      names_limit_(kFewNames) {
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    families_[i].table =
        std::make_unique<RouteTable>(key_bytes(kFamilies[i]), config_.hash_seed + i);
  }
  auto& local = peers_.emplace_back();
  local.used = true;
  local.peer.asn = config_.local_as;
  local.peer.router_id = config_.router_id;
}

Rib::~Rib() = default;

std::optional<std::size_t> Rib::index_of(Family family) {
  const auto* found = std::ranges::find(kFamilies, family);
  if (found == std::end(kFamilies)) return std::nullopt;
  return static_cast<std::size_t>(found - std::begin(kFamilies));
}

// ---- Peers --------------------------------------------------------------------------------------

PeerId Rib::add_peer(RibPeer peer) {
  auto place = std::ranges::find(peers_, false, &PeerState::used);
  if (place == peers_.end()) place = peers_.emplace(peers_.end());
  place->used = true;
  place->peer = std::move(peer);
  return PeerId{static_cast<std::uint16_t>(place - peers_.begin())};
}

void Rib::set_peer(PeerId id, RibPeer peer) {
  auto& own = state(id);
  const bool compared_alike = own.peer.router_id == peer.router_id &&
                              own.peer.address == peer.address &&
                              own.peer.facts.internal == peer.facts.internal;
  own.peer = std::move(peer);
  if (compared_alike) return;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    if (own.counts[i].held > 0) begin_choosing_again(i);
  }
}

void Rib::remove_peer(PeerId id) {
  drop(id);
  state(id).removing = true;
  finish_removals();
}

const RibPeer& Rib::peer(PeerId id) const { return state(id).peer; }

PathCounts Rib::counts(PeerId id, Family family) const {
  const auto index = index_of(family);
  return index ? state(id).counts[*index] : PathCounts{};
}

PathSource Rib::source(PeerId id) const {
  if (id == kLocalPeer) return PathSource::kLocal;
  return peer(id).facts.internal ? PathSource::kInternal : PathSource::kExternal;
}

bool Rib::is_stale(Family family, const Path& path) const {
  const auto index = index_of(family);
  return index && path.epoch != state(path.peer).epochs[*index];
}

const RouteTable& Rib::table(Family family) const { return *families_[*index_of(family)].table; }

std::shared_ptr<ChangeQueue> Rib::open_queue(Family family, ChangeQueue::Interest interest) {
  auto& own = families_[*index_of(family)];
  auto queue = std::make_unique<ChangeQueue>(*own.table, interest);
  own.queues.push_back(queue.get());
  return {queue.release(), [&own](ChangeQueue* closed) {
            std::erase(own.queues, closed);
            delete closed;
          }};
}

RouteKey Rib::link_state_key(std::span<const std::uint8_t> nlri) {
  if (const auto known = link_state_names_.find(nlri)) return *known;
  if (link_state_names_.size() >= names_limit_) {
    const auto& routes = table(kLinkState);
    link_state_names_.forget_unused(
        [&](const RouteKey& key) { return routes.find(key) || rejected_.holds(kLinkState, key); });
    names_limit_ = std::max(kFewNames, 2 * link_state_names_.size());
  }
  return link_state_names_.add(nlri);
}

std::string Rib::name_of(Family family, const RouteKey& key) const {
  if (family != kLinkState) return to_string(family, key);
  const auto nlri = link_state(key);
  return LinkStateNlri{{nlri.begin(), nlri.end()}}.to_string();
}

// ---- Routes in, one by one ----------------------------------------------------------------------

void Rib::announce(Family family, const RouteKey& key, const Attributes& attributes,
                   const NextHop& next_hop, std::uint32_t label) {
  const auto index = index_of(family);
  if (!index) return;
  std::vector<std::uint8_t> next_hop_bytes;
  encode_next_hop(family, next_hop, next_hop_bytes);
  const AttributeOrigin origin{
      .kind = {.family = family}, .local = true, .label = label, .next_hop = next_hop_bytes};
  const auto block = encode_attributes(attributes, origin.facts);
  AttributePool::make_key(origin, block, key_);
  auto id = pool_.find(key_);
  if (!id) id = pool_.add(key_, origin, block, next_hop, traits_of(attributes, true));
  put(*index, key, kLocalPeer, *id);
}

void Rib::withdraw(Family family, const RouteKey& key) {
  if (const auto index = index_of(family)) take_away(*index, key, kLocalPeer);
}

void Rib::put(std::size_t family, const RouteKey& key, PeerId peer, AttributeId attributes) {
  auto& table = *families_[family].table;
  auto& from = state(peer);
  const auto entry = table.find_or_add(key);
  const auto before = table.best(entry);
  const auto epoch = from.epochs[family];
  const auto paths = table.paths(entry);
  const auto own = std::ranges::find(paths, peer, &Path::peer);
  if (own == paths.end()) {
    pool_.retain(attributes);
    table.add_path(entry, Path{.attributes = attributes, .peer = peer, .epoch = epoch});
    ++from.counts[family].held;
  } else {
    if (own->epoch != epoch) --from.counts[family].stale;
    own->epoch = epoch;
    if (own->attributes == attributes) return;
    pool_.retain(attributes);
    pool_.release(std::exchange(own->attributes, attributes));
  }
  choose(family, entry, before, true);
}

void Rib::take_away(std::size_t family, const RouteKey& key, PeerId peer) {
  auto& table = *families_[family].table;
  const auto entry = table.find(key);
  if (!entry) return;
  const auto paths = table.paths(*entry);
  const auto own = std::ranges::find(paths, peer, &Path::peer);
  if (own != paths.end()) {
    remove_path(family, *entry, static_cast<std::size_t>(own - paths.begin()));
  }
}

void Rib::remove_path(std::size_t family, EntryId entry, std::size_t index) {
  auto& table = *families_[family].table;
  const auto before = table.best(entry);
  const auto path = table.paths(entry)[index];
  auto& from = state(path.peer);
  --from.counts[family].held;
  if (path.epoch != from.epochs[family]) --from.counts[family].stale;
  table.remove_path(entry, index);
  choose(family, entry, before, true);
  pool_.release(path.attributes);
  table.release_if_unused(entry);
}

// ---- Choice -------------------------------------------------------------------------------------

Candidate Rib::candidate(const Path& path) const {
  const auto& set = pool_[path.attributes];
  const auto& from = state(path.peer).peer;
  const auto from_here = path.peer == kLocalPeer;
  const auto cost = from_here ? 0 : next_hops_.cost(set.next_hop_id());
  const auto& id = from.router_id.bytes();
  return {.fields = &set.decision(),
          .source = source(path.peer),
          .eligible = cost != NextHops::kUnreachable,
          .igp_cost = cost,
          .router_id = static_cast<std::uint32_t>(id[0]) << 24U |
                       static_cast<std::uint32_t>(id[1]) << 16U |
                       static_cast<std::uint32_t>(id[2]) << 8U | id[3],
          .peer_address = from.address,
          .peer = static_cast<std::uint16_t>(path.peer)};
}

Decision Rib::decide_among(std::span<const Path> paths) const {
  if (paths.size() == 1) {  // most destinations
    const auto& only = paths.front();
    const bool eligible =
        only.peer == kLocalPeer ||
        next_hops_.cost(pool_[only.attributes].next_hop_id()) != NextHops::kUnreachable;
    return {.best = eligible ? 0 : Decision::kNone};
  }
  candidates_.clear();
  for (const auto& path : paths) candidates_.push_back(candidate(path));
  return decide(candidates_, alive_);
}

DecisionStep Rib::reason(Family family, EntryId entry) const {
  return decide_among(table(family).paths(entry)).step;
}

void Rib::choose(std::size_t family, EntryId entry, const std::optional<Path>& before,
                 bool paths_changed) {
  auto& own = families_[family];
  auto& table = *own.table;
  const auto best = decide_among(std::as_const(table).paths(entry)).best;
  std::optional<Path> after;
  if (best == Decision::kNone) {
    table.clear_best(entry);
  } else {
    table.set_best(entry, best);
    after = table.best(entry);
  }
  const bool best_changed =
      before.has_value() != after.has_value() ||
      (after && (after->peer != before->peer || after->attributes != before->attributes));
  if (!paths_changed && !best_changed) return;
  for (auto* queue : own.queues) queue->touch(entry, best_changed);
}

// ---- Loss and return ----------------------------------------------------------------------------

void Rib::begin_epoch(PeerId id, std::size_t family) {
  auto& own = state(id);
  ++own.epochs[family];
  own.counts[family].stale = own.counts[family].held;
}

// Epochs wrap around: no path may wait for its sweep while 256 of them pass, however fast a peer
// begins refreshes and ends them.
void Rib::begin_sweep(PeerId id, std::size_t family, std::uint8_t keep) {
  if (state(id).counts[family].stale == 0) return;
  tasks_.push_back({.kind = Task::Kind::kSweep, .family = family, .peer = id, .keep = keep});
  const auto waiting = std::ranges::count_if(
      tasks_, [&](const Task& task) { return task.peer == id && task.family == family; });
  if (waiting > kMaxSweeps) (void)step(std::numeric_limits<std::size_t>::max());
}

void Rib::mark_stale(PeerId id, Family family) {
  const auto index = index_of(family);
  if (!index) return;
  const bool again = state(id).counts[*index].stale > 0;
  const auto previous = state(id).epochs[*index];
  begin_epoch(id, *index);
  // RFC 4724 section 4.2: routes that were stale already when the peer restarts again are deleted.
  if (again) begin_sweep(id, *index, previous);
}

void Rib::sweep_stale(PeerId id, Family family) {
  const auto index = index_of(family);
  if (index) begin_sweep(id, *index, state(id).epochs[*index]);
}

void Rib::drop(PeerId id, Family family) {
  const auto index = index_of(family);
  if (!index) return;
  begin_epoch(id, *index);
  begin_sweep(id, *index, state(id).epochs[*index]);
  rejected_.forget(id, family);
}

void Rib::drop(PeerId id) {
  for (const auto family : kFamilies) drop(id, family);
}

void Rib::begin_choosing_again(std::size_t family) {
  const auto planned = [&](const Task& task) {
    return task.kind == Task::Kind::kChooseAgain && task.family == family && task.at == 0;
  };
  if (std::ranges::any_of(tasks_, planned)) return;
  tasks_.push_back({.kind = Task::Kind::kChooseAgain, .family = family});
}

void Rib::next_hops_changed() {
  if (!next_hops_.resolve_again()) return;
  for (std::size_t i = 0; i < kFamilyCount; ++i) begin_choosing_again(i);
}

bool Rib::step(std::size_t budget) {
  while (budget > 0 && !tasks_.empty()) {
    if (!work(tasks_.front(), budget)) break;
    tasks_.pop_front();
  }
  finish_removals();
  return !tasks_.empty();
}

bool Rib::work(Task& task, std::size_t& budget) {
  auto& table = *families_[task.family].table;
  const auto& counts = state(task.peer).counts[task.family];
  for (; task.at < table.end(); ++task.at) {
    if (task.kind == Task::Kind::kSweep && counts.stale == 0) return true;
    if (budget == 0) return false;
    --budget;
    const EntryId entry{task.at};
    if (!table.in_use(entry)) continue;
    if (task.kind == Task::Kind::kSweep) {
      sweep_entry(task, entry);
    } else {
      choose(task.family, entry, table.best(entry), false);
    }
  }
  return true;
}

void Rib::sweep_entry(const Task& task, EntryId entry) {
  const auto paths = std::as_const(*families_[task.family].table).paths(entry);
  const auto own = std::ranges::find(paths, task.peer, &Path::peer);
  if (own == paths.end()) return;
  // Ages, because epochs wrap around.
  const auto now = state(task.peer).epochs[task.family];
  const auto age = static_cast<std::uint8_t>(now - own->epoch);
  const auto limit = static_cast<std::uint8_t>(now - task.keep);
  if (age > limit) {
    remove_path(task.family, entry, static_cast<std::size_t>(own - paths.begin()));
  }
}

void Rib::finish_removals() {
  for (auto& own : peers_) {
    if (!own.removing) continue;
    const auto id = PeerId{static_cast<std::uint16_t>(&own - peers_.data())};
    if (std::ranges::any_of(tasks_, [&](const Task& task) { return task.peer == id; })) continue;
    own = PeerState{};
  }
}

}  // namespace sextant::bgp
