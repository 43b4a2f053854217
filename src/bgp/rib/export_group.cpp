#include "bgp/rib/export_group.h"

#include <algorithm>
#include <utility>

namespace sextant::bgp {

ExportGroup::ExportGroup(Rib& rib, ExportRules rules)
    : rib_(rib),
      table_(rib.table(rules.family)),
      rules_(std::move(rules)),
      queue_(rib.open_queue(rules_.family, ChangeQueue::Interest::kBest)) {}

ExportGroup::ExportGroup(const ExportGroup& other, std::uint64_t position)
    : rib_(other.rib_),
      table_(other.table_),
      rules_(other.rules_),
      queue_(rib_.open_queue(rules_.family, ChangeQueue::Interest::kBest)),
      told_(other.told_),
      told_from_(other.told_from_),
      log_(other.log_.begin() + static_cast<std::ptrdiff_t>(position - other.first_),
           other.log_.end()),
      first_(position),
      walk_end_(other.walk_end_),
      next_walk_(other.next_walk_),
      started_(other.started_) {
  queue_->copy_from(*other.queue_);
  for (const auto& block : log_) backlog_ += block.bytes->size();
}

void ExportGroup::walk(Walk walk) {
  if (walk_end_ || queue_->walking()) {
    next_walk_ = std::move(walk);  // a refresh never ends what the initial walk has to end
    return;
  }
  if (!walk.begin.empty()) push_marker(std::move(walk.begin));
  queue_->touch_all();
  walk_end_ = std::move(walk.end);
}

void ExportGroup::end_walk() {
  if (!walk_end_ || queue_->walking()) return;
  auto end = *std::exchange(walk_end_, std::nullopt);
  if (!end.empty()) push_marker(std::move(end));
  if (next_walk_) walk(*std::exchange(next_walk_, std::nullopt));
}

// ---- Clients and log ----------------------------------------------------------------------------

bool ExportGroup::Block::is_for(PeerId id) const {
  if (only) return *only == id;
  return std::ranges::find(except, id) == except.end();
}

const ExportGroup::Client* ExportGroup::find(PeerId id) const {
  const auto found = std::ranges::find(clients_, id, &Client::id);
  return found == clients_.end() ? nullptr : &*found;
}

void ExportGroup::add_client(PeerId id, std::uint64_t position) {
  clients_.push_back({.id = id, .at = position});
}

void ExportGroup::remove_client(PeerId id) {
  std::erase_if(clients_, [id](const Client& client) { return client.id == id; });
  trim();
}

std::vector<PeerId> ExportGroup::slowest() const {
  const auto at = std::ranges::min(clients_, {}, &Client::at).at;
  std::vector<PeerId> ids;
  for (const auto& client : clients_) {
    if (client.at == at) ids.push_back(client.id);
  }
  return ids;
}

void ExportGroup::trim() {
  auto needed = end();
  for (const auto& client : clients_) needed = std::min(needed, client.at);
  for (; first_ < needed; ++first_) {
    backlog_ -= log_.front().bytes->size();
    log_.pop_front();
  }
}

MessageBytes ExportGroup::read(PeerId id) {
  auto& client = *find(id);
  MessageBytes bytes;
  while (!bytes && client.at < end()) {
    const auto& block = log_[client.at - first_];
    ++client.at;
    if (block.is_for(id)) bytes = block.bytes;
  }
  trim();
  return bytes;
}

void ExportGroup::push(Block block) {
  backlog_ += block.bytes->size();
  bytes_encoded_ += block.bytes->size();
  log_.push_back(std::move(block));
}

void ExportGroup::push_marker(std::vector<std::uint8_t> message) {
  started_ = true;
  push({.bytes = std::make_shared<const std::vector<std::uint8_t>>(std::move(message))});
}

// ---- Encoding -----------------------------------------------------------------------------------

PeerId ExportGroup::told_from(EntryId entry) const {
  return PeerId{told_from_[static_cast<std::uint32_t>(entry)]};
}

void ExportGroup::set_told_from(EntryId entry, PeerId peer) {
  const auto number = static_cast<std::uint32_t>(entry);
  if (number >= told_from_.size()) told_from_.resize(table_.end());
  told_from_[number] = static_cast<std::uint16_t>(peer);
}

void ExportGroup::encode(std::size_t limit) {
  started_ = true;
  batch_.clear();
  queue_->take(limit, batch_);
  sort_batch();
  // Withdrawals first: they free what the peer holds. No destination is in both.
  write_withdrawals();
  withdrawals_.clear();
  for (auto& bucket : buckets_) write_bucket(bucket);
  write_withdrawals();  // what peers held of a route that is now their own
  close_block();
  withdrawals_.clear();
  buckets_.clear();
  bucket_index_.clear();
  last_bucket_ = kEnd;
  for (const auto entry : batch_) queue_->done(entry);
  if (table_.size() == 0) {  // no entry can be held: what they took is given back
    told_.clear();
    told_from_ = decltype(told_from_)();
  }
  end_walk();
}

void ExportGroup::sort_batch() {
  next_.assign(batch_.size(), kEnd);
  for (std::uint32_t i = 0; i < batch_.size(); ++i) {
    const auto entry = batch_[i];
    const auto best = table_.best(entry);
    if (best) {
      auto& bucket = bucket_of(*best);
      if (bucket.exportable && passes_filter(bucket, table_.key(entry))) {
        append(bucket, i);
        continue;
      }
    }
    if (told_.test(entry)) note_withdrawal(entry);
  }
}

ExportGroup::Bucket& ExportGroup::bucket_of(const Path& path) {
  if (last_bucket_ != kEnd) {  // routes of one UPDATE come in a row
    auto& last = buckets_[last_bucket_];
    if (last.path.attributes == path.attributes && last.path.peer == path.peer) return last;
  }
  const auto name = std::uint64_t{static_cast<std::uint32_t>(path.attributes)} << 16U |
                    static_cast<std::uint16_t>(path.peer);
  const auto [found, added] =
      bucket_index_.emplace(name, static_cast<std::uint32_t>(buckets_.size()));
  if (added) buckets_.push_back({.path = path, .exportable = may_export(rib_, rules_, path)});
  last_bucket_ = found->second;
  return buckets_[last_bucket_];
}

bool ExportGroup::passes_filter(Bucket& bucket, const RouteKey& key) {
  if (!rules_.filter) return true;
  if (!bucket.attributes && rules_.filter->asks_for_communities()) {
    bucket.attributes = rib_.pool()[bucket.path.attributes].decode().attributes;
  }
  return !rules_.filter->reject(filter_prefix(rules_.family, key),
                                bucket.attributes ? &*bucket.attributes : nullptr);
}

void ExportGroup::append(Bucket& bucket, std::uint32_t index) {
  if (bucket.first == kEnd) {
    bucket.first = index;
  } else {
    next_[bucket.last] = index;
  }
  bucket.last = index;
}

void ExportGroup::note_withdrawal(EntryId entry) {
  told_.reset(entry);
  withdrawals_.push_back({.peer = told_from(entry), .only = false, .entry = entry});
}

std::vector<PeerId> ExportGroup::excluded(const Bucket& bucket, const NextHop& next_hop) const {
  std::vector<PeerId> out;
  // RFC 4271 section 5.1.3: not with the receiver as next hop. An SR Policy's says nothing about
  // where packets go: its endpoint may well be a headend that is told of it.
  // Nor does that of a route of BGP-LS.
  const bool by_next_hop = rules_.family.safi != Safi::kSrPolicy && rules_.family != kLinkState;
  for (const auto& client : clients_) {
    const bool own = client.id == bucket.path.peer;  // split horizon
    if (own || (by_next_hop && rib_.peer(client.id).address == next_hop.address)) {
      out.push_back(client.id);
    }
  }
  return out;
}

std::size_t ExportGroup::largest_link_state(const Bucket& bucket) const {
  std::size_t largest = 0;
  for (auto i = bucket.first; i != kEnd; i = next_[i]) {
    largest = std::max(largest, rib_.link_state(table_.key(batch_[i])).size());
  }
  return largest;
}

void ExportGroup::write_bucket(Bucket& bucket) {
  if (bucket.first == kEnd) return;
  const auto& set = rib_.pool()[bucket.path.attributes];
  auto attributes = bucket.attributes ? std::move(*bucket.attributes) : set.decode().attributes;
  auto exported = export_set(rib_, rules_, bucket.path, std::move(attributes));
  const auto without = excluded(bucket, exported.next_hop);
  auto& writer = writer_for(without, std::nullopt);
  bool fits = false;
  if (rules_.family == kLinkState) {
    const auto largest = largest_link_state(bucket);
    fits = writer.begin(exported.block, exported.next_hop, largest);
    if (!fits) {  // RFC 9552 section 5.3: the route goes on without its attribute
      auto bare = set.decode().attributes;
      bare.link_state.clear();
      exported = export_set(rib_, rules_, bucket.path, std::move(bare));
      fits = writer.begin(exported.block, exported.next_hop, largest);
    }
  } else {
    fits = writer.begin(exported.block, exported.next_hop);
  }
  if (!fits) ++too_large_;
  for (auto i = bucket.first; i != kEnd; i = next_[i]) {
    const auto entry = batch_[i];
    const bool told = told_.test(entry);
    if (!fits) {  // RFC 8654 section 4: not announced; what was is not true any more
      if (told) note_withdrawal(entry);
      continue;
    }
    for (const auto id : without) {
      if (told && told_from(entry) != id) {
        withdrawals_.push_back({.peer = id, .only = true, .entry = entry});
      }
    }
    announce(writer, entry, set.label());
    told_.set(entry);
    set_told_from(entry, bucket.path.peer);
  }
}

void ExportGroup::write_withdrawals() {
  // By whom they are for: entries of one peer's routes share blocks.
  std::ranges::stable_sort(withdrawals_, {},
                           [](const Withdrawal& one) { return std::pair(one.only, one.peer); });
  for (const auto& one : withdrawals_) {
    std::vector<PeerId> except;
    if (!one.only && has_client(one.peer)) except.push_back(one.peer);
    auto& writer = writer_for(except, one.only ? std::optional(one.peer) : std::optional<PeerId>());
    withdraw(writer, one.entry);
  }
}

UpdateWriter& ExportGroup::writer_for(const std::vector<PeerId>& except,
                                      std::optional<PeerId> only) {
  const bool fits = writer_ && open_block_.except == except && open_block_.only == only &&
                    open_bytes_->size() < kBlockBytes;
  if (!fits) {
    close_block();
    open_bytes_ = std::make_shared<std::vector<std::uint8_t>>();
    open_block_ = {.bytes = nullptr, .except = except, .only = only};
    writer_.emplace(*open_bytes_, rules_.family, rules_.message_limit);
  }
  return *writer_;
}

void ExportGroup::close_block() {
  if (!writer_) return;
  writer_->finish();
  writer_.reset();
  if (open_bytes_->empty()) return;
  open_bytes_->shrink_to_fit();
  open_block_.bytes = std::move(open_bytes_);
  push(std::move(open_block_));
  open_block_ = {};
}

void ExportGroup::announce(UpdateWriter& writer, EntryId entry, std::uint32_t label) {
  const auto key = table_.key(entry);
  switch (rules_.family.safi) {
    case Safi::kUnicast:
      writer.announce(prefix_nlri(key));
      break;
    case Safi::kSrPolicy:
      writer.announce(sr_policy_nlri(key));
      break;
    case Safi::kMplsVpn: {
      auto nlri = vpn_nlri(key);
      nlri.label = label;
      writer.announce(nlri);
      break;
    }
    case Safi::kLinkState: {
      const auto nlri = rib_.link_state(key);
      writer.announce(LinkStateNlri{{nlri.begin(), nlri.end()}});
      break;
    }
  }
}

void ExportGroup::withdraw(UpdateWriter& writer, EntryId entry) {
  const auto key = table_.key(entry);
  switch (rules_.family.safi) {
    case Safi::kUnicast:
      writer.withdraw(prefix_nlri(key));
      break;
    case Safi::kSrPolicy:
      writer.withdraw(sr_policy_nlri(key));
      break;
    case Safi::kMplsVpn:
      writer.withdraw(vpn_nlri(key));
      break;
    case Safi::kLinkState: {
      const auto nlri = rib_.link_state(key);
      writer.withdraw(LinkStateNlri{{nlri.begin(), nlri.end()}});
      break;
    }
  }
}

}  // namespace sextant::bgp
