// Numbers for routes of BGP-LS: their NLRI have any length, and keys of the tables have not.
//
// A number stands for the same bytes as long as somebody uses it. Nobody says when he no longer
// does: whoever owns the names looks through them from time to time (forget_unused).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "bgp/rib/route_key.h"

namespace sextant::bgp {

class LinkStateNames {
 public:
  [[nodiscard]] std::optional<RouteKey> find(std::span<const std::uint8_t> nlri) const;
  /// Precondition: it is not there.
  RouteKey add(std::span<const std::uint8_t> nlri);
  /// Empty where the key stands for nothing.
  [[nodiscard]] std::span<const std::uint8_t> nlri(const RouteKey& key) const;
  void forget_unused(const std::function<bool(const RouteKey&)>& in_use);
  [[nodiscard]] std::size_t size() const { return numbers_.size(); }

 private:
  using Bytes = std::vector<std::uint8_t>;

  std::vector<std::unique_ptr<const Bytes>> names_;  // by number; null: free
  std::vector<std::uint32_t> free_;
  // A tree: no peer can choose bytes for which it is slow. The views are of names_.
  std::map<std::string_view, std::uint32_t> numbers_;
};

}  // namespace sextant::bgp
