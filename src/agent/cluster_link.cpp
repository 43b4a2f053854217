#include "agent/cluster_link.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/node_report.h"
#include "agent/views.h"
#include "base/log.h"
#include "kube/event_recorder.h"
#include "overlay/headend.h"
#include "sources/kubernetes/aggregator.h"
#include "sources/kubernetes/bell.h"
#include "sources/kubernetes/daemon_set_watch.h"
#include "sources/kubernetes/kubernetes_source.h"
#include "sources/kubernetes/locator_claimer.h"
#include "sources/kubernetes/node_keeper.h"
#include "sources/kubernetes/status_writer.h"

namespace sextant::agent {
namespace {

using namespace kubernetes;
using kube::EventType;
using overlay::ObjectKey;

/// Between looking for what is worth an event.
constexpr std::chrono::milliseconds kBetweenEvents{1000};
/// At SIGTERM, for the news that the DaemonSet was deleted.
constexpr std::chrono::milliseconds kNewsOfDeletion{2000};

constexpr auto kOwnVersion = "sextant.dev/v1alpha1";

/// Where "srv6-config-w1[0]" was read: "srv6-config-w1".
ObjectKey object_of(const ObjectKey& policy) {
  return {policy.kind, policy.name.substr(0, policy.name.find('['))};
}

std::string error_text(const std::vector<sources::Finding>& findings) {
  std::string text;
  for (const auto& finding : findings)
    if (finding.severity == sources::Severity::kError)
      text += (text.empty() ? "" : "; ") + finding.problem.reason;
  return text;
}

/// Nodes that the policy selects; all where there is no such policy.
std::size_t headend_count(const overlay::Intent& intent, const ObjectKey& key) {
  const auto policy = intent.policies.find(key);
  if (policy == intent.policies.end()) return intent.nodes.size();
  const auto& headend = policy->second.headend;
  if (!headend.names.empty()) return headend.names.size();
  if (headend.match_labels.empty()) return intent.nodes.size();
  return static_cast<std::size_t>(std::ranges::count_if(
      intent.nodes, [&](const auto& node) { return overlay::selects(headend, node.second); }));
}

}  // namespace

struct ClusterLink::State : std::enable_shared_from_this<State> {
  State(KubernetesSource& from, const sources::Source& all, const Reconciler& of,
        const Options& with, bool was_standing)
      : source(from),
        wishes(all),
        reconciler(of),
        options(with),
        stood(was_standing),
        bell(from.client().io()) {}

  void make_parts();
  void leave_or_stay(bool deleted);
  [[nodiscard]] std::string hold() const;
  [[nodiscard]] ReportContext context() const;
  [[nodiscard]] NodeStatus report() const;
  [[nodiscard]] LocatorOrigin locator_origin() const;
  [[nodiscard]] LocatorView locator_view() const;
  [[nodiscard]] kube::EventTarget target(const ObjectKey& key, const char* version) const;
  static boost::asio::awaitable<void> tell_events(std::shared_ptr<State> self);
  void tell_node_events();
  void tell_config_map_events();
  void tell_policy_event(const PolicyObject& before, const PolicySummary& now);

  KubernetesSource& source;
  const sources::Source& wishes;
  const Reconciler& reconciler;
  const Options& options;
  bool stood;
  bool stopped = false;
  bool reports = false;  // the status writer and the aggregator have begun
  bool leaving = false;
  Bell bell;
  std::unique_ptr<kube::EventRecorder> events;
  std::unique_ptr<NodeKeeper> node;
  std::unique_ptr<StatusWriter> status;
  std::unique_ptr<LocatorClaimer> claimer;
  std::unique_ptr<Aggregator> aggregator;
  std::unique_ptr<DaemonSetWatch> daemon_set;
  std::map<ObjectKey, std::string> told;  // findings that have an event
  std::optional<bool> told_forwards;
};

std::string ClusterLink::State::hold() const {
  return reconciler.begun() ? std::string() : hold_reason(wishes.state(), options.node);
}

LocatorOrigin ClusterLink::State::locator_origin() const {
  const auto& locator = reconciler.resolver().forwarding().locator;
  if (!locator) return LocatorOrigin::kNone;
  const auto giver = source.locator_object(options.node);
  if (giver.kind == "SRv6Node") return LocatorOrigin::kSrv6Node;
  if (giver.kind == "SRv6Locator") return LocatorOrigin::kClaim;
  if (giver.kind == "IPPool") return LocatorOrigin::kIpPool;
  return LocatorOrigin::kNodeAnnotation;
}

ReportContext ClusterLink::State::context() const {
  ReportContext context{.encap = options.encap, .hold = hold(), .locator_origin = locator_origin()};
  if (claimer != nullptr) {
    const auto& claim = claimer->status();
    if (claim.phase == LocatorClaimer::Phase::kExhausted)
      context.no_locator_reason = "PoolExhausted";
    if (claim.phase == LocatorClaimer::Phase::kFailed) context.no_locator_reason = "ClaimFailed";
    context.no_locator_message = claim.message;
  }
  context.version = [this](const ObjectKey& key) {
    const auto* meta = key.kind == "SRv6Policy" ? source.meta(key) : nullptr;
    return meta == nullptr ? ObjectVersion() : ObjectVersion{meta->uid, meta->generation};
  };
  context.fault = [this](const ObjectKey& key) {
    return error_text(source.findings_of(object_of(key)));
  };
  return context;
}

NodeStatus ClusterLink::State::report() const {
  if (!leaving) return make_node_status(reconciler, context());
  NodeStatus gone;
  gone.conditions = {{.type = "Ready",
                      .status = ConditionStatus::kFalse,
                      .reason = "Removed",
                      .message = "Sextant was deleted from the cluster and left this node"}};
  return gone;
}

LocatorView ClusterLink::State::locator_view() const {
  LocatorView view{.known = source.loaded() && !node->uid().empty(), .node_uid = node->uid()};
  for (const auto& [name, other] : source.intent().nodes) {
    if (name == options.node) {
      if (other.locator) view.current = other.locator->prefix();
      continue;
    }
    if (other.locator) view.taken.push_back(other.locator->prefix());
    for (const auto& pods : other.pod_prefixes) view.taken.push_back(pods.prefix);
    for (const auto& address : other.addresses) view.taken.push_back(IpPrefix::host(address));
  }
  return view;
}

void ClusterLink::State::make_parts() {
  auto& client = source.client();
  kube::EventOptions event_options;
  event_options.host = options.node;
  events = std::make_unique<kube::EventRecorder>(client, event_options);
  node = std::make_unique<NodeKeeper>(
      client, options.node, [this] { return make_progress(reconciler, stood, hold()); },
      [this] {
        if (status) status->changed();
        if (claimer) claimer->changed();
      });
  status = std::make_unique<StatusWriter>(
      client, StatusWriterOptions{.node = options.node,
                                  .report = [this] { return report(); },
                                  .node_uid = [this] { return node->uid(); },
                                  .nodes = [this] { return source.intent().nodes.size(); },
                                  .headends =
                                      [this](const ObjectKey& key) {
                                        return headend_count(source.intent(), key);
                                      }});
  if (const auto& pool = options.kubernetes.locator_pool)
    claimer = std::make_unique<LocatorClaimer>(
        client, LocatorClaimerOptions{.node = options.node,
                                      .pool = *pool,
                                      .view = [this] { return locator_view(); },
                                      .on_change =
                                          [this] {
                                            status->changed();
                                            bell.ring();
                                          }});
  const auto& daemon = options.kubernetes.daemon_set;
  if (!daemon.empty()) {
    const auto slash = daemon.find('/');
    daemon_set =
        std::make_unique<DaemonSetWatch>(client, daemon.substr(0, slash), daemon.substr(slash + 1),
                                         [this](bool deleted) { leave_or_stay(deleted); });
  }
  aggregator = std::make_unique<Aggregator>(
      client,
      AggregatorOptions{.ns = options.kubernetes.ns,
                        .identity = options.node,
                        .nodes = [this]() -> const NodesByName& { return source.intent().nodes; },
                        .on_write = [this](const auto& before,
                                           const auto& now) { tell_policy_event(before, now); },
                        .on_lead = [this](bool) { bell.ring(); }});
}

/// The Node is told as soon as it is known, and not at the end: `kubectl delete -k` takes the
/// permissions for it away in the same breath.
void ClusterLink::State::leave_or_stay(bool deleted) {
  if (!deleted) return node->resume();
  auto release = node->release();
  boost::asio::co_spawn(source.client().io(), std::move(release), kubernetes::rethrow);
}

kube::EventTarget ClusterLink::State::target(const ObjectKey& key, const char* version) const {
  const auto* meta = source.meta(key);
  return {.api_version = version,
          .kind = key.kind,
          .ns = meta == nullptr ? std::string() : meta->ns,
          .name = key.name,
          .uid = meta == nullptr ? std::string() : meta->uid};
}

void ClusterLink::State::tell_policy_event(const PolicyObject& before, const PolicySummary& now) {
  for (const auto& condition : now.conditions) {
    const auto* old = find_condition(before.written.conditions, condition.type);
    if (old != nullptr && old->reason == condition.reason) continue;
    const bool good = condition.status == ConditionStatus::kTrue;
    // Quiet: what is on its way, what follows from another condition, and a good start.
    if (condition.reason == "Pending" || condition.reason == "NotAccepted" ||
        condition.reason == "NoHeadend" || (good && condition.type == "Accepted" && old == nullptr))
      continue;
    kube::EventTarget about{.api_version = kOwnVersion,
                            .kind = "SRv6Policy",
                            .name = before.name,
                            .uid = before.version.uid};
    const bool as_meant = good || condition.reason == kNotActive;
    events->record(std::move(about), as_meant ? EventType::kNormal : EventType::kWarning,
                   condition.reason, condition.message);
  }
}

void ClusterLink::State::tell_node_events() {
  const auto about = [this] {
    kube::EventTarget node_target{.api_version = "v1", .kind = "Node", .name = options.node};
    node_target.uid = options.node;  // as kubelet does, so that `kubectl describe node` shows it
    return node_target;
  };
  if (claimer != nullptr) {
    const auto& claim = claimer->status();
    auto& text = told[{"SRv6Locator", ""}];
    if (std::exchange(text, claim.message) != claim.message) {
      if (claim.phase == LocatorClaimer::Phase::kExhausted)
        events->record(about(), EventType::kWarning, "LocatorPoolExhausted", claim.message);
      if (claim.phase == LocatorClaimer::Phase::kClaimed)
        events->record(about(), EventType::kNormal, "LocatorClaimed", claim.message);
    }
  }
  const auto progress = make_progress(reconciler, stood, hold());
  if (reconciler.begun() && told_forwards != progress.forwards) {
    if (!progress.forwards)
      events->record(about(), EventType::kWarning, "SextantIsNotUp", progress.why_not);
    else if (!stood || told_forwards)
      events->record(about(), EventType::kNormal, "SextantIsUp", "the overlay forwards");
    told_forwards = progress.forwards;
  }
  for (const auto* kind : {"Node", "SRv6Node"}) {
    const ObjectKey key{kind, options.node};
    auto text = error_text(source.findings_of(key));
    auto& before = told[key];
    if (std::exchange(before, text) == text || text.empty()) continue;
    events->record(key.kind == "Node" ? about() : target(key, kOwnVersion), EventType::kWarning,
                   "Invalid", text);
  }
}

/// ConfigMaps have no conditions: events are the only way to tell. Told by one agent for all.
void ClusterLink::State::tell_config_map_events() {
  std::map<ObjectKey, std::string> now;
  for (const auto& finding : source.findings()) {
    if (finding.severity != sources::Severity::kError || finding.problem.object.kind != "ConfigMap")
      continue;
    auto& text = now[object_of(finding.problem.object)];
    text += (text.empty() ? "" : "; ") + finding.problem.reason;
  }
  for (const auto& problem : reconciler.resolver().problems()) {
    if (problem.object.kind != "ConfigMap") continue;
    auto& text = now[object_of(problem.object)];
    text += (text.empty() ? "" : "; ") + problem.reason;
  }
  std::erase_if(told, [&](const auto& entry) {
    return entry.first.kind == "ConfigMap" && !now.contains(entry.first);
  });
  for (const auto& [key, text] : now)
    if (std::exchange(told[key], text) != text)
      events->record(target(key, "v1"), EventType::kWarning, "Invalid", shortened(text));
}

boost::asio::awaitable<void> ClusterLink::State::tell_events(std::shared_ptr<State> self) {
  auto& io = self->source.client().io();
  while (!self->stopped) {
    co_await self->bell.wait();
    co_await pause_for(io, kBetweenEvents);
    if (self->stopped) co_return;
    if (!self->source.loaded()) continue;
    self->tell_node_events();
    if (self->aggregator->leading()) self->tell_config_map_events();
  }
}

ClusterLink::ClusterLink(KubernetesSource& source, const sources::Source& wishes,
                         const Reconciler& reconciler, const Options& options, bool stood)
    : state_(std::make_shared<State>(source, wishes, reconciler, options, stood)) {
  if (stood) source.forwarding_stands(options.node);
  state_->make_parts();
}

ClusterLink::~ClusterLink() {
  state_->stopped = true;
  state_->bell.ring();
  state_->aggregator.reset();
  state_->claimer.reset();
  state_->status.reset();
  state_->node.reset();
  state_->daemon_set.reset();
  state_->events.reset();
}

void ClusterLink::start() {
  auto& state = *state_;
  state.node->start();
  if (state.claimer) state.claimer->start();
  if (state.daemon_set) state.daemon_set->start();
  boost::asio::co_spawn(state.source.client().io(), State::tell_events(state_),
                        kubernetes::rethrow);
}

void ClusterLink::changed(bool nodes) {
  auto& state = *state_;
  state.node->changed();
  // Not before the source has been read: a restart is to find nothing new to say, and how long the
  // aggregator's lease lasts is a matter of how many nodes there are.
  if (!std::exchange(state.reports, true)) {
    state.status->start();
    state.aggregator->start();
  }
  state.status->changed();
  if (state.claimer) state.claimer->changed();
  if (nodes) state.aggregator->nodes_changed();
  state.bell.ring();
}

kube::Task<bool> ClusterLink::leaves() {
  const auto self = state_;
  if (!self->daemon_set) co_return false;
  co_return co_await self->daemon_set->ask(kNewsOfDeletion);
}

kube::Task<void> ClusterLink::part() {
  const auto self = state_;
  co_await self->aggregator->release();
  if (!self->daemon_set || !self->daemon_set->deleted()) co_return;
  self->leaving = true;
  co_await self->node->release();
  if (self->reports) co_await self->status->write_now();
}

}  // namespace sextant::agent
