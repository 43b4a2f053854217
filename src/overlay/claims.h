// Who keeps a prefix that several nodes claim: locators and pod prefixes share one space, since a
// packet's destination can lie in one of them only.
//
// The rule: who holds something keeps it for as long as it claims it, so that a node which comes
// later takes nothing from those that work. The other claims are granted in their order (by node
// name; a node's locator before its pod prefixes), each unless it overlaps one that is granted
// already. A node may nest its own pod prefixes, and have single addresses out of
// another's (an IPAM lends them). So a refused claim stands in nobody's way. The
// same goes for addresses that several nodes have.
#pragma once

#include <boost/container/small_vector.hpp>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "overlay/intent.h"
#include "overlay/prefix_index.h"
#include "srv6/sid.h"

namespace sextant::overlay {

enum class ClaimKind : std::uint8_t { kLocator, kPodPrefix };

struct Claim {
  std::string node;
  ClaimKind kind = ClaimKind::kPodPrefix;
  IpPrefix prefix;
  friend auto operator<=>(const Claim&, const Claim&) = default;
};

/// What nodes and policies hold: it stays theirs in the next resolution.
struct Incumbents {
  std::set<Claim> claims;
  std::map<IpAddress, std::string> addresses;   // by node
  std::map<srv6::Sid, ObjectKey> binding_sids;  // by policy object
  friend bool operator==(const Incumbents&, const Incumbents&) = default;
};

/// What read_node() asks about claims; two answer: the full and the incremental form.
class Rulings {
 public:
  virtual ~Rulings() = default;
  /// The granted claim in the way of this one (the widest one, then the first by address); none: it
  /// is granted.
  [[nodiscard]] virtual std::optional<Claim> obstacle(const Claim& claim) const = 0;
  /// The node that keeps the address: the one that held it, else the first by name of those that
  /// have it.
  [[nodiscard]] virtual const std::string& address_owner(const IpAddress& address) const = 0;
};

/// The definition: all claims of an intent, settled at once.
class FullRulings final : public Rulings {
 public:
  FullRulings(const std::map<std::string, Node>& nodes, const Incumbents& before);
  [[nodiscard]] std::optional<Claim> obstacle(const Claim& claim) const override;
  [[nodiscard]] const std::string& address_owner(const IpAddress& address) const override;
  /// Adds what is held now.
  void record(Incumbents& incumbents) const;

 private:
  PrefixIndex<Claim> granted_;
  std::set<Claim> claims_;  // those in granted_
  std::map<IpAddress, std::string> owners_;
};

/// The same, kept up to date: a change costs what overlaps it.
class LiveRulings final : public Rulings {
 public:
  /// Replaces what the node claims; settle() must follow before the next question.
  void update(const Node* old_node, const Node* new_node);
  /// Settles what changed; returns the nodes for which some answer is another one now.
  std::set<std::string> settle();
  [[nodiscard]] std::optional<Claim> obstacle(const Claim& claim) const override;
  [[nodiscard]] const std::string& address_owner(const IpAddress& address) const override;
  /// Adds what is held now. Cost: everything.
  void record(Incumbents& incumbents) const;

 private:
  struct Claimant {
    std::string node;
    ClaimKind kind = ClaimKind::kPodPrefix;
    bool granted = false;
    [[nodiscard]] bool is(const Claim& claim) const {
      return node == claim.node && kind == claim.kind;
    }
  };
  struct Holders {
    std::set<std::string> nodes;  // that have the address
    std::string owner;            // until settle(): the one before
  };
  void remove(const Claim& claim);
  [[nodiscard]] std::set<Claim> refused_by(const Claim& claim) const;
  [[nodiscard]] std::optional<Claim> granted_rival(const Claim& claim) const;

  PrefixIndex<boost::container::small_vector<Claimant, 1>> claims_;  // by node and kind; mostly one
  std::map<IpAddress, Holders> holders_;
  std::vector<Claim> open_;             // refused or new; perhaps withdrawn since
  std::set<IpAddress> open_addresses_;  // whose holders changed
  std::set<std::string> affected_;      // nodes, since the last settle()
};

}  // namespace sextant::overlay
