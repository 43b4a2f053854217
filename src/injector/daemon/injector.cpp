#include "injector/daemon/injector.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "base/log.h"
#include "sources/bgp/settings.h"

namespace sextant::injector {
namespace {

constexpr auto kReading = "read the injector's settings";
constexpr std::size_t kMostLogged = 20;  // single policies of one change

void log_change(const Difference& change) {
  const auto count = change.added.size() + change.changed.size() + change.removed.size();
  if (count > kMostLogged) {
    log::info("{} policies announced, {} changed, {} withdrawn", change.added.size(),
              change.changed.size(), change.removed.size());
    return;
  }
  const auto line = [](const char* what, const std::vector<InjectedPolicy>& policies) {
    for (const auto& policy : policies)
      log::info({{"object", "InjectedPolicy/" + policy.title()}}, "{}: {}", what, policy.title());
  };
  line("announced", change.added);
  line("changed", change.changed);
  line("withdrawn", change.removed);
}

}  // namespace

const std::vector<bgp::Family>& injector_families() {
  static const std::vector<bgp::Family> kFamilies{bgp::kSrPolicyIpv6, bgp::kSrPolicyIpv4};
  return kFamilies;
}

Result<bgp::SpeakerConfig> load_speaker(const std::string& file) {
  auto settings = bgp_source::load_settings(file, injector_families());
  if (!settings) return tl::unexpected(settings.error());
  if (settings->mesh || settings->calico)
    return failure(kReading, file, "'mesh' and 'calico' are for nodes: an injector knows none",
                   "list the peers, or one of them with a prefix as its address");
  for (const auto& warning : settings->warnings)
    log::warn("{}: {}", warning.problem.location, warning.problem.reason);
  auto& speaker = settings->speaker;
  if (speaker.router_id == Ipv4Address())
    return failure(kReading, file, "'routerId' is missing",
                   "an injector is no node whose address it could take: choose one, 10.0.0.1");
  // Nothing is forwarded here, so nothing has to be awaited either: peers keep what they have and
  // are told all of it again (RFC 4724 section 4.2).
  speaker.forwards_nothing = true;
  return std::move(speaker);
}

Injector::Injector(boost::asio::io_context& io, bgp::SpeakerConfig config, PolicyStore store)
    : io_(io),
      store_(std::move(store)),
      headends_(config.router_id),
      speaker_(io, std::move(config), this),
      announcer_(speaker_) {
  announce_all();
}

Injector::~Injector() = default;

Result<void> Injector::start() { return speaker_.start(); }

Result<void> Injector::configure(const bgp::SpeakerConfig& config) {
  const auto before = usual_convention(speaker_.config().peers);
  if (auto set = speaker_.set_peers(config.peers); !set) return set;
  if (usual_convention(speaker_.config().peers) != before) announce_all();
  publish();
  const auto& now = speaker_.config();
  if (config.asn == now.asn && config.router_id == now.router_id &&
      config.cluster_id == now.cluster_id && config.listen == now.listen)
    return {};
  return failure("change the settings of", "the injector",
                 "asn, routerId, clusterId and listen stay as they were",
                 "they change with a restart, which withdraws nothing");
}

void Injector::announce_all() {
  for (const auto& [key, policy] : store_.policies()) announcer_.announce(policy);
}

Result<Difference> Injector::announce(const std::vector<InjectedPolicy>& policies) {
  std::vector<InjectedPolicy> present;
  for (const auto& policy : policies) {
    const auto found = store_.policies().find(policy.key);
    if (found != store_.policies().end()) present.push_back(found->second);
  }
  return apply(difference(present, policies));
}

Result<Difference> Injector::withdraw(const std::vector<PolicyKey>& keys) {
  std::vector<InjectedPolicy> present;
  for (const auto& key : keys) {
    const auto found = store_.policies().find(key);
    if (found != store_.policies().end()) present.push_back(found->second);
  }
  return apply(difference(present, {}));
}

Result<Difference> Injector::replace(const std::vector<InjectedPolicy>& policies) {
  return apply(preview(policies));
}

Difference Injector::preview(const std::vector<InjectedPolicy>& policies) const {
  return difference(store_.list(), policies);
}

Result<Difference> Injector::apply(Difference change) {
  if (change.empty()) return change;
  if (auto stored = store_.apply(change); !stored) {
    ++counts_.failed_writes;
    log::error({{"error", stored.error()}}, "{}", stored.error().message());
    return tl::unexpected(stored.error());
  }
  for (const auto& policy : change.announcements()) announcer_.announce(policy);
  withdraw_later(change.withdrawals());
  counts_.announced += change.added.size() + change.changed.size();
  counts_.withdrawn += change.removed.size();
  log_change(change);
  publish();
  return change;
}

/// After the speaker's turn, which sends what is announced now: new paths come before old ones go.
/// A headend whose policy moves to another distinguisher has both for a moment, never none.
void Injector::withdraw_later(std::vector<PolicyKey> keys) {
  if (keys.empty()) return;
  boost::asio::post(io_, [this, keys = std::move(keys), alive = std::weak_ptr<bool>(publishing_)] {
    if (alive.expired()) return;  // the injector is gone
    for (const auto& key : keys)
      if (!store_.policies().contains(key)) announcer_.withdraw(key);
  });
}

std::vector<HeadendReport> Injector::headends_of(
    const PolicyKey& key, const std::map<std::string, std::string>& names) const {
  auto reports = headends_.reports(key);
  for (auto& report : reports) {
    const auto name = names.find(report.headend);
    if (name != names.end()) report.headend = name->second;
  }
  return reports;
}

std::vector<PolicyReport> Injector::reports() const {
  std::vector<PolicyReport> reports;
  reports.reserve(store_.policies().size());
  const auto peers = speaker_.peers();
  const bool heard = headends_are_heard(peers);
  std::map<std::string, std::string>
      names;  // of headends that are peers, as the settings call them
  for (const auto& peer : peers)
    if (peer.negotiated && !peer.config.description.empty() && !peer.dynamic)
      names.emplace(peer.negotiated->remote_id.to_string(), peer.config.description);
  const auto recipients = announcer_.recipients();
  for (const auto& [key, policy] : store_.policies()) {
    reports.push_back({.policy = policy,
                       .peers = announcer_.deliveries(policy, recipients),
                       .peers_known = true,
                       .headends = headends_of(key, names),
                       .headends_known = heard});
  }
  return reports;
}

void Injector::on_routes(bgp::Family family, std::span<const bgp::RouteChange> changes) {
  if (family != bgp::kLinkState) return;
  const auto told = headends_.take(speaker_.rib(), changes);
  if (!told.empty()) publish();
}

void Injector::on_peer(const bgp::PeerInfo& /*peer*/) { publish(); }

void Injector::publish() {
  if (*publishing_ || !watchers_.any()) return;
  *publishing_ = true;
  boost::asio::post(io_, [this, alive = std::weak_ptr<bool>(publishing_)] {
    const auto publishing = alive.lock();
    if (!publishing) return;  // the injector is gone
    *publishing = false;
    watchers_.publish(reports());
  });
}

}  // namespace sextant::injector
