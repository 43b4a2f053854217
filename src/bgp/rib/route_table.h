// The destinations of one address family, each with its paths of all peers (the Adj-RIBs-In and the
// Loc-RIB in one place, RFC 4271 section 3.2).
//
// Memory follows the destinations: an IPv6 destination with up to two paths takes 36 bytes plus
// about 10 of index; further paths go to the heap. Entries lie in chunks that never move, the index
// is a hash set of entry numbers. Measured with 500,000 destinations and two paths each: a hash map
// that holds the entries themselves takes as long and twice the memory, and twice again while it
// grows.
//
// The first path is the best one where `has_best` says so.
// An entry without paths lives on while it is pinned: watchers have yet to be told that it is gone.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bgp/rib/path.h"
#include "bgp/rib/route_key.h"

namespace sextant::bgp {

class RouteTable {
 public:
  /// `key_bytes`: of the longest key, at most RouteKey::kMaxBytes. `seed` keeps peers from choosing
  /// destinations that collide.
  RouteTable(std::size_t key_bytes, std::uint64_t seed);
  ~RouteTable();
  RouteTable(const RouteTable&) = delete;
  RouteTable& operator=(const RouteTable&) = delete;

  [[nodiscard]] std::optional<EntryId> find(const RouteKey& key) const;
  [[nodiscard]] EntryId find_or_add(const RouteKey& key);
  /// Entries in use, pinned ones without paths included.
  [[nodiscard]] std::size_t size() const { return index_.size(); }
  /// Every entry's number is below; for walks in slices, with in_use().
  [[nodiscard]] std::uint32_t end() const { return end_; }
  [[nodiscard]] bool in_use(EntryId entry) const { return header(entry).paths != kFree; }

  [[nodiscard]] RouteKey key(EntryId entry) const;
  [[nodiscard]] std::span<const Path> paths(EntryId entry) const;
  [[nodiscard]] std::span<Path> paths(EntryId entry);
  [[nodiscard]] bool has_best(EntryId entry) const { return header(entry).has_best; }
  [[nodiscard]] std::optional<Path> best(EntryId entry) const;
  /// The path at `index` becomes the first and best one.
  void set_best(EntryId entry, std::size_t index);
  void clear_best(EntryId entry) { header(entry).has_best = false; }

  /// Precondition: the entry has no path of that peer. Returns its index.
  std::size_t add_path(EntryId entry, const Path& path);
  /// The order of the other paths is kept: a best path stays the first unless it is the one
  /// removed, which leaves the entry without best path.
  void remove_path(EntryId entry, std::size_t index);

  void pin(EntryId entry) { ++header(entry).pins; }
  void unpin(EntryId entry) { --header(entry).pins; }
  [[nodiscard]] bool pinned(EntryId entry) const { return header(entry).pins > 0; }
  /// Frees the entry where it has neither paths nor pins. When the last one goes, all memory goes.
  void release_if_unused(EntryId entry);
  [[nodiscard]] std::size_t memory() const;

 private:
  static constexpr std::uint8_t kInline = 2;  // paths in the entry itself
  static constexpr std::uint8_t kHeap = 0x3e;
  static constexpr std::uint8_t kFree = 0x3f;
  static constexpr std::uint32_t kChunk = 4096;  // entries

  struct Header {
    std::uint8_t length;
    std::uint8_t paths : 6;  // 0 to kInline, kHeap or kFree
    std::uint8_t has_best : 1;
    std::uint16_t pins;
  };
  static_assert(sizeof(Header) == 4);
  struct Slot {
    std::uint32_t hash;
    std::uint32_t entry;
  };
  struct Probe {
    std::uint32_t hash;
    const RouteKey& key;
  };
  struct SlotHash {
    using is_transparent = void;
    using is_avalanching = void;
    static std::size_t spread(std::uint32_t hash) { return hash * 0x9e3779b97f4a7c15ULL; }
    std::size_t operator()(const Slot& slot) const { return spread(slot.hash); }
    std::size_t operator()(const Probe& probe) const { return spread(probe.hash); }
  };
  struct SlotEqual {
    using is_transparent = void;
    const RouteTable* table;
    bool operator()(const Slot& a, const Slot& b) const {
      return a.hash == b.hash && table->same_key(EntryId{a.entry}, EntryId{b.entry});
    }
    bool operator()(const Slot& a, const Probe& b) const {
      return a.hash == b.hash && table->has_key(EntryId{a.entry}, b.key);
    }
    bool operator()(const Probe& a, const Slot& b) const { return (*this)(b, a); }
  };

  [[nodiscard]] std::byte* at(EntryId entry) const {
    const auto number = static_cast<std::uint32_t>(entry);
    return chunks_[number / kChunk].get() + std::size_t{number % kChunk} * stride_;
  }
  [[nodiscard]] Header& header(EntryId entry) const {
    return *reinterpret_cast<Header*>(at(entry));
  }
  [[nodiscard]] std::byte* path_bytes(EntryId entry) const {
    return at(entry) + sizeof(Header) + key_words_ * sizeof(std::uint64_t);
  }
  [[nodiscard]] std::vector<Path>* heap(EntryId entry) const;
  void set_heap(EntryId entry, std::vector<Path>* paths);
  [[nodiscard]] bool has_key(EntryId entry, const RouteKey& key) const;
  [[nodiscard]] bool same_key(EntryId a, EntryId b) const;
  [[nodiscard]] std::uint32_t hash(const RouteKey& key) const;
  /// A free entry with that key; give_back() undoes it.
  [[nodiscard]] EntryId take(const RouteKey& key);
  /// The entry behind the one found last, where it is the one: peers tell what others, or they
  /// themselves, have told before mostly in the same order. It spares the index, which is
  /// scattered over memory.
  [[nodiscard]] std::optional<EntryId> find_next(const RouteKey& key) const;
  void give_back(EntryId entry);
  using Index = boost::unordered_flat_set<Slot, SlotHash, SlotEqual>;

  std::size_t key_words_;
  std::size_t stride_;
  std::uint64_t seed_;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  std::uint32_t end_ = 0;
  std::vector<std::uint32_t> free_;
  Index index_;
  mutable std::uint32_t next_ = 0;  // find_next's
};

}  // namespace sextant::bgp
