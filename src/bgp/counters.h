// What a peer's sessions counted, over all of them.
#pragma once

#include <cstdint>

namespace sextant::bgp {

struct MessageCounters {
  std::uint64_t opens = 0;
  std::uint64_t updates = 0;
  std::uint64_t notifications = 0;
  std::uint64_t keepalives = 0;
  std::uint64_t refreshes = 0;
  std::uint64_t bytes = 0;
};

struct Counters {
  MessageCounters received;
  MessageCounters sent;
  std::uint64_t established = 0;           // sessions that came up
  std::uint64_t treated_as_withdraw = 0;   // UPDATEs, RFC 7606
  std::uint64_t attributes_discarded = 0;  // UPDATEs that lost an attribute, RFC 7606
};

}  // namespace sextant::bgp
