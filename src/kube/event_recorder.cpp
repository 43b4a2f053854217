#include "kube/event_recorder.h"

#include <fmt/format.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/value.hpp>
#include <deque>
#include <map>
#include <tuple>

#include "base/log.h"
#include "base/utf8.h"
#include "kube/api_time.h"
#include "kube/background.h"
#include "kube/backoff.h"
#include "kube/token_bucket.h"

namespace sextant::kube {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Clock = std::chrono::steady_clock;
using WallClock = std::chrono::system_clock;

const Resource kEvents{"", "v1", "events"};
constexpr std::size_t kMessageBytes = 1024;  // the API server's own limit
constexpr std::size_t kRemembered = 1000;    // events and objects
constexpr std::size_t kNameBytes = 253;
constexpr int kTries = 4;

/// A name of an Event. That of its object is cut where both do not fit, but not so that a part
/// between dots ends in a hyphen or is empty: the API server takes no such names.
std::string event_name(std::string object, const std::string& suffix) {
  if (object.size() + suffix.size() > kNameBytes) {
    object.resize(kNameBytes - suffix.size());
    while (object.ends_with('-') || object.ends_with('.')) object.pop_back();
  }
  return object + suffix;
}

}  // namespace

struct EventRecorder::State {
  State(Client& of, EventOptions with)
      : client(of),
        options(std::move(with)),
        bucket({options.burst, options.refill}, Clock::now()),
        wake(of.io(), Clock::time_point::max()) {}

  using ObjectKey = std::tuple<std::string, std::string, std::string>;  // kind, namespace, name
  using EventKey = std::tuple<ObjectKey, EventType, std::string, std::string>;  // reason, message
  struct Known {
    EventTarget target;
    std::string name;  // of the Event; empty: not written yet
    std::int64_t count = 0;
    WallClock::time_point first, last;
    bool queued = false;
    Clock::time_point used;
  };

  [[nodiscard]] bool may_write(const ObjectKey& object);
  [[nodiscard]] Task<void> run();
  [[nodiscard]] Task<Answer<json::value>> write(EventKey key);
  [[nodiscard]] json::value made(const EventKey& key, Known& known) const;

  Client& client;
  EventOptions options;
  std::map<EventKey, Known> events;
  std::map<ObjectKey, TokenBucket> buckets;
  TokenBucket bucket;
  std::deque<EventKey> queue;
  asio::steady_timer wake;
  std::uint64_t dropped = 0, written = 0;
  Background worker;
};

bool EventRecorder::State::may_write(const ObjectKey& object) {
  const auto now = Clock::now();
  if (buckets.size() >= kRemembered)
    for (auto it = buckets.begin(); it != buckets.end();)
      it = it->second.is_full(now) ? buckets.erase(it) : std::next(it);
  if (buckets.size() >= kRemembered && !buckets.contains(object)) return false;
  const TokenBucket::Rate rate{options.object_burst, options.object_refill};
  return buckets.try_emplace(object, rate, now).first->second.take(now) && bucket.take(now);
}

json::value EventRecorder::State::made(const EventKey& key, Known& known) const {
  const auto& [object, type, reason, message] = key;
  const auto& target = known.target;
  const auto ns = target.ns.empty() ? "default" : target.ns;
  const auto suffix = fmt::format(".{:x}", WallClock::now().time_since_epoch().count());
  known.name = event_name(target.name, suffix);
  json::object about{
      {"apiVersion", target.api_version}, {"kind", target.kind}, {"name", target.name}};
  if (!target.ns.empty()) about["namespace"] = target.ns;
  if (!target.uid.empty()) about["uid"] = target.uid;
  json::object source{{"component", options.component}};
  if (!options.host.empty()) source["host"] = options.host;
  return json::object{{"apiVersion", "v1"},
                      {"kind", "Event"},
                      {"metadata", {{"name", known.name}, {"namespace", ns}}},
                      {"involvedObject", std::move(about)},
                      {"reason", reason},
                      {"message", message},
                      {"type", type == EventType::kNormal ? "Normal" : "Warning"},
                      {"count", known.count},
                      {"firstTimestamp", to_time(known.first)},
                      {"lastTimestamp", to_time(known.last)},
                      {"source", std::move(source)},
                      {"reportingComponent", options.component},
                      {"reportingInstance", options.host}};
}

Task<Answer<json::value>> EventRecorder::State::write(EventKey key) {
  auto& known = events.at(key);  // what is queued is not forgotten
  const std::string ns = known.target.ns.empty() ? "default" : known.target.ns;
  if (!known.name.empty()) {
    json::value counts =
        json::object{{"count", known.count}, {"lastTimestamp", to_time(known.last)}};
    const ObjectRef ref{kEvents, ns, known.name};
    auto patched = co_await client.patch(ref, std::move(counts));
    if (patched || !patched.error().not_found()) co_return patched;
    known.first = known.last;  // the server forgets events after an hour
    known.count = 1;
  }
  auto object = made(key, known);
  auto created = co_await client.create(kEvents, ns, std::move(object));
  if (!created) known.name.clear();
  co_return created;
}

Task<void> EventRecorder::State::run() {
  Backoff backoff(options.retry, options.retry * 8);
  for (int tries = 0;;) {
    if (queue.empty()) {
      wake.expires_at(Clock::time_point::max());
      boost::system::error_code woken;
      co_await wake.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      continue;
    }
    const auto key = queue.front();
    const auto answer = co_await write(key);
    if (!answer && answer.error().may_pass() && ++tries < kTries) {
      co_await sleep_for(backoff.next());
      continue;
    }
    tries = 0;
    backoff.reset();
    queue.pop_front();
    events.at(key).queued = false;
    if (answer) {
      ++written;
      continue;
    }
    ++dropped;
    log::warn({{"error", answer.error().error}}, "an event is lost: {}",
              answer.error().error.message());
  }
}

EventRecorder::EventRecorder(Client& client, EventOptions options)
    : state_(std::make_shared<State>(client, std::move(options))) {
  state_->worker.start(client.io(), "event recorder", [state = state_] { return state->run(); });
}

EventRecorder::~EventRecorder() { state_->worker.stop(); }

std::uint64_t EventRecorder::dropped() const { return state_->dropped; }
std::uint64_t EventRecorder::written() const { return state_->written; }

void EventRecorder::record(EventTarget target, EventType type, std::string reason,
                           std::string message) {
  auto& state = *state_;
  if (message.size() > kMessageBytes) message.resize(kMessageBytes - 3);
  message = as_utf8(message);
  if (message.size() > kMessageBytes) message.resize(kMessageBytes);
  const State::ObjectKey object{target.kind, target.ns, target.name};
  const State::EventKey key{object, type, std::move(reason), std::move(message)};

  if (state.events.size() >= kRemembered) {
    const auto old = Clock::now() - std::chrono::minutes(10);
    std::erase_if(state.events, [&](const auto& entry) {
      return !entry.second.queued && entry.second.used < old;
    });
  }
  const auto found = state.events.find(key);
  const bool queued = found != state.events.end() && found->second.queued;
  const bool full = state.queue.size() >= state.options.queue ||
                    (found == state.events.end() && state.events.size() >= kRemembered);
  if (!queued && (full || !state.may_write(object))) {
    // A repetition that is not written now is counted, and told by the next one that is.
    if (found != state.events.end()) ++found->second.count;
    ++state.dropped;
    return;
  }
  auto& known = state.events[key];
  known.target = std::move(target);
  known.last = WallClock::now();
  if (known.count++ == 0) known.first = known.last;
  known.used = Clock::now();
  if (queued) return;
  known.queued = true;
  state.queue.push_back(key);
  state.wake.cancel();
}

}  // namespace sextant::kube
