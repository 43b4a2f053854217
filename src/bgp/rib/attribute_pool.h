// Attribute sets, each kept once however many routes and peers share it.
//
// A set is found by the bytes that a peer sent (what decoding depends on besides them in front), so
// that only a block never seen before is decoded. Besides these bytes a set holds its canonical
// block (encode_attributes) where that differs, and the few fields that the decision process asks
// for; whole decoding is done again on demand. References count the paths that point at it: the
// last one takes the set with it.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bgp/rib/next_hops.h"
#include "bgp/rib/path.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/next_hop.h"

namespace sextant::bgp {

/// What RFC 4271 section 9.1.2.2 and RFC 4456 section 9 compare.
struct DecisionFields {
  std::uint32_t local_pref = 100;
  std::uint32_t med = 0;          // absent: 0, the lowest (RFC 4271 section 9.1.2.2 c)
  std::uint32_t neighbor_as = 0;  // 0: this AS
  std::uint32_t originator_id = 0;
  std::uint16_t as_path_length = 0;
  std::uint16_t cluster_list_length = 0;
  std::uint8_t origin = 0;
  bool has_originator_id = false;
};

/// Why no route with these attributes is taken, whatever its destination.
enum class Loop : std::uint8_t {
  kNone,
  kAsPath,        // RFC 4271 section 9.1.2: own AS number in AS_PATH
  kOriginatorId,  // RFC 4456 section 8: own identifier
  kClusterList,   // RFC 4456 section 8: own cluster
};

struct AttributeTraits {
  DecisionFields decision;
  Loop loop = Loop::kNone;
  bool no_export = false;     // RFC 1997 NO_EXPORT or NO_EXPORT_SUBCONFED
  bool no_advertise = false;  // RFC 1997
  bool unusable = false;      // DecodedAttributes::unusable
};

/// All that decides what a block means; its bytes are the key.
struct AttributeOrigin {
  SessionFacts facts;
  RouteKind kind;
  bool local = false;
  std::uint32_t label = 0;                      // VPN families
  std::span<const std::uint8_t> next_hop = {};  // as encode_next_hop; empty: of the block (classic)
};

class AttributeSet {
 public:
  [[nodiscard]] const AttributeTraits& traits() const { return traits_; }
  [[nodiscard]] const DecisionFields& decision() const { return traits_.decision; }
  [[nodiscard]] NextHopId next_hop_id() const { return next_hop_; }
  [[nodiscard]] std::uint32_t label() const { return label_; }
  [[nodiscard]] RouteKind kind() const { return kind_; }
  [[nodiscard]] SessionFacts facts() const { return facts_; }
  /// Canonical, with four-byte AS numbers, without next hop.
  [[nodiscard]] std::span<const std::uint8_t> block() const {
    return {bytes() + block_at_, block_size_};
  }
  /// What decode_attributes says of it, NEXT_HOP aside.
  [[nodiscard]] DecodedAttributes decode() const;

 private:
  friend class AttributePool;
  AttributeSet() = default;
  [[nodiscard]] const std::uint8_t* bytes() const {
    return reinterpret_cast<const std::uint8_t*>(this + 1);
  }
  [[nodiscard]] std::span<const std::uint8_t> key() const { return {bytes(), key_size_}; }

  AttributeTraits traits_;
  NextHopId next_hop_{};
  std::uint32_t references_ = 0;
  std::uint32_t hash_ = 0;
  std::uint32_t key_size_ = 0;
  std::uint32_t block_at_ = 0;
  std::uint32_t block_size_ = 0;
  std::uint32_t label_ = 0;
  RouteKind kind_;
  SessionFacts facts_;
  // The key follows, then the block where it is not the end of the key.
};

class AttributePool {
 public:
  explicit AttributePool(NextHops& next_hops) : next_hops_(next_hops) {}
  ~AttributePool();
  AttributePool(const AttributePool&) = delete;
  AttributePool& operator=(const AttributePool&) = delete;

  /// `key` as make_key() gives it.
  [[nodiscard]] std::optional<AttributeId> find(std::span<const std::uint8_t> key) const;
  /// Precondition: no such key. `block` is canonical. Nobody refers to the new set yet: retain()
  /// it, or discard_unused() takes it away again.
  [[nodiscard]] AttributeId add(std::span<const std::uint8_t> key, const AttributeOrigin& origin,
                                std::span<const std::uint8_t> block, const NextHop& next_hop,
                                const AttributeTraits& traits);
  [[nodiscard]] const AttributeSet& operator[](AttributeId id) const {
    return *sets_[static_cast<std::uint32_t>(id)];
  }
  [[nodiscard]] NextHop next_hop(AttributeId id) const;
  void retain(AttributeId id) { ++sets_[static_cast<std::uint32_t>(id)]->references_; }
  void release(AttributeId id) {
    if (--sets_[static_cast<std::uint32_t>(id)]->references_ == 0) remove(id);
  }
  void discard_unused(AttributeId id) {
    if (sets_[static_cast<std::uint32_t>(id)]->references_ == 0) remove(id);
  }
  [[nodiscard]] std::size_t size() const { return index_.size(); }
  [[nodiscard]] std::size_t memory() const { return memory_; }  // bytes of the sets

  /// Replaces `key`.
  static void make_key(const AttributeOrigin& origin, std::span<const std::uint8_t> block,
                       std::vector<std::uint8_t>& key);

 private:
  struct Slot {
    std::uint32_t hash;
    std::uint32_t id;
  };
  struct Probe {
    std::uint32_t hash;
    std::span<const std::uint8_t> key;
  };
  struct SlotHash {
    using is_transparent = void;
    using is_avalanching = void;
    template <typename T>
    std::size_t operator()(const T& slot) const {
      return slot.hash * 0x9e3779b97f4a7c15ULL;
    }
  };
  struct SlotEqual {
    using is_transparent = void;
    const AttributePool* pool;
    bool operator()(const Slot& a, const Slot& b) const { return a.id == b.id; }
    bool operator()(const Slot& a, const Probe& b) const;
    bool operator()(const Probe& a, const Slot& b) const { return (*this)(b, a); }
  };

  void remove(AttributeId id);

  NextHops& next_hops_;
  std::vector<AttributeSet*> sets_;
  std::vector<std::uint32_t> free_;
  boost::unordered_flat_set<Slot, SlotHash, SlotEqual> index_{0, SlotHash{}, SlotEqual{this}};
  std::size_t memory_ = 0;
};

}  // namespace sextant::bgp
