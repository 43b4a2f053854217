#include "bgp/config.h"

#include <algorithm>
#include <set>

#include "base/utf8.h"

namespace sextant::bgp {
namespace {

constexpr std::size_t kMaxMd5Password = 80;  // TCP_MD5SIG_MAXKEYLEN

tl::unexpected<Error> wrong(const std::string& object, std::string cause, std::string hint = {}) {
  return failure("configure BGP peer", object, std::move(cause), std::move(hint));
}

bool is_link_local(const IpAddress& address) {
  return address.is_v6() && address.v6().is_link_local();
}

}  // namespace

bool PeerConfig::same_session(const PeerConfig& other) const {
  PeerConfig mine = *this;
  mine.description = other.description;
  mine.shutdown_text = other.shutdown_text;
  mine.connect_retry = other.connect_retry;
  mine.idle_hold = other.idle_hold;
  mine.graceful_restart.stale_time = other.graceful_restart.stale_time;
  mine.max_dynamic = other.max_dynamic;
  mine.import_filter = other.import_filter;
  mine.export_filter = other.export_filter;
  if (mine.families.size() == other.families.size()) {
    for (std::size_t i = 0; i < mine.families.size(); ++i) {
      mine.families[i].max_prefixes = other.families[i].max_prefixes;
    }
  }
  return mine == other;
}

std::chrono::milliseconds PeerConfig::back_off(std::uint32_t faults) const {
  const auto doublings = std::min<std::uint32_t>(std::max(faults, 1U) - 1, 16);
  return std::min<std::chrono::milliseconds>(idle_hold * (std::int64_t{1} << doublings),
                                             connect_retry);
}

Result<void> validate(const PeerConfig& peer) {
  const auto object =
      peer.address.is_host() ? peer.address.address().to_string() : peer.address.to_string();
  const auto& address = peer.address.address();
  if (peer.address.is_host() && address.is_v6() &&
      (address.v6().is_unspecified() || address.v6().is_multicast())) {
    return wrong(object, "not the address of a host");
  }
  if (is_link_local(address) && peer.device.empty()) {
    return wrong(object, "a link-local address without a device", "name the device");
  }
  if (peer.hold_time.count() != 0 &&
      (peer.hold_time.count() < 3 || peer.hold_time.count() > 65535)) {
    return wrong(object, "hold time of " + std::to_string(peer.hold_time.count()) + " s",
                 "0, or 3 to 65535 (RFC 4271 section 4.2)");
  }
  if (peer.connect_retry.count() < 1) return wrong(object, "connect retry time under 1 s");
  if (peer.idle_hold.count() < 1) return wrong(object, "idle hold time under 1 ms");
  if (peer.graceful_restart.restart_time.count() < 0 ||
      peer.graceful_restart.restart_time.count() > 4095) {
    return wrong(
        object,
        "restart time of " + std::to_string(peer.graceful_restart.restart_time.count()) + " s",
        "0 to 4095 (RFC 4724 section 3)");
  }
  if (peer.md5_password.size() > kMaxMd5Password) {
    return wrong(object, "MD5 password of " + std::to_string(peer.md5_password.size()) + " bytes",
                 "at most " + std::to_string(kMaxMd5Password));
  }
  if (peer.gtsm_hops && (*peer.gtsm_hops == 0 || peer.ttl)) {
    return wrong(object, peer.ttl ? "both GTSM and a TTL" : "GTSM over 0 hops",
                 "GTSM sends with TTL 255 (RFC 5082); 1 is a peer on the link");
  }
  if (peer.ttl && *peer.ttl == 0) return wrong(object, "TTL 0");
  if (peer.port == 0) return wrong(object, "port 0");
  if (peer.local_address && peer.local_address->family() != address.family()) {
    return wrong(object, "local address " + peer.local_address->to_string() + " of another family");
  }
  if (peer.is_dynamic() && peer.mode == ConnectMode::kActive) {
    return wrong(object, "a dynamic neighbour cannot be connected to", "use a host's address");
  }
  if (as_utf8(peer.shutdown_text) != peer.shutdown_text)
    return wrong(object, "shutdown text that is not UTF-8");
  if (peer.families.empty()) return wrong(object, "no address family");
  std::set<Family> seen;
  for (const auto& family : peer.families) {
    if (!is_known(family.family))
      return wrong(object, "unknown family " + to_string(family.family));
    if (!seen.insert(family.family).second) {
      return wrong(object, "family " + to_string(family.family) + " twice");
    }
    if (family.max_prefixes.warn_percent > 100) {
      return wrong(object, "warning at more than 100 % of the maximum of prefixes");
    }
    if (family.extended_next_hop && family.family.afi != Afi::kIpv4) {
      return wrong(object, "extended next hops for " + to_string(family.family),
                   "RFC 8950 is for families of IPv4");
    }
  }
  return {};
}

Result<void> validate(const SpeakerConfig& speaker) {
  const auto wrong_speaker = [](std::string cause, std::string hint = {}) {
    return failure("configure BGP", "speaker", std::move(cause), std::move(hint));
  };
  if (speaker.asn == 0) return wrong_speaker("no AS number", "AS 0 is nobody's (RFC 7607)");
  if (speaker.router_id == Ipv4Address{}) {
    return wrong_speaker("no router identifier", "any number that no other router of the AS has");
  }
  std::set<IpPrefix> seen;
  for (const auto& peer : speaker.peers) {
    if (auto checked = validate(peer); !checked) return checked;
    if (!seen.insert(peer.address).second)
      return wrong(peer.address.to_string(), "configured twice");
  }
  return {};
}

}  // namespace sextant::bgp
