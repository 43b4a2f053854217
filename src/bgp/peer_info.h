// What a speaker says of a peer: for `sextant bgp` and for embedders' logs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "bgp/config.h"
#include "bgp/counters.h"
#include "bgp/fsm.h"
#include "bgp/negotiation.h"

namespace sextant::bgp {

struct PeerFamilyInfo {
  Family family;
  bool negotiated = false;
  bool stale = false;  // its routes are those of before the peer's restart
  bool end_of_rib_received = false;
  bool end_of_rib_sent = false;
  std::size_t received = 0;  // routes held of it
};

struct PeerInfo {
  PeerConfig config;
  IpAddress address;     // of a dynamic neighbour the peer's own
  bool dynamic = false;  // made for a connection from a prefix
  State state = State::kIdle;
  std::string local, remote;                  // "[fd10::1]:179", while there is a connection
  std::optional<Negotiated> negotiated = {};  // while Established
  std::optional<Capabilities> received_capabilities = {};
  std::optional<std::chrono::seconds> up_for = {};
  Counters counters;
  std::size_t queued_bytes = 0;
  std::string last_error = {};  // why the last session ended or did not come up
  std::optional<std::chrono::seconds> last_error_ago = {};
  std::vector<PeerFamilyInfo> families = {};
};

}  // namespace sextant::bgp
