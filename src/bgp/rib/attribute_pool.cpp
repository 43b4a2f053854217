#include "bgp/rib/attribute_pool.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <new>
#include <string_view>

namespace sextant::bgp {

namespace {

constexpr std::size_t kKeyHead =
    9;  // bytes of make_key() before the next hop; its size is the last

std::uint32_t hash_of(std::span<const std::uint8_t> key) {
  const auto hash =
      std::hash<std::string_view>{}({reinterpret_cast<const char*>(key.data()), key.size()});
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

}  // namespace

DecodedAttributes AttributeSet::decode() const {
  // The block is canonical: four-byte AS numbers, and NEXT_HOP is not in it.
  auto facts = facts_;
  facts.four_octet_as = true;
  return decode_attributes(block(), facts, RouteKind{.family = kind_.family, .classic = false});
}

bool AttributePool::SlotEqual::operator()(const Slot& a, const Probe& b) const {
  return a.hash == b.hash && std::ranges::equal(pool->sets_[a.id]->key(), b.key);
}

AttributePool::~AttributePool() {
  for (const auto& slot : index_) ::operator delete(sets_[slot.id]);
}

void AttributePool::make_key(const AttributeOrigin& origin, std::span<const std::uint8_t> block,
                             std::vector<std::uint8_t>& key) {
  const auto afi = static_cast<std::uint16_t>(origin.kind.family.afi);
  key.assign({static_cast<std::uint8_t>(afi >> 8U), static_cast<std::uint8_t>(afi),
              static_cast<std::uint8_t>(origin.kind.family.safi),
              static_cast<std::uint8_t>((origin.kind.classic ? 1 : 0) |
                                        (origin.facts.four_octet_as ? 2 : 0) |
                                        (origin.facts.internal ? 4 : 0) | (origin.local ? 8 : 0)),
              static_cast<std::uint8_t>(origin.facts.dialect),
              static_cast<std::uint8_t>(origin.label >> 16U),
              static_cast<std::uint8_t>(origin.label >> 8U),
              static_cast<std::uint8_t>(origin.label),
              static_cast<std::uint8_t>(origin.next_hop.size())});
  key.insert(key.end(), origin.next_hop.begin(), origin.next_hop.end());
  key.insert(key.end(), block.begin(), block.end());
}

std::optional<AttributeId> AttributePool::find(std::span<const std::uint8_t> key) const {
  const auto found = index_.find(Probe{hash_of(key), key});
  if (found == index_.end()) return std::nullopt;
  return AttributeId{found->id};
}

AttributeId AttributePool::add(std::span<const std::uint8_t> key, const AttributeOrigin& origin,
                               std::span<const std::uint8_t> block, const NextHop& next_hop,
                               const AttributeTraits& traits) {
  const bool within =
      block.size() <= key.size() && std::ranges::equal(key.last(block.size()), block);
  const auto bytes = key.size() + (within ? 0 : block.size());
  auto* set = new (::operator new(sizeof(AttributeSet) + bytes)) AttributeSet;
  auto* data = reinterpret_cast<std::uint8_t*>(set + 1);
  std::ranges::copy(key, data);
  if (!within) std::ranges::copy(block, data + key.size());
  set->traits_ = traits;
  set->next_hop_ = next_hops_.retain(next_hop.address);
  set->hash_ = hash_of(key);
  set->key_size_ = static_cast<std::uint32_t>(key.size());
  set->block_at_ = static_cast<std::uint32_t>(within ? key.size() - block.size() : key.size());
  set->block_size_ = static_cast<std::uint32_t>(block.size());
  set->label_ = origin.label;
  set->kind_ = origin.kind;
  set->facts_ = origin.facts;

  auto id = static_cast<std::uint32_t>(sets_.size());
  if (free_.empty()) {
    sets_.push_back(set);
  } else {
    id = free_.back();
    free_.pop_back();
    sets_[id] = set;
  }
  index_.insert(Slot{set->hash_, id});
  memory_ += sizeof(AttributeSet) + bytes;
  return AttributeId{id};
}

NextHop AttributePool::next_hop(AttributeId id) const {
  const auto& set = (*this)[id];
  const auto size = set.key()[kKeyHead - 1];
  if (size > 0) {
    const auto sent = decode_next_hop(set.kind().family, set.key().subspan(kKeyHead, size));
    if (sent) return *sent;
  }
  return NextHop{.address = next_hops_.address(set.next_hop_id())};
}

void AttributePool::remove(AttributeId id) {
  const auto number = static_cast<std::uint32_t>(id);
  auto* set = sets_[number];
  index_.erase(index_.find(Slot{set->hash_, number}));
  next_hops_.release(set->next_hop_);
  memory_ -= sizeof(AttributeSet) + set->key_size_ +
             (set->block_at_ == set->key_size_ ? set->block_size_ : 0);
  ::operator delete(set);
  sets_[number] = nullptr;
  free_.push_back(number);
  if (index_.empty()) {
    sets_ = decltype(sets_)();
    free_ = decltype(free_)();
    index_ = decltype(index_)(0, SlotHash{}, SlotEqual{this});
  }
}

}  // namespace sextant::bgp
