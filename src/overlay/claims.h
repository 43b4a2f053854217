// Who keeps a prefix that several nodes claim: locators and pod prefixes share one space, since a
// packet's destination can lie in one of them only.
//
// The rule: claims are granted in their order (by node name; a node's locator before its pod
// prefixes), each unless it overlaps one that is granted already. A node may nest its own pod
// prefixes. So a refused claim stands in nobody's way, and the outcome does not depend on the order
// in which nodes appear.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/ip.h"
#include "overlay/intent.h"
#include "overlay/prefix_index.h"

namespace sextant::overlay {

enum class ClaimKind : std::uint8_t { kLocator, kPodPrefix };

struct Claim {
  std::string node;
  ClaimKind kind = ClaimKind::kPodPrefix;
  IpPrefix prefix;
  friend auto operator<=>(const Claim&, const Claim&) = default;
};

/// What read_node() asks about claims; two answer: the full and the incremental form.
class Rulings {
 public:
  virtual ~Rulings() = default;
  /// The granted claim in the way of this one (the widest one, then the first by address); none: it
  /// is granted.
  [[nodiscard]] virtual std::optional<Claim> obstacle(const Claim& claim) const = 0;
  /// The node that keeps the address: the first by name of those that have it.
  [[nodiscard]] virtual const std::string& address_owner(const IpAddress& address) const = 0;
};

/// The definition: all claims of an intent, settled at once.
class FullRulings final : public Rulings {
 public:
  explicit FullRulings(const std::map<std::string, Node>& nodes);
  [[nodiscard]] std::optional<Claim> obstacle(const Claim& claim) const override;
  [[nodiscard]] const std::string& address_owner(const IpAddress& address) const override;

 private:
  PrefixIndex<Claim> granted_;
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

 private:
  struct Claimant {
    std::string node;
    ClaimKind kind = ClaimKind::kPodPrefix;
    friend auto operator<=>(const Claimant&, const Claimant&) = default;
  };
  struct Verdict {
    bool granted = false;
    std::optional<Claim> obstacle;
  };
  void add(const Claim& claim);
  void remove(const Claim& claim);
  void question_later_overlaps(const Claim& claim);

  PrefixIndex<std::map<Claimant, Verdict>> claims_;
  std::map<IpAddress, std::set<std::string>> owners_;
  std::set<Claim> open_;            // to be looked at again, in the order of granting
  std::set<std::string> affected_;  // nodes, since the last settle()
};

}  // namespace sextant::overlay
