// A BGP daemon under measurement: it takes routes from two internal peers and reflects them to
// clients; all of them connect to it. The two are no clients: what they feed is chosen and held,
// and not told to the other one.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/ip.h"
#include "bgp/wire/family.h"
#include "common/child.h"
#include "common/scratch.h"
#include "common/space.h"

namespace sextant::bench {

enum class DaemonKind : std::uint8_t { kSextant, kBird, kFrr, kGobgp };
/// "sextant", "bird", "frr", "gobgp"
[[nodiscard]] std::string name_of(DaemonKind kind);
/// Whether Debian's daemon speaks it.
[[nodiscard]] bool speaks(DaemonKind kind, bgp::Family family);

inline const Ipv6Address kDaemonAddress({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0});
inline constexpr std::size_t kSources = 2;
/// Of a peer, from 0 on: first the sources, then the clients.
[[nodiscard]] Ipv6Address peer_address(std::size_t peer);

class Daemon {
 public:
  /// In a namespace of its own, which has the addresses of the daemon and its peers.
  Daemon(DaemonKind kind, bgp::Family family, std::size_t clients);

  [[nodiscard]] const Space& space() const { return space_; }
  [[nodiscard]] pid_t pid() const { return child_->pid(); }
  /// Throws where it has ended by itself.
  void check() const { child_->check(); }
  /// Nanoseconds on a processor until now, of all its threads.
  [[nodiscard]] std::uint64_t processor_time() const;

 private:
  ScratchDirectory directory_;
  Space space_;
  std::optional<Child> child_;
};

}  // namespace sextant::bench
