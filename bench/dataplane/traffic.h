// Traffic from pod a to pod b, and how much of it arrives.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/ip.h"
#include "common/child.h"
#include "common/space.h"

namespace sextant::bench {

struct Flood {
  std::uint64_t sent = 0;
  double seconds = 0;
};
/// UDP packets of `size` bytes, IP header included, as fast as one processor can send them: one
/// flow, many packets a system call, pinned to the last processor and ahead of all other work
/// there. On veth links that processor also does the work of every hop, so all of its time is the
/// path's. Throws where the socket refuses.
[[nodiscard]] Flood flood(const Space& from, const IpAddress& to, std::uint16_t port,
                          std::size_t size, std::chrono::milliseconds duration);

/// One echo request is answered within a second or so; throws where it is not.
void ping(const Space& from, const IpAddress& to);

/// An iperf3 server in a namespace; ends with this object.
class IperfServer {
 public:
  explicit IperfServer(const Space& space);

 private:
  Child process_;
};

/// Bits a second that one TCP connection carries to the server at `to`: sender and receiver on
/// different processors where there are two.
[[nodiscard]] double tcp_rate(const Space& from, const IpAddress& to,
                              std::chrono::seconds duration);

}  // namespace sextant::bench
