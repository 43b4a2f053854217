#include "sources/kubernetes/aggregator.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "kube/informer.h"
#include "kube/leader_election.h"
#include "kube/reflector.h"
#include "sources/kubernetes/agenda.h"
#include "sources/kubernetes/bell.h"
#include "sources/kubernetes/json_text.h"
#include "sources/kubernetes/resources.h"

namespace sextant::kubernetes {

namespace json = boost::json;
using boost::asio::awaitable;
using std::chrono::milliseconds;
using Rank = Agenda::Rank;

namespace {

constexpr auto kLeaseName = "sextant-aggregator";
constexpr double kWritesPerSecond = 50;
constexpr double kEventsPerSecond = 50'000;
constexpr milliseconds kSlice{10};  // of evaluation,
constexpr milliseconds kRest{90};   // and what others get in between
constexpr std::chrono::seconds kLease{15};
constexpr std::chrono::seconds kLeaseOfLarge{60};
constexpr std::size_t kLargeCluster = 1000;  // nodes, and more

/// What a leader knows; made when it begins to lead.
struct Session {
  using Policies = kube::Informer<PolicyObject>;

  HeadendBoard board;
  Agenda agenda;
  std::unique_ptr<kube::Reflector> reports;
  std::unique_ptr<Policies> policies;
  bool begun = false;  // to look at policies
  [[nodiscard]] bool synced() const { return reports->health().synced && policies->synced(); }
};

}  // namespace

struct Aggregator::State : std::enable_shared_from_this<State> {
  State(kube::Client& api, AggregatorOptions from)
      : client(api), options(std::move(from)), bell(api.io()) {}

  void lead(bool leads);
  void begin();
  void end();
  [[nodiscard]] std::shared_ptr<const void> read_report(const json::object& object);
  void take_reports(const std::vector<kube::UntypedChange>& changes);
  void take_policies(std::span<const kube::Change<PolicyObject>> changes);
  void compare_nodes();
  void mark_all();
  [[nodiscard]] milliseconds between_writes() const;
  static awaitable<void> run(std::shared_ptr<State> self, std::shared_ptr<Session> session);
  /// Whether others had their turn meanwhile: it was written, or that was tried.
  awaitable<bool> look_at(std::shared_ptr<Session> of, Agenda::Number number);

  kube::Client& client;
  AggregatorOptions options;
  Bell bell;
  std::unique_ptr<kube::LeaderElection> election;
  std::shared_ptr<Session> session;  // while this is the leader
  std::uint64_t writes = 0;
};

void Aggregator::State::lead(bool leads) {
  if (leads)
    begin();
  else
    end();
  if (options.on_lead) options.on_lead(leads);
}

void Aggregator::State::begin() {
  log::info("this agent writes the status of all SRv6Policies now");
  session = std::make_shared<Session>();
  session->board.set_nodes(options.nodes());
  session->reports = std::make_unique<kube::Reflector>(
      client, kSrv6Nodes, kube::InformerOptions(),
      [this](const json::object& object) { return read_report(object); },
      [this](std::vector<kube::UntypedChange>&& changes) { take_reports(changes); });
  session->policies = std::make_unique<Session::Policies>(
      client, kSrv6Policies, kube::InformerOptions(), read_policy_object,
      [this](auto changes) { take_policies(changes); });
  session->reports->start();
  session->policies->start();
  boost::asio::co_spawn(client.io(), run(shared_from_this(), session), rethrow);
}

/// The coroutine that looks at policies may hold the session a little longer, those who write into
/// it do not.
void Aggregator::State::end() {
  if (session != nullptr) {
    session->reports.reset();
    session->policies.reset();
  }
  session.reset();
  bell.ring();
}

/// A report goes to the board as it is read, and not when its list is complete: 5,000 of them at
/// once are 80 MB, and what is judged waits for the list anyway.
std::shared_ptr<const void> Aggregator::State::read_report(const json::object& object) {
  static const auto kTaken = std::make_shared<const bool>(true);
  const auto report = read_headend_report(object, session->board.names());
  session->board.take(text_at(object, "metadata", "name"), report ? &*report : nullptr);
  return kTaken;
}

void Aggregator::State::take_reports(const std::vector<kube::UntypedChange>& changes) {
  for (const auto& change : changes)
    if (change.now == nullptr) session->board.take(change.key, nullptr);
  if (!session->synced()) return;  // all policies will be looked at
  const auto time = Clock::now();
  const bool speakers = session->board.take_speakers_changed();
  if (speakers) mark_all();  // a headend of many
  for (const auto policy : session->board.take_changed())
    if (session->policies->find(session->board.names().name(policy)) != nullptr)
      session->agenda.add(policy, speakers ? Rank::kOther : Rank::kAwaited, time);
  bell.ring();
}

void Aggregator::State::take_policies(std::span<const kube::Change<PolicyObject>> changes) {
  const auto time = Clock::now();
  for (const auto& change : changes) {
    const auto policy = session->board.names().number(change.key);
    if (change.now != nullptr)
      session->agenda.add(policy, session->begun ? Rank::kAwaited : Rank::kOther, time);
    else
      session->agenda.forget(policy);
  }
  bell.ring();
}

void Aggregator::State::compare_nodes() {
  if (!session->board.set_nodes(options.nodes())) return;
  mark_all();
  bell.ring();
}

void Aggregator::State::mark_all() {
  const auto time = Clock::now();
  for (const auto& [name, policy] : session->policies->objects())
    session->agenda.add(session->board.names().number(name), Rank::kOther, time);
}

milliseconds Aggregator::State::between_writes() const {
  const auto nodes = static_cast<double>(std::max<std::size_t>(1, options.nodes().size()));
  const auto rate = std::min(kWritesPerSecond, kEventsPerSecond / nodes);
  return milliseconds(static_cast<std::int64_t>(1000 / rate));
}

awaitable<void> Aggregator::State::run(std::shared_ptr<State> self,
                                       std::shared_ptr<Session> session) {
  auto slice = Clock::now();
  while (self->session == session) {
    const auto policy = session->synced() ? session->agenda.take(Clock::now()) : std::nullopt;
    if (policy) {
      session->begun = true;
      const bool rested = co_await self->look_at(session, *policy);
      if (!rested && Clock::now() - slice < kSlice) continue;
      if (!rested) co_await pause_for(self->client.io(), kRest);
    } else {
      const auto until = session->synced() ? session->agenda.next() : Clock::time_point::max();
      co_await self->bell.wait_until(until);
    }
    slice = Clock::now();
  }
}

awaitable<bool> Aggregator::State::look_at(std::shared_ptr<Session> of, Agenda::Number number) {
  const auto name = of->board.names().name(number);
  const auto policy = of->policies->find(name);
  if (policy == nullptr) co_return false;
  auto summary = summarize(*policy, number, of->board, now());
  if (summary == policy->written) co_return false;
  json::value patch{
      {"metadata", {{"uid", policy->version.uid}, {"resourceVersion", policy->resource_version}}},
      {"status", to_json(summary)}};
  const kube::ObjectRef ref{kSrv6Policies, "", name};
  const std::string subresource = "status";
  const auto written = co_await client.patch(ref, std::move(patch), subresource);
  if (session != of) co_return true;
  if (written) {
    ++writes;
    of->agenda.succeeded(number);
    if (options.on_write) options.on_write(*policy, summary);
  } else if (!written.error().conflict() && !written.error().not_found()) {
    log::warn("the status of SRv6Policy {} is not written, to be tried again: {}", name,
              written.error().error.message());
    of->agenda.retry(number, Clock::now());
  } else if (of->policies->find(name) != nullptr) {
    // The change that it conflicts with comes by the watch, and marks it; should it have come
    // already, once more.
    of->agenda.add(number, Rank::kAwaited, Clock::now());
  }
  co_await pause_for(client.io(), between_writes());
  co_return true;
}

Aggregator::Aggregator(kube::Client& client, AggregatorOptions options)
    : state_(std::make_shared<State>(client, std::move(options))) {}

Aggregator::~Aggregator() {
  state_->election.reset();
  state_->end();
}

void Aggregator::start() {
  auto& state = *state_;
  const bool large = state.options.nodes().size() > kLargeCluster;
  const milliseconds duration =
      state.options.lease_duration.value_or(large ? kLeaseOfLarge : kLease);
  kube::ElectionOptions election{.ns = state.options.ns,
                                 .name = kLeaseName,
                                 .identity = state.options.identity,
                                 .lease_duration = duration,
                                 .renew_deadline = duration * 2 / 3,
                                 .renew_period = duration / 3};
  state.election = std::make_unique<kube::LeaderElection>(
      state.client, std::move(election), [self = state_.get()](bool leads) { self->lead(leads); });
  state.election->start();
}

void Aggregator::nodes_changed() {
  if (state_->session != nullptr) state_->compare_nodes();
}

bool Aggregator::leading() const { return state_->session != nullptr; }

std::uint64_t Aggregator::writes() const { return state_->writes; }

kube::Task<void> Aggregator::release() {
  const auto self = state_;
  if (self->election != nullptr) co_await self->election->release();
}

}  // namespace sextant::kubernetes
