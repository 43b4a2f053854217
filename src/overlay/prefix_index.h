// Values by prefix, found by overlap: what covers a prefix and what lies inside it.
#pragma once

#include <array>
#include <cstddef>
#include <map>

#include "base/ip.h"

namespace sextant::overlay {

template <typename Value>
class PrefixIndex {
 public:
  /// The value of the prefix, made where there is none.
  Value& operator[](const IpPrefix& prefix) {
    const auto [entry, added] = entries_.try_emplace(prefix);
    if (added) ++uses_of(prefix);
    return entry->second;
  }

  void erase(const IpPrefix& prefix) {
    if (entries_.erase(prefix) != 0) --uses_of(prefix);
  }

  [[nodiscard]] Value* find(const IpPrefix& prefix) {
    const auto entry = entries_.find(prefix);
    return entry == entries_.end() ? nullptr : &entry->second;
  }
  [[nodiscard]] const Value* find(const IpPrefix& prefix) const {
    const auto entry = entries_.find(prefix);
    return entry == entries_.end() ? nullptr : &entry->second;
  }

  /// Calls visit(prefix, value) on every entry, by prefix.
  template <typename Visit>
  void visit(Visit visit) const {
    for (const auto& [prefix, value] : entries_) visit(prefix, value);
  }

  /// Calls visit(prefix, value) on every entry that overlaps the prefix until it returns false:
  /// first those that contain it (itself too), shortest first, then those inside it, by address.
  /// Cost: one look-up for each length in use, and what is visited.
  template <typename Visit>
  void visit_overlapping(const IpPrefix& prefix, Visit visit) const {
    for (std::size_t length = 0; length <= prefix.length(); ++length) {
      if (lengths(prefix.family())[length] == 0) continue;
      const auto entry =
          entries_.find(IpPrefix(prefix.address(), static_cast<std::uint8_t>(length)));
      if (entry != entries_.end() && !visit(entry->first, entry->second)) return;
    }
    for (auto entry = entries_.upper_bound(prefix);
         entry != entries_.end() && prefix.contains(entry->first); ++entry) {
      if (!visit(entry->first, entry->second)) return;
    }
  }

 private:
  using Lengths = std::array<std::size_t, 129>;
  [[nodiscard]] const Lengths& lengths(Family family) const {
    return family == Family::kIpv4 ? ipv4_lengths_ : ipv6_lengths_;
  }
  std::size_t& uses_of(const IpPrefix& prefix) {
    return (prefix.family() == Family::kIpv4 ? ipv4_lengths_ : ipv6_lengths_)[prefix.length()];
  }

  std::map<IpPrefix, Value> entries_;
  Lengths ipv4_lengths_{};
  Lengths ipv6_lengths_{};
};

}  // namespace sextant::overlay
