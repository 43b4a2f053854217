// Every cell of the table, written out by hand from RFC 4271 section 8.2.2 with the departures of
// fsm.h.
#include "bgp/fsm.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace sextant::bgp {
namespace {

std::string cell(State state, Event event) {
  const auto [next, actions] = step(state, event);
  std::string text;
  for (const auto action : actions) text += std::string(to_string(action)) + " ";
  return text + "-> " + std::string(to_string(next));
}

// The tails that repeat. Idle by a fault counts and comes back by itself; by the operator it does
// neither.
const std::string kFall = "stop-connect-retry release count-retry start-idle-hold -> Idle";
const std::string kDown = "down release count-retry start-idle-hold -> Idle";
const std::string kAnswer = "send-notification " + kFall;
const std::string kAnswerDown = "send-notification " + kDown;
const std::string kError = "send-fsm-error " + kFall;
const std::string kErrorDown = "send-fsm-error " + kDown;

struct EventRow {
  Event event;
  std::array<std::string, kStates>
      cells;  // Idle, Connect, Active, OpenSent, OpenConfirm, Established
};

std::array<std::string, kStates> with(std::array<std::string, kStates> cells, State state,
                                      std::string_view text) {
  cells[static_cast<std::size_t>(state)] = text;
  return cells;
}

const std::array<std::string, kStates> kIgnored{"-> Idle",     "-> Connect",     "-> Active",
                                                "-> OpenSent", "-> OpenConfirm", "-> Established"};
const std::array<std::string, kStates> kAnswered{"-> Idle", kFall,   kFall,
                                                 kAnswer,   kAnswer, kAnswerDown};

const std::string kStop = "stop-connect-retry release reset-retry-counter -> Idle";
const std::string kGreet = "stop-connect-retry send-open start-large-hold -> OpenSent";
const std::string kRetry = "release start-connect-retry connect -> Connect";
const std::string kOtherVersion = "stop-connect-retry release start-idle-hold -> Idle";
const std::array<std::string, kStates> kConnected{
    "refuse -> Idle", kGreet, kGreet, "-> OpenSent", "-> OpenConfirm", "-> Established"};

const std::array<EventRow, kEvents> kRows{{
    {Event::kManualStart,
     with(kIgnored, State::kIdle, "reset-retry-counter start-connect-retry connect -> Connect")},
    {Event::kManualStop,
     {kStop, kStop, kStop, "send-notification " + kStop, "send-notification " + kStop,
      "send-notification down release reset-retry-counter -> Idle"}},
    {Event::kAutomaticStart,
     with(kIgnored, State::kIdle, "start-connect-retry connect -> Connect")},
    {Event::kManualStartPassive,
     with(kIgnored, State::kIdle, "reset-retry-counter start-connect-retry -> Active")},
    {Event::kAutomaticStartPassive, with(kIgnored, State::kIdle, "start-connect-retry -> Active")},
    {Event::kAutomaticStop, kAnswered},
    {Event::kConnectRetryExpires, {"-> Idle", kRetry, kRetry, kError, kError, kErrorDown}},
    {Event::kHoldExpires,
     {"-> Idle", kFall, kFall, "send-hold-expired " + kFall, "send-hold-expired " + kFall,
      "send-hold-expired " + kDown}},
    {Event::kKeepaliveExpires,
     {"-> Idle", kFall, kFall, kError, "send-keepalive start-keepalive -> OpenConfirm",
      "send-keepalive start-keepalive -> Established"}},
    {Event::kTcpAcked, kConnected},
    {Event::kTcpConfirmed, kConnected},
    {Event::kTcpFails,
     {"-> Idle", "release start-connect-retry -> Active", kFall,
      "release start-connect-retry -> Active", kFall, kDown}},
    {Event::kOpen,
     {"-> Idle", kFall, kFall, "send-keepalive start-keepalive start-hold -> OpenConfirm", kError,
      kErrorDown}},
    {Event::kHeaderError, kAnswered},
    {Event::kOpenError, kAnswered},
    {Event::kCollisionDump, kAnswered},
    {Event::kVersionNotification,
     {"-> Idle", kOtherVersion, kOtherVersion, kOtherVersion, kOtherVersion, kDown}},
    {Event::kNotification, {"-> Idle", kFall, kFall, kFall, kFall, kDown}},
    {Event::kKeepalive,
     {"-> Idle", kFall, kFall, kError, "start-hold up -> Established",
      "start-hold -> Established"}},
    {Event::kUpdate,
     {"-> Idle", kFall, kFall, kError, kError, "start-hold deliver -> Established"}},
    {Event::kUpdateError, {"-> Idle", kFall, kFall, kError, kError, kAnswerDown}},
    {Event::kRouteRefresh,
     {"-> Idle", kFall, kFall, kError, kError, "start-hold deliver -> Established"}},
}};

TEST(Fsm, EveryCellIsAsRfc4271Says) {
  for (std::size_t row = 0; row < kEvents; ++row) {
    ASSERT_EQ(static_cast<std::size_t>(kRows[row].event), row) << "the rows are in order";
    for (std::size_t column = 0; column < kStates; ++column) {
      const auto state = static_cast<State>(column);
      EXPECT_EQ(cell(state, kRows[row].event), kRows[row].cells[column])
          << to_string(state) << " x " << to_string(kRows[row].event);
    }
  }
}

// What holds for the table as a whole, whatever its cells say.

TEST(Fsm, TellsOfEverySessionThatComesAndGoesOnce) {
  for (std::size_t e = 0; e < kEvents; ++e) {
    for (std::size_t s = 0; s < kStates; ++s) {
      const auto state = static_cast<State>(s);
      const auto [next, actions] = step(state, static_cast<Event>(e));
      const auto ups = std::ranges::count(actions, Action::kSessionUp);
      const auto downs = std::ranges::count(actions, Action::kSessionDown);
      const bool was = state == State::kEstablished;
      const bool is = next == State::kEstablished;
      EXPECT_EQ(ups, !was && is ? 1 : 0) << cell(state, static_cast<Event>(e));
      EXPECT_EQ(downs, was && !is ? 1 : 0) << cell(state, static_cast<Event>(e));
    }
  }
}

TEST(Fsm, LeavesNoConnectionBehindInIdle) {
  for (std::size_t e = 0; e < kEvents; ++e) {
    for (std::size_t s = 1; s < kStates; ++s) {
      const auto state = static_cast<State>(s);
      const auto [next, actions] = step(state, static_cast<Event>(e));
      if (next != State::kIdle) continue;
      EXPECT_EQ(std::ranges::count(actions, Action::kRelease), 1)
          << cell(state, static_cast<Event>(e));
    }
  }
}

TEST(Fsm, ComesBackFromIdleByItselfUnlessTheOperatorStoppedIt) {
  for (std::size_t e = 0; e < kEvents; ++e) {
    for (std::size_t s = 1; s < kStates; ++s) {
      const auto state = static_cast<State>(s);
      const auto event = static_cast<Event>(e);
      const auto [next, actions] = step(state, event);
      if (next != State::kIdle) continue;
      EXPECT_EQ(std::ranges::count(actions, Action::kStartIdleHold),
                event == Event::kManualStop ? 0 : 1)
          << cell(state, event);
    }
  }
}

TEST(Fsm, NeverAnswersANotificationWithOne) {
  for (const auto event : {Event::kNotification, Event::kVersionNotification}) {
    for (std::size_t s = 0; s < kStates; ++s) {
      const auto text = cell(static_cast<State>(s), event);
      EXPECT_EQ(text.find("send-"), std::string::npos) << text;
    }
  }
}

}  // namespace
}  // namespace sextant::bgp
