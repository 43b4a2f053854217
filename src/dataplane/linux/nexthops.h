// The gateway's nexthop objects: one handle a path, kept across edits, so that an edit is one
// atomic replacement whatever the number of prefixes (DESIGN decision 3).
//
// A plain path is one seg6 nexthop; a policy is a weighted group, whose members are exchanged. Ids
// mean nothing: after a restart they are read back from the routes that use them (claim()).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/socket.h"
#include "dataplane/linux/seg6.h"
#include "dataplane/linux/writes.h"
#include "overlay/forwarding.h"

namespace sextant::dataplane {

class FastPath;

struct Blackhole {
  friend bool operator==(const Blackhole&, const Blackhole&) = default;
};

struct NexthopContent {
  Family family = Family::kIpv6;  // of the routes that use it
  std::variant<Seg6Encap, Seg6Local, Blackhole> action;
  friend bool operator==(const NexthopContent&, const NexthopContent&) = default;
};

struct WeightedNexthop {
  NexthopContent content;
  std::uint32_t weight = 1;  // any scale; the kernel's 1..256 is derived
};

class Nexthops {
 public:
  /// A path, or a local SID that forwards by several lists (End.B6.Encaps).
  using Key = std::variant<overlay::PathKey, srv6::Sid>;
  enum class Shape : std::uint8_t { kSingle, kGroup };

  /// Keeps `mirror` (or nobody) as the kernel's nexthops are.
  void set_mirror(FastPath* mirror) { mirror_ = mirror; }
  /// Reads the kernel's nexthops anew. What put() installed before is matched with them by id.
  [[nodiscard]] Result<void> read(netlink::Socket& socket, netlink::IfIndex outer);
  /// Adopts an id that a route of `key` already uses; paths without routes are found by content.
  /// Refused (false) where the id is taken or of another shape.
  bool claim(const Key& key, Shape shape, netlink::NexthopId id);
  /// Makes the nexthop of `key` be `wanted` (not empty); writes only what differs. Returns what
  /// routes refer to.
  netlink::NexthopId put(const Key& key, Shape shape, const std::vector<WeightedNexthop>& wanted,
                         Writes& writes);
  [[nodiscard]] std::optional<netlink::NexthopId> find(const Key& key) const;
  /// The nexthops of the key's lists, in the order in which put() had them.
  [[nodiscard]] std::vector<netlink::NexthopId> lists(const Key& key) const;
  [[nodiscard]] std::vector<Key> keys() const;
  /// Forgets the key; its nexthops go with the next collect().
  void remove(const Key& key);
  /// Forgets every key that is not in `keep`.
  void retain(const std::set<Key>& keep);
  /// Deletes what no key uses any more. To be called when no route does either.
  void collect(Writes& writes);
  /// Ends the adoption that read() began: deletes, in addition, kernel nexthops that no key has
  /// claimed: after a read() and all put()s.
  void disown_unclaimed();

 private:
  struct Member {
    netlink::NexthopId id;
    std::uint8_t weight = 1;  // the kernel's, less one
    friend bool operator==(const Member&, const Member&) = default;
  };
  struct Kernel {                           // a nexthop as the kernel has it
    std::optional<NexthopContent> content;  // none: a group, or nothing of ours
    std::vector<Member> members;
    bool group = false;
  };
  struct Handle {
    Shape shape = Shape::kSingle;
    netlink::NexthopId id = netlink::NexthopId::kNone;
  };

  [[nodiscard]] std::optional<netlink::NexthopId> unclaimed_like(
      Shape shape, const std::vector<WeightedNexthop>& wanted);
  void index_unclaimed();
  netlink::NexthopId allocate();
  void write(netlink::NexthopId id, const NexthopContent& content, Writes& writes);
  void write_group(netlink::NexthopId id, const std::vector<Member>& members, Writes& writes);
  void put_group(netlink::NexthopId id, const std::vector<WeightedNexthop>& wanted, Writes& writes);
  void discard(const Handle& handle);
  void mirror(netlink::NexthopId id, ApplyReport& report);

  FastPath* mirror_ = nullptr;
  netlink::IfIndex outer_ = netlink::IfIndex::kNone;
  std::map<Key, Handle> handles_;
  std::unordered_set<netlink::NexthopId> handle_ids_;  // of handles_
  std::unordered_map<netlink::NexthopId, Kernel> kernel_;
  std::vector<netlink::NexthopId> garbage_groups_;
  std::vector<netlink::NexthopId> garbage_;
  std::unordered_multimap<std::string, netlink::NexthopId>
      by_content_;  // between read() and disown
  std::uint32_t last_id_ = 0;
};

}  // namespace sextant::dataplane
