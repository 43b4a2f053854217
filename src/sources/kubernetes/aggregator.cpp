#include "sources/kubernetes/aggregator.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/json.hpp>
#include <map>
#include <set>
#include <utility>

#include "base/log.h"
#include "kube/informer.h"
#include "kube/leader_election.h"
#include "sources/kubernetes/bell.h"
#include "sources/kubernetes/json_text.h"
#include "sources/kubernetes/resources.h"

namespace sextant::kubernetes {

namespace json = boost::json;
using boost::asio::awaitable;
using std::chrono::milliseconds;

namespace {

constexpr auto kLease = "sextant-aggregator";
constexpr double kWritesPerSecond = 50;
constexpr double kEventsPerSecond = 50'000;
constexpr milliseconds kBetweenWritesOfOne{1000};
constexpr milliseconds kSlice{10};  // of evaluation,
constexpr milliseconds kRest{90};   // and what others get in between
constexpr milliseconds kFirstRetry{1000};
constexpr milliseconds kLongestRetry{60'000};

/// What of a node matters to which policies are whose.
std::size_t fingerprint(const overlay::Node& node) {
  const std::hash<std::string> hash;
  std::size_t value = 1;
  const auto add = [&](std::size_t part) { value = value * 1'000'003 ^ part; };
  for (const auto& [key, label] : node.labels) add(hash(key) ^ (hash(label) << 1));
  for (const auto& address : node.addresses) add(std::hash<IpAddress>{}(address));
  return value;
}

/// What a leader knows; made when it begins to lead.
struct Session {
  using Report = std::optional<HeadendReport>;
  using Reports = kube::Informer<Report>;
  using Policies = kube::Informer<PolicyObject>;

  std::unique_ptr<Reports> reports;
  std::unique_ptr<Policies> policies;
  Reports::Objects reported;  // the reports that are in the marks already
  std::map<std::string, std::size_t> nodes;
  std::map<std::string, Clock::time_point> due;  // policies to be looked at, and when
  std::map<std::string, Clock::time_point> last_write;
  std::map<std::string, milliseconds> retry;
  [[nodiscard]] bool synced() const { return reports->synced() && policies->synced(); }
};

}  // namespace

struct Aggregator::State : std::enable_shared_from_this<State> {
  State(kube::Client& api, AggregatorOptions from)
      : client(api), options(std::move(from)), bell(api.io()) {}

  void lead(bool leads);
  void begin();
  void take_reports(std::span<const kube::Change<Session::Report>> changes);
  void take_policies(std::span<const kube::Change<PolicyObject>> changes);
  void compare_nodes();
  void mark(const std::string& policy);
  void mark_all();
  [[nodiscard]] std::optional<std::string> next(Clock::time_point time) const;
  [[nodiscard]] PolicySummary summary_of(const PolicyObject& policy);
  [[nodiscard]] milliseconds between_writes() const;
  static awaitable<void> run(std::shared_ptr<State> self, std::shared_ptr<Session> session);
  awaitable<void> look_at(std::shared_ptr<Session> of, std::string name);

  kube::Client& client;
  AggregatorOptions options;
  Bell bell;
  PolicyNames names;
  std::unique_ptr<kube::LeaderElection> election;
  std::shared_ptr<Session> session;  // while this is the leader
  std::uint64_t writes = 0;
};

void Aggregator::State::lead(bool leads) {
  if (leads)
    begin();
  else
    session.reset();
  bell.ring();
  if (options.on_lead) options.on_lead(leads);
}

void Aggregator::State::begin() {
  log::info("this agent writes the status of all SRv6Policies now");
  session = std::make_shared<Session>();
  session->reports = std::make_unique<Session::Reports>(
      client, kSrv6Nodes, kube::InformerOptions(),
      [this](const json::object& object) {
        return read_headend_report(json::value(object), names);
      },
      [this](auto changes) { take_reports(changes); });
  session->policies = std::make_unique<Session::Policies>(
      client, kSrv6Policies, kube::InformerOptions(),
      [](const json::object& object) { return read_policy_object(json::value(object)); },
      [this](auto changes) { take_policies(changes); });
  session->reports->start();
  session->policies->start();
  compare_nodes();
  boost::asio::co_spawn(client.io(), run(shared_from_this(), session), rethrow);
}

void Aggregator::State::take_reports(std::span<const kube::Change<Session::Report>> changes) {
  for (const auto& change : changes) {
    auto& known = session->reported[change.key];
    const auto* before = known != nullptr && *known ? &**known : nullptr;
    const auto* now = change.now != nullptr && *change.now ? &**change.now : nullptr;
    if ((before == nullptr) != (now == nullptr))
      mark_all();  // an agent that speaks for the first time, or never again, is a headend of many
    else
      for (const auto policy : differing_policies(before, now)) mark(names.name(policy));
    known = change.now;
    if (change.now == nullptr) session->reported.erase(change.key);
  }
  bell.ring();
}

void Aggregator::State::take_policies(std::span<const kube::Change<PolicyObject>> changes) {
  for (const auto& change : changes) {
    if (change.now != nullptr) {
      mark(change.key);
      continue;
    }
    session->due.erase(change.key);
    session->last_write.erase(change.key);
    session->retry.erase(change.key);
  }
  bell.ring();
}

void Aggregator::State::compare_nodes() {
  std::map<std::string, std::size_t> now;
  for (const auto& [name, node] : options.nodes()) now.emplace(name, fingerprint(node));
  if (now == session->nodes) return;
  session->nodes = std::move(now);
  mark_all();
  bell.ring();
}

void Aggregator::State::mark_all() {
  for (const auto& [name, policy] : session->policies->objects()) mark(name);
}

void Aggregator::State::mark(const std::string& policy) {
  auto due = Clock::now();
  if (const auto written = session->last_write.find(policy); written != session->last_write.end())
    due = std::max(due, written->second + kBetweenWritesOfOne);
  session->due.try_emplace(policy, due);
}

std::optional<std::string> Aggregator::State::next(Clock::time_point time) const {
  for (const auto& [name, due] : session->due)
    if (due <= time) return name;
  return std::nullopt;
}

PolicySummary Aggregator::State::summary_of(const PolicyObject& policy) {
  const auto& reports = session->reports->objects();
  return summarize(
      policy, names.number(policy.name), options.nodes(),
      [&](const std::string& node) -> const HeadendReport* {
        const auto found = reports.find(node);
        return found == reports.end() || !*found->second ? nullptr : &**found->second;
      },
      now());
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
    const auto time = Clock::now();
    const auto name = session->synced() ? self->next(time) : std::nullopt;
    if (name) {
      co_await self->look_at(session, *name);
      if (Clock::now() - slice < kSlice) continue;
      co_await pause_for(self->client.io(), kRest);
    } else {
      auto until = Clock::time_point::max();
      if (session->synced())
        for (const auto& [policy, due] : session->due) until = std::min(until, due);
      co_await self->bell.wait_until(until);
    }
    slice = Clock::now();
  }
}

awaitable<void> Aggregator::State::look_at(std::shared_ptr<Session> of, std::string name) {
  of->due.erase(name);
  const auto policy = of->policies->find(name);
  if (policy == nullptr) co_return;
  auto summary = summary_of(*policy);
  if (summary == policy->written) co_return;
  json::value patch{
      {"metadata", {{"uid", policy->version.uid}, {"resourceVersion", policy->resource_version}}},
      {"status", to_json(summary)}};
  const kube::ObjectRef ref{kSrv6Policies, "", name};
  of->last_write[name] = Clock::now();
  const std::string subresource = "status";
  const auto written = co_await client.patch(ref, std::move(patch), subresource);
  if (session != of) co_return;
  if (written) {
    ++writes;
    of->retry.erase(name);
    if (options.on_write) options.on_write(*policy, summary);
  } else if (!written.error().conflict() && !written.error().not_found()) {
    auto& delay = of->retry.try_emplace(name, kFirstRetry).first->second;
    log::warn("the status of SRv6Policy {} is not written, to be tried again: {}", name,
              written.error().error.message());
    of->due[name] = Clock::now() + delay;
    delay = std::min(delay * 2, kLongestRetry);
  } else if (!of->due.contains(name)) {
    // The change that it conflicts with comes by the watch, and marks it; should it have come
    // already, once more.
    of->due[name] = Clock::now() + kBetweenWritesOfOne;
  }
  co_await pause_for(client.io(), between_writes());
}

Aggregator::Aggregator(kube::Client& client, AggregatorOptions options)
    : state_(std::make_shared<State>(client, std::move(options))) {}

Aggregator::~Aggregator() {
  state_->election.reset();
  state_->session.reset();
  state_->bell.ring();
}

void Aggregator::start() {
  auto& state = *state_;
  kube::ElectionOptions election{.ns = state.options.ns,
                                 .name = kLease,
                                 .identity = state.options.identity,
                                 .lease_duration = state.options.lease_duration,
                                 .renew_deadline = state.options.lease_duration * 2 / 3,
                                 .renew_period = state.options.lease_duration / 3};
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
