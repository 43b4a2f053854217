// Peers that are told the same: one queue of changes, encoded once into a log of messages that
// every client reads at its own pace.
//
// What the clients have been told is one bit a destination, not an Adj-RIB-Out of paths; and the
// peer whose path it was, which is not told its own route (split horizon): it is what differs
// between clients, so blocks of the log say whom they are not, or only, for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bgp/rib/change_queue.h"
#include "bgp/rib/export_rules.h"
#include "bgp/rib/rib.h"
#include "bgp/wire/update_writer.h"

namespace sextant::bgp {

/// Whole messages, in the order in which they are to be sent.
using MessageBytes = std::shared_ptr<const std::vector<std::uint8_t>>;

class ExportGroup {
 public:
  /// The RIB must outlive it.
  ExportGroup(Rib& rib, ExportRules rules);
  /// What `other` has told the clients at `position` and what it has yet to tell them.
  ExportGroup(const ExportGroup& other, std::uint64_t position);
  ExportGroup& operator=(const ExportGroup&) = delete;

  [[nodiscard]] const ExportRules& rules() const { return rules_; }
  /// To be followed by walk(): the clients may hold what the new rules keep from them.
  void set_rules(ExportRules rules) { rules_ = std::move(rules); }
  /// Everything is told (again), between two messages that mark it; either may be empty.
  struct Walk {
    std::vector<std::uint8_t> begin = {};
    std::vector<std::uint8_t> end = {};
  };
  /// Behind the walk that is under way, if any.
  void walk(Walk walk);
  /// Nothing was told yet: another client may join.
  [[nodiscard]] bool untouched() const { return !started_; }
  /// The log says all there is.
  [[nodiscard]] bool in_step() const { return queue_->empty() && !walk_end_; }

  void add_client(PeerId id, std::uint64_t position);
  void remove_client(PeerId id);
  [[nodiscard]] bool has_client(PeerId id) const { return find(id) != nullptr; }
  [[nodiscard]] bool empty() const { return clients_.empty(); }
  [[nodiscard]] std::uint64_t end() const { return first_ + log_.size(); }
  [[nodiscard]] std::uint64_t position(PeerId id) const { return find(id)->at; }
  /// The next block for the client; null at the end of the log.
  [[nodiscard]] MessageBytes read(PeerId id);
  /// Bytes of the log from the slowest client's position on.
  [[nodiscard]] std::size_t backlog() const { return backlog_; }
  /// The clients that hold it up.
  [[nodiscard]] std::vector<PeerId> slowest() const;

  /// Encodes up to `limit` destinations into the log.
  void encode(std::size_t limit);
  [[nodiscard]] std::uint64_t messages_too_large() const { return too_large_; }
  [[nodiscard]] std::uint64_t bytes_encoded() const { return bytes_encoded_; }

 private:
  struct Client {
    PeerId id{};
    std::uint64_t at = 0;
  };
  struct Block {
    MessageBytes bytes;
    std::vector<PeerId> except = {};
    std::optional<PeerId> only = {};
    [[nodiscard]] bool is_for(PeerId id) const;
  };
  /// Destinations of one batch that share a path's attributes and peer; a list through next_.
  struct Bucket {
    Path path;
    bool exportable = false;
    std::optional<Attributes> attributes = {};
    std::uint32_t first = kEnd;
    std::uint32_t last = kEnd;
  };
  static constexpr std::uint32_t kEnd = ~0U;
  static constexpr std::size_t kBlockBytes = 65536;

  [[nodiscard]] const Client* find(PeerId id) const;
  [[nodiscard]] Client* find(PeerId id) {
    return const_cast<Client*>(std::as_const(*this).find(id));
  }
  void trim();
  void push(Block block);
  void push_marker(std::vector<std::uint8_t> message);
  void end_walk();

  // A batch, step by step: sort into buckets, then write.
  void sort_batch();
  [[nodiscard]] Bucket& bucket_of(const Path& path);
  [[nodiscard]] bool passes_filter(Bucket& bucket, const RouteKey& key);
  void append(Bucket& bucket, std::uint32_t index);
  void note_withdrawal(EntryId entry);
  [[nodiscard]] std::size_t largest_link_state(const Bucket& bucket) const;
  void write_bucket(Bucket& bucket);
  void write_withdrawals();
  [[nodiscard]] std::vector<PeerId> excluded(const Bucket& bucket, const NextHop& next_hop) const;
  [[nodiscard]] PeerId told_from(EntryId entry) const;
  void set_told_from(EntryId entry, PeerId peer);

  /// The writer of a block for these clients: the open one where it fits.
  UpdateWriter& writer_for(const std::vector<PeerId>& except, std::optional<PeerId> only);
  void close_block();
  void announce(UpdateWriter& writer, EntryId entry, std::uint32_t label);
  void withdraw(UpdateWriter& writer, EntryId entry);

  Rib& rib_;
  const RouteTable& table_;
  ExportRules rules_;
  std::shared_ptr<ChangeQueue> queue_;
  EntryBits told_;                        // the clients hold a route, their own ones aside
  std::vector<std::uint16_t> told_from_;  // whose it is; of entries in told_
  std::deque<Block> log_;
  std::uint64_t first_ = 0;  // position of the log's first block
  std::size_t backlog_ = 0;
  std::vector<Client> clients_;
  std::optional<std::vector<std::uint8_t>> walk_end_;  // of the walk under way
  std::optional<Walk> next_walk_;
  bool started_ = false;
  std::uint64_t too_large_ = 0;
  std::uint64_t bytes_encoded_ = 0;

  // Scratch of encode().
  struct Withdrawal {
    PeerId peer{};  // of `only` or `except`
    bool only = false;
    EntryId entry{};
    friend auto operator<=>(const Withdrawal&, const Withdrawal&) = default;
  };
  std::vector<EntryId> batch_;
  std::vector<std::uint32_t> next_;
  std::vector<Bucket> buckets_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> bucket_index_;
  std::uint32_t last_bucket_ = kEnd;
  std::vector<Withdrawal> withdrawals_;
  std::shared_ptr<std::vector<std::uint8_t>> open_bytes_;
  std::optional<UpdateWriter> writer_;
  Block open_block_;
};

}  // namespace sextant::bgp
