#include "bgp/fsm.h"

#include <array>

namespace sextant::bgp {
namespace {

using enum State;
using enum Action;

// The answers that several cells share.

constexpr std::array kStartActive{kResetRetryCounter, kStartConnectRetry, kInitiateConnect};
constexpr std::array kStartPassive{kResetRetryCounter, kStartConnectRetry};
constexpr std::array kStartAgain{kStartConnectRetry, kInitiateConnect};
constexpr std::array kWaitAgain{kStartConnectRetry};
constexpr std::array kRefuse{kRefuseConnection};
constexpr std::array kRetry{kRelease, kStartConnectRetry, kInitiateConnect};
constexpr std::array kWait{kRelease, kStartConnectRetry};
constexpr std::array kGreet{kStopConnectRetry, kSendOpen, kStartLargeHold};
constexpr std::array kAgree{kSendKeepalive, kStartKeepalive, kStartHold};
constexpr std::array kUp{kStartHold, kSessionUp};
constexpr std::array kStayAlive{kStartHold};
constexpr std::array kBeat{kSendKeepalive, kStartKeepalive};
constexpr std::array kTake{kStartHold, kDeliver};

// To Idle before anything was sent, ...
constexpr std::array kStop{kStopConnectRetry, kRelease, kResetRetryCounter};
constexpr std::array kFall{kStopConnectRetry, kRelease, kCountRetry, kStartIdleHold};
// ... while the OPENs are exchanged, ...
constexpr std::array kCeaseStop{kSendEventNotification, kStopConnectRetry, kRelease,
                                kResetRetryCounter};
constexpr std::array kCease{kSendEventNotification, kStopConnectRetry, kRelease, kCountRetry,
                            kStartIdleHold};
constexpr std::array kLate{kSendHoldExpired, kStopConnectRetry, kRelease, kCountRetry,
                           kStartIdleHold};
constexpr std::array kConfused{kSendFsmError, kStopConnectRetry, kRelease, kCountRetry,
                               kStartIdleHold};
// the peer speaks another version: RFC 4271 does not count that one
constexpr std::array kOtherVersion{kStopConnectRetry, kRelease, kStartIdleHold};
// ... and from Established.
constexpr std::array kDownStop{kSendEventNotification, kSessionDown, kRelease, kResetRetryCounter};
constexpr std::array kDownCease{kSendEventNotification, kSessionDown, kRelease, kCountRetry,
                                kStartIdleHold};
constexpr std::array kDownLate{kSendHoldExpired, kSessionDown, kRelease, kCountRetry,
                               kStartIdleHold};
constexpr std::array kDownConfused{kSendFsmError, kSessionDown, kRelease, kCountRetry,
                                   kStartIdleHold};
constexpr std::array kDown{kSessionDown, kRelease, kCountRetry, kStartIdleHold};

using Row = std::array<Step, kStates>;
using Table = std::array<Row, kEvents>;

constexpr Step stay(State state) { return {state, {}}; }
/// Ignored in every state.
constexpr Row ignored() {
  return {stay(kIdle),     stay(kConnect),     stay(kActive),
          stay(kOpenSent), stay(kOpenConfirm), stay(kEstablished)};
}
/// A message or timer that belongs to later states: "any other event" of the RFC's text.
constexpr Row confusing() {
  return {stay(kIdle),        Step{kIdle, kFall},     Step{kIdle, kFall},
          {kIdle, kConfused}, Step{kIdle, kConfused}, {kIdle, kDownConfused}};
}
/// An error that is answered with the event's NOTIFICATION.
constexpr Row answered() {
  return {stay(kIdle),     Step{kIdle, kFall},  Step{kIdle, kFall},
          {kIdle, kCease}, Step{kIdle, kCease}, {kIdle, kDownCease}};
}

constexpr Row& at(Table& table, Event event) { return table[static_cast<std::size_t>(event)]; }
constexpr Row& set(Row& row, State state, State next, std::span<const Action> actions) {
  row[static_cast<std::size_t>(state)] = {next, actions};
  return row;
}

constexpr Table make_table() {
  Table table{};
  const auto row = [&](Event event, Row start) -> Row& { return at(table, event) = start; };
  Row* r = nullptr;

  set(row(Event::kManualStart, ignored()), kIdle, kConnect, kStartActive);
  set(row(Event::kManualStartPassive, ignored()), kIdle, kActive, kStartPassive);
  set(row(Event::kAutomaticStart, ignored()), kIdle, kConnect, kStartAgain);
  set(row(Event::kAutomaticStartPassive, ignored()), kIdle, kActive, kWaitAgain);

  row(Event::kManualStop, {Step{kIdle, kStop},
                           Step{kIdle, kStop},
                           {kIdle, kStop},
                           {kIdle, kCeaseStop},
                           {kIdle, kCeaseStop},
                           {kIdle, kDownStop}});
  row(Event::kAutomaticStop, answered());

  r = &row(Event::kConnectRetryExpires, confusing());
  set(*r, kConnect, kConnect, kRetry);
  set(*r, kActive, kConnect, kRetry);

  r = &row(Event::kHoldExpires, confusing());
  set(*r, kOpenSent, kIdle, kLate);
  set(*r, kOpenConfirm, kIdle, kLate);
  set(*r, kEstablished, kIdle, kDownLate);

  r = &row(Event::kKeepaliveExpires, confusing());
  set(*r, kOpenConfirm, kOpenConfirm, kBeat);
  set(*r, kEstablished, kEstablished, kBeat);

  // A further connection is the caller's to track (section 6.8): this machine has one already.
  r = &row(Event::kTcpAcked, ignored());
  set(*r, kIdle, kIdle, kRefuse);
  set(*r, kConnect, kOpenSent, kGreet);
  set(*r, kActive, kOpenSent, kGreet);
  table[static_cast<std::size_t>(Event::kTcpConfirmed)] = *r;

  row(Event::kTcpFails, {stay(kIdle),
                         Step{kActive, kWait},
                         {kIdle, kFall},
                         {kActive, kWait},
                         {kIdle, kFall},
                         {kIdle, kDown}});

  set(row(Event::kOpen, confusing()), kOpenSent, kOpenConfirm, kAgree);
  row(Event::kHeaderError, answered());
  row(Event::kOpenError, answered());
  row(Event::kCollisionDump, answered());

  row(Event::kVersionNotification, {stay(kIdle),
                                    Step{kIdle, kOtherVersion},
                                    {kIdle, kOtherVersion},
                                    {kIdle, kOtherVersion},
                                    {kIdle, kOtherVersion},
                                    {kIdle, kDown}});
  row(Event::kNotification, {stay(kIdle),
                             Step{kIdle, kFall},
                             {kIdle, kFall},
                             {kIdle, kFall},
                             {kIdle, kFall},
                             {kIdle, kDown}});

  r = &row(Event::kKeepalive, confusing());
  set(*r, kOpenConfirm, kEstablished, kUp);
  set(*r, kEstablished, kEstablished, kStayAlive);
  set(row(Event::kUpdate, confusing()), kEstablished, kEstablished, kTake);
  set(row(Event::kUpdateError, confusing()), kEstablished, kIdle, kDownCease);
  set(row(Event::kRouteRefresh, confusing()), kEstablished, kEstablished, kTake);
  return table;
}

constexpr Table kTable = make_table();

}  // namespace

Step step(State state, Event event) {
  return kTable[static_cast<std::size_t>(event)][static_cast<std::size_t>(state)];
}

std::string_view to_string(State state) {
  constexpr std::array<std::string_view, kStates> kNames{"Idle",     "Connect",     "Active",
                                                         "OpenSent", "OpenConfirm", "Established"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view to_string(Event event) {
  constexpr std::array<std::string_view, kEvents> kNames{"ManualStart",
                                                         "ManualStop",
                                                         "AutomaticStart",
                                                         "ManualStart_passive",
                                                         "AutomaticStart_passive",
                                                         "AutomaticStop",
                                                         "ConnectRetry_Expires",
                                                         "HoldTimer_Expires",
                                                         "KeepaliveTimer_Expires",
                                                         "Tcp_CR_Acked",
                                                         "TcpConnectionConfirmed",
                                                         "TcpConnectionFails",
                                                         "BGPOpen",
                                                         "BGPHeaderErr",
                                                         "BGPOpenMsgErr",
                                                         "OpenCollisionDump",
                                                         "NotifMsgVerErr",
                                                         "NotifMsg",
                                                         "KeepAliveMsg",
                                                         "UpdateMsg",
                                                         "UpdateMsgErr",
                                                         "RouteRefreshMsg"};
  return kNames[static_cast<std::size_t>(event)];
}

std::string_view to_string(Action action) {
  constexpr std::array<std::string_view, 19> kNames{"reset-retry-counter",
                                                    "count-retry",
                                                    "start-connect-retry",
                                                    "stop-connect-retry",
                                                    "connect",
                                                    "refuse",
                                                    "send-open",
                                                    "start-large-hold",
                                                    "start-hold",
                                                    "start-keepalive",
                                                    "send-keepalive",
                                                    "send-notification",
                                                    "send-hold-expired",
                                                    "send-fsm-error",
                                                    "release",
                                                    "up",
                                                    "down",
                                                    "deliver",
                                                    "start-idle-hold"};
  return kNames[static_cast<std::size_t>(action)];
}

}  // namespace sextant::bgp
