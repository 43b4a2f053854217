// The session's state machine: a table of state x event (RFC 4271 section 8). Pure: events in, the
// next state and the actions out. Sockets, timers and messages are the caller's (session.h).
//
// One machine belongs to one TCP connection or to the attempt to have one. A configured peer has
// one that connects or waits; a connection that comes in while that one is busy gets a machine of
// its own, and the collision (section 6.8) ends one of the two.
//
// Optional session attributes: DelayOpen is off, so that events 12 and 20 do not exist.
// DampPeerOscillations is on: a machine that falls to Idle starts again when its idle hold timer
// ends, as AutomaticStart.
//
// Departures:
// - Idle, event 2: not ignored, since it ends the idle hold time: no AutomaticStart follows it.
// - Connect, event 18: to Active and not to Idle, as the RFC has it with DelayOpen; a peer whose
//   daemon starts a moment later can connect to us at once. BIRD and FRR do the same.
// - OpenSent, event 25: no NOTIFICATION in answer to a NOTIFICATION (section 6.4 forbids it, the
//   table asks for it).
// - A second OPEN on one connection (events 19, OpenConfirm and Established) is an error of the
//   state machine.
// - ROUTE-REFRESH (RFC 2918, 7313) is an event of its own beside UPDATE.
// - AutomaticStart keeps the ConnectRetryCounter, which the idle hold time grows with.
// - The idle hold time after an Established session that ended without NOTIFICATION ends, as
//   AutomaticStart_passive, when the peer connects: it restarted. (RFC 4271 refuses it.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sextant::bgp {

enum class State : std::uint8_t { kIdle, kConnect, kActive, kOpenSent, kOpenConfirm, kEstablished };
inline constexpr std::size_t kStates = 6;

/// The numbers in the comments are those of RFC 4271 section 8.1.
enum class Event : std::uint8_t {
  kManualStart,            // 1
  kManualStop,             // 2
  kAutomaticStart,         // 3, 6
  kManualStartPassive,     // 4
  kAutomaticStartPassive,  // 5, 7
  kAutomaticStop,          // 8: too many prefixes, a changed configuration
  kConnectRetryExpires,    // 9
  kHoldExpires,            // 10
  kKeepaliveExpires,       // 11
  kTcpAcked,               // 16: our connection stands
  kTcpConfirmed,           // 17: the peer's connection stands
  kTcpFails,               // 18
  kOpen,                   // 19: an OPEN that is in order
  kHeaderError,            // 21
  kOpenError,              // 22
  kCollisionDump,          // 23
  kVersionNotification,    // 24: NOTIFICATION, unsupported version number
  kNotification,           // 25: any other
  kKeepalive,              // 26
  kUpdate,                 // 27: with whatever RFC 7606 lets pass
  kUpdateError,            // 28: one that RFC 7606 does not let pass
  kRouteRefresh,           // RFC 2918, RFC 7313
};
inline constexpr std::size_t kEvents = 22;

enum class Action : std::uint8_t {
  kResetRetryCounter,
  kCountRetry,
  kStartConnectRetry,  // from now; also where it runs
  kStopConnectRetry,
  kInitiateConnect,
  kRefuseConnection,  // the one that the event is about
  kSendOpen,
  kStartLargeHold,  // four minutes, as section 8.2.2 suggests
  kStartHold,       // what the two OPENs agreed; none where that is 0
  kStartKeepalive,
  kSendKeepalive,
  kSendEventNotification,  // the one that the event brings
  kSendHoldExpired,        // 4
  kSendFsmError,           // 5, with the state as subcode (RFC 6608)
  kRelease,                // every timer of the connection, and the connection
  kSessionUp,
  kSessionDown,
  kDeliver,        // the message goes to the routing table
  kStartIdleHold,  // AutomaticStart follows
};

struct Step {
  State next;
  std::span<const Action> actions;
};

/// Every pair has an answer.
[[nodiscard]] Step step(State state, Event event);

/// "OpenConfirm", as the RFC writes it.
[[nodiscard]] std::string_view to_string(State state);
[[nodiscard]] std::string_view to_string(Event event);
[[nodiscard]] std::string_view to_string(Action action);

}  // namespace sextant::bgp
