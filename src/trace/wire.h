// Numbers on the wire that probes and their answers share.
#pragma once

#include <cstdint>

namespace sextant::trace::wire {

// IANA protocol numbers.
inline constexpr std::uint8_t kIcmp = 1, kIpv4 = 4, kTcp = 6, kUdp = 17, kIpv6 = 41;
inline constexpr std::uint8_t kRouting = 43, kIcmpv6 = 58;

// RFC 792.
inline constexpr std::uint8_t kEchoReply = 0, kUnreachable = 3, kEcho = 8, kTimeExceeded = 11,
                              kParameterProblem = 12;
inline constexpr std::uint8_t kPortUnreachable = 3;
// RFC 4443.
inline constexpr std::uint8_t kUnreachable6 = 1, kTooBig6 = 2, kTimeExceeded6 = 3,
                              kParameterProblem6 = 4, kEcho6 = 128, kEchoReply6 = 129;
inline constexpr std::uint8_t kPortUnreachable6 = 4;

inline constexpr std::uint8_t kTcpSyn = 0x02, kTcpRst = 0x04, kTcpAck = 0x10;

}  // namespace sextant::trace::wire
