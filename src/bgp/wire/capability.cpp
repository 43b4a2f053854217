#include "bgp/wire/capability.h"

#include <algorithm>
#include <cassert>

namespace sextant::bgp {
namespace {

// IANA "Capability Codes".
enum Code : std::uint8_t {
  kMultiprotocol = 1,
  kRouteRefresh = 2,
  kExtendedNextHop = 5,
  kExtendedMessage = 6,
  kGracefulRestart = 64,
  kFourOctetAs = 65,
  kEnhancedRouteRefresh = 70,
};

constexpr std::uint16_t kRestarted = 0x8000;            // RFC 4724 section 3, R
constexpr std::uint16_t kNotificationSupport = 0x4000;  // RFC 8538 section 2, N
constexpr std::uint16_t kRestartTime = 0x0fff;
constexpr std::uint8_t kForwardingPreserved = 0x80;  // RFC 4724 section 3, F

Family read_family(ByteReader& in) {
  const auto afi = static_cast<Afi>(in.u16());
  return {afi, static_cast<Safi>(in.u8())};
}

GracefulRestart read_graceful_restart(ByteReader& in) {
  GracefulRestart restart;
  const auto word = in.u16();
  restart.restarted = (word & kRestarted) != 0;
  restart.notification = (word & kNotificationSupport) != 0;
  restart.seconds = word & kRestartTime;
  while (in.remaining() > 0) {
    const auto family = read_family(in);
    restart.families.push_back({family, (in.u8() & kForwardingPreserved) != 0});
  }
  return restart;
}

void read_extended_next_hops(ByteReader& in, std::vector<ExtendedNextHop>& out) {
  while (in.remaining() > 0) {
    const auto afi = static_cast<Afi>(in.u16());
    const auto safi = in.u16();  // two bytes here (RFC 8950 section 4)
    const auto next_hop = static_cast<Afi>(in.u16());
    if (safi <= 0xff) out.push_back({{afi, static_cast<Safi>(safi)}, next_hop});
  }
}

void read_one(std::uint8_t code, ByteReader& in, Capabilities& out) {
  switch (code) {
    case kMultiprotocol: {
      const auto afi = static_cast<Afi>(in.u16());
      in.u8();  // reserved
      const Family family{afi, static_cast<Safi>(in.u8())};
      if (in.ok() && !out.has(family)) out.families.push_back(family);
      return;
    }
    case kRouteRefresh:
      out.route_refresh = true;
      return;
    case kExtendedNextHop:
      out.extended_next_hops.clear();
      read_extended_next_hops(in, out.extended_next_hops);
      return;
    case kExtendedMessage:
      out.extended_message = true;
      return;
    case kGracefulRestart:
      out.graceful_restart = read_graceful_restart(in);
      return;
    case kFourOctetAs:
      out.four_octet_as = in.u32();
      return;
    case kEnhancedRouteRefresh:
      out.enhanced_route_refresh = true;
      return;
    default: {
      const auto value = in.take(in.remaining());
      out.unknown.push_back({code, {value.begin(), value.end()}});
    }
  }
}

// A capability whose value `write` writes.
template <typename Write>
void put(ByteWriter& out, std::uint8_t code, Write write) {
  out.u8(code);
  const auto length_at = out.size();
  out.u8(0);
  write();
  const auto length = out.size() - length_at - 1;
  assert(length <= 0xff);
  out.patch_u8(length_at, static_cast<std::uint8_t>(length));
}

void put_family(ByteWriter& out, Family family) {
  out.u16(static_cast<std::uint16_t>(family.afi));
  out.u8(static_cast<std::uint8_t>(family.safi));
}

}  // namespace

bool Capabilities::has(Family family) const {
  return std::ranges::find(families, family) != families.end();
}

Result<void> decode_capabilities(std::span<const std::uint8_t> parameter,
                                 Capabilities& capabilities) {
  // RFC 5492 section 4: code, length, value.
  ByteReader reader(parameter);
  while (reader.remaining() > 0) {
    const auto code = reader.u8();
    auto value = reader.sub(reader.u8());
    read_one(code, value, capabilities);
    if (!value.ok() || value.remaining() > 0) {
      return failure("read OPEN", "capability " + std::to_string(code),
                     reader.ok() ? "its length is wrong" : "it overruns its parameter");
    }
  }
  return {};
}

void encode_capabilities(const Capabilities& capabilities, ByteWriter& out) {
  for (const auto family : capabilities.families) {
    put(out, kMultiprotocol, [&] {
      out.u16(static_cast<std::uint16_t>(family.afi));
      out.u8(0);
      out.u8(static_cast<std::uint8_t>(family.safi));
    });
  }
  const auto nothing = [] {};
  if (capabilities.route_refresh) put(out, kRouteRefresh, nothing);
  if (!capabilities.extended_next_hops.empty()) {
    put(out, kExtendedNextHop, [&] {
      for (const auto& entry : capabilities.extended_next_hops) {
        out.u16(static_cast<std::uint16_t>(entry.family.afi));
        out.u16(static_cast<std::uint8_t>(entry.family.safi));
        out.u16(static_cast<std::uint16_t>(entry.next_hop));
      }
    });
  }
  if (capabilities.extended_message) put(out, kExtendedMessage, nothing);
  if (const auto& restart = capabilities.graceful_restart) {
    put(out, kGracefulRestart, [&] {
      out.u16(static_cast<std::uint16_t>((restart->restarted ? kRestarted : 0) |
                                         (restart->notification ? kNotificationSupport : 0) |
                                         (restart->seconds & kRestartTime)));
      for (const auto& state : restart->families) {
        put_family(out, state.family);
        out.u8(state.forwarding_preserved ? kForwardingPreserved : std::uint8_t{0});
      }
    });
  }
  if (capabilities.four_octet_as) {
    put(out, kFourOctetAs, [&] { out.u32(*capabilities.four_octet_as); });
  }
  if (capabilities.enhanced_route_refresh) put(out, kEnhancedRouteRefresh, nothing);
  for (const auto& unknown : capabilities.unknown) {
    put(out, unknown.code, [&] { out.put(unknown.value); });
  }
}

}  // namespace sextant::bgp
