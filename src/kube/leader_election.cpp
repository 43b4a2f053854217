#include "kube/leader_election.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "base/log.h"
#include "kube/api_time.h"
#include "kube/background.h"
#include "kube/backoff.h"
#include "kube/json_text.h"

namespace sextant::kube {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

const Resource kLeases{"coordination.k8s.io", "v1", "leases"};

std::int64_t number_member(const json::value& value, std::string_view name) {
  const auto* const number = member(value, name);
  return number != nullptr && number->is_int64() ? number->get_int64() : 0;
}

}  // namespace

struct LeaderElection::State {
  State(Client& of, ElectionOptions with, std::function<void(bool)> tell)
      : client(of),
        options(std::move(with)),
        on_change(std::move(tell)),
        ref{kLeases, options.ns, options.name},
        backoff(options.renew_period / 2, options.renew_period) {}

  [[nodiscard]] Task<void> run();
  /// Waits until the lease is ours.
  [[nodiscard]] Task<void> become_leader();
  [[nodiscard]] Task<void> stay_leader();
  /// Ends the leadership in time also where a renewal hangs.
  [[nodiscard]] Task<void> mind_deadline();
  [[nodiscard]] Task<bool> write(const json::value* lease, std::string holder_name);
  void observe(const json::value& lease);
  void complain(const ApiError& error);
  [[nodiscard]] Clock::time_point expiry() const;
  void lead(bool now);

  Client& client;
  ElectionOptions options;
  std::function<void(bool)> on_change;
  ObjectRef ref;
  Backoff backoff;
  bool leading = false;
  bool stopped = false;
  std::string holder;
  // What was last seen of the lease, and when it was first seen so.
  std::string observed;
  milliseconds observed_duration{0};
  Clock::time_point observed_at;
  Clock::time_point renewed_at;  // when the last successful renewal was sent
  std::string complaint;         // the last one; empty: the election goes its way
  Background worker, deadline;
};

void LeaderElection::State::lead(bool now) {
  if (leading == now || stopped) return;
  leading = now;
  log::info("lease {}/{}: this agent {}", options.ns, options.name,
            now ? "leads now" : "does not lead any more");
  if (on_change) on_change(now);
}

/// Once, however often it is tried: where nobody may elect, nobody leads. A server that does not
/// answer, or asks for patience, is the transport's to tell of.
void LeaderElection::State::complain(const ApiError& error) {
  const bool patience = error.status == 0 || error.status == 429;
  if (patience || error.conflict() || error.already_exists()) return;
  auto text = error.error.message();
  if (text == complaint) return;
  complaint = std::move(text);
  log::warn({{"error", error.error}}, "lease {}/{} is out of reach, to be tried again: {}",
            options.ns, options.name, complaint);
}

/// Any change of the spec is a sign of life: the holder's clock does not matter.
void LeaderElection::State::observe(const json::value& lease) {
  const auto* const spec = member(lease, "spec");
  auto seen = spec == nullptr ? std::string() : json::serialize(*spec);
  if (spec != nullptr && seen == observed) return;
  observed = std::move(seen);
  observed_at = Clock::now();
  holder = spec == nullptr ? std::string() : text_member(*spec, "holderIdentity");
  const auto seconds = spec == nullptr ? 0 : number_member(*spec, "leaseDurationSeconds");
  observed_duration = std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 3600));
}

Clock::time_point LeaderElection::State::expiry() const {
  if (holder.empty() || holder == options.identity) return Clock::time_point::min();
  return observed_at + std::max(options.lease_duration, observed_duration);
}

Task<void> LeaderElection::State::run() {
  lead(false);  // an exception may have ended it while it led
  while (true) {
    co_await become_leader();
    lead(true);
    co_await stay_leader();
    lead(false);
  }
}

Task<void> LeaderElection::State::become_leader() {
  bool sure = false;  // the lease is read from etcd before it is taken
  while (true) {
    auto reading = sure ? client.get(ref) : client.get_cached(ref);
    const auto lease = co_await std::move(reading);
    if (!lease && !lease.error().not_found()) {
      complain(lease.error());
      co_await sleep_for(backoff.next());
      continue;
    }
    if (lease) observe(*lease);
    if (lease && Clock::now() < expiry()) {
      sure = false;
      complaint.clear();
      const auto left = std::chrono::duration_cast<milliseconds>(expiry() - Clock::now());
      co_await sleep_for(left + backoff.between(milliseconds(1), options.renew_period));
      continue;
    }
    if (!sure) {
      sure = true;
      continue;
    }
    backoff.reset();
    const bool written = co_await write(lease ? &*lease : nullptr, options.identity);
    if (written && Clock::now() - renewed_at < options.renew_deadline) co_return;
    co_await sleep_for(backoff.next());  // somebody else was first
  }
}

Task<void> LeaderElection::State::stay_leader() {
  while (leading) {
    co_await sleep_for(options.renew_period);
    while (leading) {
      const auto lease = co_await client.get(ref);
      if (lease) {
        observe(*lease);
        if (!holder.empty() && holder != options.identity) co_return;  // taken over
      }
      // A lease that was deleted is made again.
      if (!lease && !lease.error().not_found()) complain(lease.error());
      bool written = false;
      if (lease || lease.error().not_found())
        written = co_await write(lease ? &*lease : nullptr, options.identity);
      if (written) break;
      co_await sleep_for(options.renew_period / 4);
    }
  }
}

Task<void> LeaderElection::State::mind_deadline() {
  while (true) {
    const auto end =
        leading ? renewed_at + options.renew_deadline : Clock::now() + options.renew_deadline / 4;
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    co_await sleep_for(std::max(left, milliseconds(1)));
    if (leading && Clock::now() - renewed_at >= options.renew_deadline) {
      log::warn("lease {}/{} could not be renewed for {} s", options.ns, options.name,
                std::chrono::duration<double>(options.renew_deadline).count());
      lead(false);
    }
  }
}

/// Writes the lease as held by `holder_name` (empty: given up), on top of what was read.
Task<bool> LeaderElection::State::write(const json::value* lease, std::string holder_name) {
  const auto now = to_micro_time(std::chrono::system_clock::now());
  const auto* const old_spec = lease == nullptr ? nullptr : member(*lease, "spec");
  const bool is_renewal =
      old_spec != nullptr && text_member(*old_spec, "holderIdentity") == holder_name;
  const auto transitions = old_spec == nullptr ? 0 : number_member(*old_spec, "leaseTransitions");
  const auto seconds = std::max<std::int64_t>(
      1, std::chrono::ceil<std::chrono::seconds>(options.lease_duration).count());
  json::object spec{{"holderIdentity", holder_name},
                    {"leaseDurationSeconds", holder_name.empty() ? 1 : seconds},
                    {"renewTime", now},
                    {"acquireTime", now},
                    {"leaseTransitions", is_renewal ? transitions : transitions + 1}};
  if (is_renewal)
    if (const auto* const since = member(*old_spec, "acquireTime"); since != nullptr)
      spec["acquireTime"] = *since;
  json::object metadata{{"name", options.name}, {"namespace", options.ns}};
  if (lease != nullptr)
    if (const auto* const old = member(*lease, "metadata"); old != nullptr) {
      metadata = old->is_object() ? old->get_object() : metadata;
      metadata.erase("managedFields");
    }
  json::value object = json::object{{"apiVersion", "coordination.k8s.io/v1"},
                                    {"kind", "Lease"},
                                    {"metadata", std::move(metadata)},
                                    {"spec", std::move(spec)}};
  const auto sent_at = Clock::now();
  auto writing = lease == nullptr ? client.create(kLeases, options.ns, std::move(object))
                                  : client.update(ref, std::move(object));
  const auto written = co_await std::move(writing);
  if (!written) {
    complain(written.error());
    co_return false;
  }
  complaint.clear();
  observe(*written);
  renewed_at = sent_at;
  co_return true;
}

LeaderElection::LeaderElection(Client& client, ElectionOptions options,
                               std::function<void(bool)> on_change)
    : state_(std::make_shared<State>(client, std::move(options), std::move(on_change))) {}

LeaderElection::~LeaderElection() {
  state_->stopped = true;
  state_->worker.stop();
  state_->deadline.stop();
}

void LeaderElection::start() {
  auto& io = state_->client.io();
  state_->worker.start(io, "leader election", [state = state_] { return state->run(); });
  state_->deadline.start(io, "leader election",
                         [state = state_] { return state->mind_deadline(); });
}

bool LeaderElection::leading() const { return state_->leading; }
const std::string& LeaderElection::holder() const { return state_->holder; }

Task<void> LeaderElection::release() {
  const auto state = state_;
  const bool led = state->leading;
  state->worker.stop();
  state->deadline.stop();
  state->lead(false);
  state->stopped = true;
  if (!led) co_return;
  const auto lease = co_await state->client.get(state->ref);
  if (!lease) co_return;
  state->observe(*lease);
  std::string nobody;
  if (state->holder == state->options.identity) co_await state->write(&*lease, std::move(nobody));
}

}  // namespace sextant::kube
