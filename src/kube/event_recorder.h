// core/v1 Events for operators (`kubectl describe`).
//
// The same event again (object, type, reason, message) counts the one that is there up. Bounded:
// a token bucket an object and one for all, a queue of limited length; what does not fit is dropped
// and counted. Events are best effort: one that cannot be written is tried a few times, then
// dropped.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "kube/client.h"

namespace sextant::kube {

/// What an event is about.
struct EventTarget {
  std::string api_version;
  std::string kind;
  std::string ns;  // empty: cluster-scoped; its events are in "default"
  std::string name;
  std::string uid;  // may be empty; kubectl describe then does not show the event for some kinds
};

enum class EventType : std::uint8_t { kNormal, kWarning };

struct EventOptions {
  std::string component = "sextant";
  std::string host = {};       // the node
  unsigned object_burst = 10;  // then one in
  std::chrono::milliseconds object_refill = std::chrono::minutes(1);
  unsigned burst = 50;  // of all objects together, then one in
  std::chrono::milliseconds refill = std::chrono::seconds(1);
  std::size_t queue = 200;
  std::chrono::milliseconds retry = std::chrono::seconds(2);  // growing
};

class EventRecorder {
 public:
  EventRecorder(Client& client, EventOptions options);
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  /// Returns at once. `reason` is CamelCase, `message` for people (cut at 1,024 bytes).
  void record(EventTarget target, EventType type, std::string reason, std::string message);
  [[nodiscard]] std::uint64_t dropped() const;
  [[nodiscard]] std::uint64_t written() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sextant::kube
