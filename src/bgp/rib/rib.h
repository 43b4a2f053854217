// The routing information base: what peers sent, and what is best of it. RFC 4271 section 9.
//
// Flow: receive() takes an UPDATE apart (attributes are interned, NLRI become entries of the
// family's table) and chooses again for each destination it names. Queues (open_queue) collect the
// destinations that changed: one for the listener that programs routes, one for each group of peers
// that is told of them (export_group.h). Work that follows the number of routes and not a message
// (the loss of a peer, stale routes, next hops that moved) is a task that step() does in slices.
//
// No sockets, clock or threads. Errors of peers are judgements (verdict.h), never asserts.
// Standards: RFC 4271 section 9.1, RFC 4456 sections 8 and 9, RFC 4724 and RFC 7313 (stale routes),
// RFC 7606 (treat-as-withdraw). Departures: a route that the import filter or a loop keeps out is
// not stored (to change a filter, ask for a route refresh); the listener's room decides which next
// hops can be reached.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bgp/rib/attribute_pool.h"
#include "bgp/rib/change_queue.h"
#include "bgp/rib/decision.h"
#include "bgp/rib/link_state_names.h"
#include "bgp/rib/nlri_key.h"
#include "bgp/rib/rejected_routes.h"
#include "bgp/rib/route_filter.h"
#include "bgp/rib/route_table.h"
#include "bgp/wire/update.h"

namespace sextant::bgp {

struct RibConfig {
  std::uint32_t local_as = 0;
  Ipv4Address router_id;
  /// RFC 4456 section 7; unset: the router id.
  std::optional<Ipv4Address> cluster_id = {};
  std::uint32_t default_local_pref = 100;  // of routes from external peers and of our own
  std::size_t rejected_limit = 1000;       // routes kept with the reason why they were not taken
  std::uint64_t hash_seed = 0x5e87a17;     // random where peers are not trusted
  NextHops::Resolver resolver = {};        // unset: every next hop can be reached
};

/// What the RIB has to know of a session.
struct RibPeer {
  std::uint32_t asn = 0;
  Ipv4Address router_id;  // of its OPEN
  IpAddress address;
  SessionFacts facts;            // facts.internal: iBGP
  bool reflect_client = false;   // RFC 4456; internal peers
  bool enforce_first_as = true;  // RFC 4271 section 6.3; not behind a route server. External peers
  std::vector<Family> ignored = {};  // families of which nothing is kept
  std::shared_ptr<const RouteFilter> import_filter = {};
};

/// What became of an UPDATE.
struct Received {
  Judgement judgement;  // kAfiSafiDisable and kSessionReset: nothing was taken, the caller acts
  std::size_t announced = 0;
  std::size_t withdrawn = 0;  // named as withdrawn, known or not
  std::size_t rejected = 0;   // loops, filters, treat-as-withdraw
};

/// Paths of one peer in one family.
struct PathCounts {
  std::size_t held = 0;
  std::size_t stale = 0;  // of these
};

class Rib {
 public:
  explicit Rib(RibConfig config);
  ~Rib();
  Rib(const Rib&) = delete;
  Rib& operator=(const Rib&) = delete;

  // ---- Peers ------------------------------------------------------------------------------------
  [[nodiscard]] PeerId add_peer(RibPeer peer);
  /// At the start of a session, or when its configuration changes. Routes it already sent are kept.
  void set_peer(PeerId id, RibPeer peer);
  /// Its routes go in slices (step); its number is used again only after them.
  void remove_peer(PeerId id);
  [[nodiscard]] const RibPeer& peer(PeerId id) const;
  [[nodiscard]] PathCounts counts(PeerId id, Family family) const;

  // ---- Routes in --------------------------------------------------------------------------------
  /// Precondition: the UPDATE's families were negotiated; of others nothing is taken.
  Received receive(PeerId id, const UpdateView& update);
  /// A route of this speaker. LOCAL_PREF counts as it does in received ones.
  void announce(Family family, const RouteKey& key, const Attributes& attributes,
                const NextHop& next_hop, std::uint32_t label = 0);
  void withdraw(Family family, const RouteKey& key);
  /// The key that stands for a route of BGP-LS until the next one is asked for, or as long as there
  /// is such a route.
  [[nodiscard]] RouteKey link_state_key(std::span<const std::uint8_t> nlri);

  // ---- Loss and return --------------------------------------------------------------------------
  /// All that the peer sent so far is stale (RFC 4724 section 4.2 when its session ends, RFC 7313
  /// section 4 when a refresh begins). What was stale before goes (in slices).
  void mark_stale(PeerId id, Family family);
  /// What is still stale goes (in slices): End-of-RIB, end of refresh, the restart timer.
  void sweep_stale(PeerId id, Family family);
  /// All routes of the peer go (in slices).
  void drop(PeerId id, Family family);
  void drop(PeerId id);
  /// The underlay changed: next hops are resolved again, and what depends on them (in slices).
  void next_hops_changed();
  /// Works on what takes slices, over at most `budget` destinations. Whether there is more.
  bool step(std::size_t budget);

  // ---- Routes out -------------------------------------------------------------------------------
  /// A queue of changes in a family's table, open as long as the pointer lives, which the RIB must
  /// outlive. At first it is empty (ChangeQueue::touch_all).
  [[nodiscard]] std::shared_ptr<ChangeQueue> open_queue(Family family,
                                                        ChangeQueue::Interest interest);
  /// Precondition: a known family.
  [[nodiscard]] const RouteTable& table(Family family) const;
  [[nodiscard]] const AttributePool& pool() const { return pool_; }
  [[nodiscard]] const NextHops& next_hops() const { return next_hops_; }
  [[nodiscard]] const RejectedRoutes& rejected() const { return rejected_; }
  [[nodiscard]] const RibConfig& config() const { return config_; }
  [[nodiscard]] PathSource source(PeerId id) const;
  [[nodiscard]] bool is_stale(Family family, const Path& path) const;
  /// The whole route that a key of BGP-LS stands for.
  [[nodiscard]] std::span<const std::uint8_t> link_state(const RouteKey& key) const {
    return link_state_names_.nlri(key);
  }
  /// As to_string(family, key), and routes of BGP-LS in words.
  [[nodiscard]] std::string name_of(Family family, const RouteKey& key) const;
  /// Why the first path is the best one, for display.
  [[nodiscard]] DecisionStep reason(Family family, EntryId entry) const;

 private:
  static constexpr std::size_t kFamilyCount = std::size(kFamilies);
  struct PeerState {
    RibPeer peer;
    std::array<PathCounts, kFamilyCount> counts{};
    std::array<std::uint8_t, kFamilyCount> epochs{};
    bool used = false;
    bool removing = false;
  };
  struct Task {
    enum class Kind : std::uint8_t { kSweep, kChooseAgain };
    Kind kind = Kind::kSweep;
    std::size_t family = 0;  // index
    PeerId peer{};
    std::uint8_t keep = 0;  // kSweep: paths of older epochs go
    std::uint32_t at = 0;
  };
  struct FamilyState {
    std::unique_ptr<RouteTable> table;
    std::vector<ChangeQueue*> queues;  // open ones
  };
  /// Attributes ready to be used by the routes of one UPDATE.
  struct Interned {
    std::optional<AttributeId> id = {};
    std::string rejection = {};              // why none of the routes is taken; empty: they are
    std::optional<Attributes> decoded = {};  // where the filter asks for communities
  };

  [[nodiscard]] static std::optional<std::size_t> index_of(Family family);
  [[nodiscard]] PeerState& state(PeerId id) { return peers_[static_cast<std::uint16_t>(id)]; }
  [[nodiscard]] const PeerState& state(PeerId id) const {
    return peers_[static_cast<std::uint16_t>(id)];
  }

  /// Holds a reference to a set while routes are put in.
  [[nodiscard]] Interned intern(const RibPeer& from, const AttributeOrigin& origin,
                                Judgement& judgement);
  [[nodiscard]] AttributeTraits traits_of(const Attributes& attributes, bool internal) const;
  [[nodiscard]] std::string objection(const RibPeer& from, const AttributeSet& set) const;
  /// Calls `each` with the key and label of every route, of a family that is known.
  template <typename Each>
  void for_each_key(Family family, std::span<const std::uint8_t> nlri, Each each);
  /// Of the block in block_.
  void take_routes(PeerId id, std::size_t family, AttributeOrigin origin,
                   std::span<const std::uint8_t> nlri, Received& received);
  void withdraw_routes(PeerId id, std::size_t family, std::span<const std::uint8_t> nlri);
  void reject_routes(PeerId id, std::size_t family, std::span<const std::uint8_t> nlri,
                     const std::string& reason, Received& received);

  void put(std::size_t family, const RouteKey& key, PeerId peer, AttributeId attributes);
  void take_away(std::size_t family, const RouteKey& key, PeerId peer);
  void remove_path(std::size_t family, EntryId entry, std::size_t index);
  /// Chooses among the entry's paths and tells the queues. `before`: the best path as it was.
  void choose(std::size_t family, EntryId entry, const std::optional<Path>& before,
              bool paths_changed);
  [[nodiscard]] Candidate candidate(const Path& path) const;
  [[nodiscard]] Decision decide_among(std::span<const Path> paths) const;

  void begin_epoch(PeerId id, std::size_t family);
  void begin_sweep(PeerId id, std::size_t family, std::uint8_t keep);
  void begin_choosing_again(std::size_t family);
  void sweep_entry(const Task& task, EntryId entry);
  /// Whether the task is finished.
  [[nodiscard]] bool work(Task& task, std::size_t& budget);
  void finish_removals();

  RibConfig config_;
  NextHops next_hops_;
  AttributePool pool_{next_hops_};
  RejectedRoutes rejected_;
  LinkStateNames link_state_names_;
  std::size_t names_limit_;  // more of them: those that nobody uses go
  std::vector<PeerState> peers_;
  std::array<FamilyState, kFamilyCount> families_;
  std::deque<Task> tasks_;
  std::vector<std::uint8_t> key_;    // scratch
  std::vector<std::uint8_t> block_;  // scratch
  mutable std::vector<Candidate> candidates_;
  mutable std::vector<std::uint32_t> alive_;
};

}  // namespace sextant::bgp
