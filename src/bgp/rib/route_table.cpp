#include "bgp/rib/route_table.h"

#include <cstring>
#include <utility>

namespace sextant::bgp {

namespace {

std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

}  // namespace

RouteTable::RouteTable(std::size_t key_bytes, std::uint64_t seed)
    : key_words_((key_bytes + 7) / 8),
      stride_(sizeof(Header) + key_words_ * sizeof(std::uint64_t) + kInline * sizeof(Path)),
      seed_(seed),
      index_(0, SlotHash{}, SlotEqual{this}) {}

RouteTable::~RouteTable() {
  for (std::uint32_t i = 0; i < end_; ++i) {
    if (header(EntryId{i}).paths == kHeap) delete heap(EntryId{i});
  }
}

std::uint32_t RouteTable::hash(const RouteKey& key) const {
  auto state = seed_ ^ key.length;
  for (const auto word : key.words) state = mix(state ^ word, 0xd6e8feb86659fd93ULL);
  return static_cast<std::uint32_t>(state >> 32U);
}

bool RouteTable::has_key(EntryId entry, const RouteKey& key) const {
  return header(entry).length == key.length &&
         std::memcmp(at(entry) + sizeof(Header), key.words.data(),
                     key_words_ * sizeof(std::uint64_t)) == 0;
}

bool RouteTable::same_key(EntryId a, EntryId b) const {
  return header(a).length == header(b).length &&
         std::memcmp(at(a) + sizeof(Header), at(b) + sizeof(Header),
                     key_words_ * sizeof(std::uint64_t)) == 0;
}

// Copied: entries are aligned to four bytes only.
std::vector<Path>* RouteTable::heap(EntryId entry) const {
  std::vector<Path>* paths = nullptr;
  std::memcpy(&paths, path_bytes(entry), sizeof paths);
  return paths;
}

void RouteTable::set_heap(EntryId entry, std::vector<Path>* paths) {
  std::memcpy(path_bytes(entry), &paths, sizeof paths);
}

std::optional<EntryId> RouteTable::find_next(const RouteKey& key) const {
  if (next_ >= end_ || !in_use(EntryId{next_}) || !has_key(EntryId{next_}, key)) {
    return std::nullopt;
  }
  return EntryId{next_++};
}

std::optional<EntryId> RouteTable::find(const RouteKey& key) const {
  if (const auto entry = find_next(key)) return entry;
  const auto found = index_.find(Probe{hash(key), key});
  if (found == index_.end()) return std::nullopt;
  next_ = found->entry + 1;
  return EntryId{found->entry};
}

EntryId RouteTable::find_or_add(const RouteKey& key) {
  if (const auto entry = find_next(key)) return *entry;
  const auto entry = take(key);
  const auto [slot, added] = index_.insert(Slot{hash(key), static_cast<std::uint32_t>(entry)});
  if (!added) give_back(entry);
  next_ = slot->entry + 1;
  return EntryId{slot->entry};
}

EntryId RouteTable::take(const RouteKey& key) {
  std::uint32_t number = end_;
  if (!free_.empty()) {
    number = free_.back();
    free_.pop_back();
  } else {
    if (end_ / kChunk == chunks_.size()) {
      chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(kChunk * stride_));
    }
    ++end_;
  }
  const EntryId entry{number};
  header(entry) = Header{.length = key.length, .paths = 0, .has_best = 0, .pins = 0};
  std::memcpy(at(entry) + sizeof(Header), key.words.data(), key_words_ * sizeof(std::uint64_t));
  return entry;
}

void RouteTable::give_back(EntryId entry) {
  const auto number = static_cast<std::uint32_t>(entry);
  header(entry).paths = kFree;
  if (number + 1 == end_) {
    --end_;
  } else {
    free_.push_back(number);
  }
}

RouteKey RouteTable::key(EntryId entry) const {
  RouteKey key;
  key.length = header(entry).length;
  std::memcpy(key.words.data(), at(entry) + sizeof(Header), key_words_ * sizeof(std::uint64_t));
  return key;
}

std::span<Path> RouteTable::paths(EntryId entry) {
  const auto count = header(entry).paths;
  if (count == kHeap) return *heap(entry);
  return {reinterpret_cast<Path*>(path_bytes(entry)), count};
}

std::span<const Path> RouteTable::paths(EntryId entry) const {
  return const_cast<RouteTable*>(this)->paths(entry);
}

std::optional<Path> RouteTable::best(EntryId entry) const {
  if (!header(entry).has_best) return std::nullopt;
  return paths(entry).front();
}

void RouteTable::set_best(EntryId entry, std::size_t index) {
  const auto all = paths(entry);
  std::swap(all[0], all[index]);
  header(entry).has_best = true;
}

std::size_t RouteTable::add_path(EntryId entry, const Path& path) {
  auto& head = header(entry);
  if (head.paths == kHeap) {
    heap(entry)->push_back(path);
    return heap(entry)->size() - 1;
  }
  auto* inline_paths = reinterpret_cast<Path*>(path_bytes(entry));
  if (head.paths < kInline) {
    inline_paths[head.paths] = path;
    return head.paths++;
  }
  auto grown = std::make_unique<std::vector<Path>>();
  grown->reserve(kInline + 2);
  grown->assign(inline_paths, inline_paths + kInline);
  grown->push_back(path);
  set_heap(entry, grown.release());
  head.paths = kHeap;
  return kInline;
}

void RouteTable::remove_path(EntryId entry, std::size_t index) {
  auto& head = header(entry);
  if (index == 0) head.has_best = false;
  if (head.paths != kHeap) {
    auto* inline_paths = reinterpret_cast<Path*>(path_bytes(entry));
    for (auto i = index; i + 1 < head.paths; ++i) inline_paths[i] = inline_paths[i + 1];
    --head.paths;
    return;
  }
  auto* all = heap(entry);
  all->erase(all->begin() + static_cast<std::ptrdiff_t>(index));
  if (all->size() > kInline) return;
  std::memcpy(path_bytes(entry), all->data(), all->size() * sizeof(Path));
  head.paths = kInline;
  delete all;
}

void RouteTable::release_if_unused(EntryId entry) {
  const auto& head = header(entry);
  if (head.paths != 0 || head.pins != 0) return;
  const auto erased = key(entry);
  index_.erase(index_.find(Probe{hash(erased), erased}));
  give_back(entry);
  if (!index_.empty()) return;
  index_ = Index(0, SlotHash{}, SlotEqual{this});
  chunks_ = decltype(chunks_)();
  free_ = decltype(free_)();
  end_ = 0;
  next_ = 0;
}

std::size_t RouteTable::memory() const {
  return chunks_.size() * kChunk * stride_ + free_.capacity() * sizeof(std::uint32_t) +
         index_.bucket_count() * (sizeof(Slot) + 1);
}

}  // namespace sextant::bgp
