#include "bgp/rib/link_state_names.h"

#include "base/bytes.h"

namespace sextant::bgp {
namespace {

constexpr std::uint8_t kBits = 32;

std::string_view view_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

RouteKey key_of(std::uint32_t number) {
  ByteWriter out;
  out.u32(number);
  return RouteKey::make(out.bytes(), kBits);
}

}  // namespace

std::optional<RouteKey> LinkStateNames::find(std::span<const std::uint8_t> nlri) const {
  const auto found = numbers_.find(view_of(nlri));
  if (found == numbers_.end()) return std::nullopt;
  return key_of(found->second);
}

RouteKey LinkStateNames::add(std::span<const std::uint8_t> nlri) {
  auto number = static_cast<std::uint32_t>(names_.size());
  if (!free_.empty()) {
    number = free_.back();
    free_.pop_back();
  } else {
    names_.emplace_back();
  }
  names_[number] = std::make_unique<const Bytes>(nlri.begin(), nlri.end());
  numbers_.emplace(view_of(*names_[number]), number);
  return key_of(number);
}

std::span<const std::uint8_t> LinkStateNames::nlri(const RouteKey& key) const {
  const auto number = ByteReader(key.bytes()).u32();
  if (number >= names_.size() || !names_[number]) return {};
  return *names_[number];
}

void LinkStateNames::forget_unused(const std::function<bool(const RouteKey&)>& in_use) {
  for (auto name = numbers_.begin(); name != numbers_.end();) {
    const auto number = name->second;
    if (in_use(key_of(number))) {
      ++name;
      continue;
    }
    name = numbers_.erase(name);
    names_[number].reset();
    free_.push_back(number);
  }
}

}  // namespace sextant::bgp
