#include "dataplane/linux/capture.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace sextant::dataplane {
namespace {

std::optional<IpPrefix> parent_of(const IpPrefix& prefix) {
  if (prefix.length() == 0) return std::nullopt;
  return IpPrefix(prefix.address(), static_cast<std::uint8_t>(prefix.length() - 1));
}

// The prefix's two halves; precondition: it is no host prefix.
std::array<IpPrefix, 2> halves_of(const IpPrefix& prefix) {
  const auto length = static_cast<std::uint8_t>(prefix.length() + 1);
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(prefix.address().bytes(), bytes.begin());
  bytes[prefix.length() / 8] |= static_cast<std::uint8_t>(0x80U >> (prefix.length() % 8));
  const IpAddress upper = prefix.family() == Family::kIpv4
                              ? IpAddress(Ipv4Address({bytes[0], bytes[1], bytes[2], bytes[3]}))
                              : IpAddress(Ipv6Address(bytes));
  return {IpPrefix(prefix.address(), length), IpPrefix(upper, length)};
}

}  // namespace

bool CaptureSet::is_top(const IpPrefix& prefix) const {
  if (!full_.contains(prefix)) return false;
  const auto parent = parent_of(prefix);
  return !parent || !full_.contains(*parent);
}

void CaptureSet::touch(const IpPrefix& prefix) {
  if (collects_) touched_.try_emplace(prefix, is_top(prefix));
}

void CaptureSet::collect_changes(bool wanted) {
  collects_ = wanted;
  touched_.clear();
}

void CaptureSet::insert(const IpPrefix& prefix) {
  if (const auto known = full_.find(prefix); known != full_.end()) {
    known->second = true;
    return;
  }
  for (std::optional<IpPrefix> at = prefix; at && !full_.contains(*at); at = parent_of(*at)) {
    if (*at != prefix) {
      const auto halves = halves_of(*at);
      if (!std::ranges::all_of(halves, [&](const auto& half) { return full_.contains(half); }))
        break;
      for (const auto& half : halves) touch(half);
    }
    touch(*at);
    // A member inside of a longer list of members (an address borrowed from a block) stands below a
    // full prefix.
    if (at->length() < address_bits(at->family())) {
      for (const auto& half : halves_of(*at)) touch(half);
    }
    full_.emplace(*at, *at == prefix);
  }
}

void CaptureSet::erase(const IpPrefix& prefix) {
  const auto known = full_.find(prefix);
  if (known == full_.end() || !std::exchange(known->second, false)) return;
  for (std::optional<IpPrefix> at = prefix; at && full_.contains(*at); at = parent_of(*at)) {
    if (contains(*at)) break;
    if (at->length() < address_bits(at->family())) {
      const auto halves = halves_of(*at);
      if (std::ranges::all_of(halves, [&](const auto& half) { return full_.contains(half); }))
        break;
      for (const auto& half : halves) touch(half);
    }
    touch(*at);
    full_.erase(*at);
  }
}

CaptureSet::Change CaptureSet::take_change() {
  Change change;
  for (const auto& [prefix, was_top] : touched_) {
    const bool top = is_top(prefix);
    if (top && !was_top) change.added.insert(prefix);
    if (!top && was_top) change.removed.insert(prefix);
  }
  touched_.clear();
  return change;
}

std::vector<IpPrefix> CaptureSet::aggregate() const {
  std::vector<IpPrefix> top;
  for (const auto& [prefix, member] : full_) {
    if (is_top(prefix)) top.push_back(prefix);
  }
  return top;
}

}  // namespace sextant::dataplane
