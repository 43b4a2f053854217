#include "sources/bgp/bgp_source.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <utility>

#include "base/log.h"
#include "bgp/rib/nlri_key.h"
#include "sources/bgp/own_node.h"
#include "srv6/behavior.h"

namespace sextant::bgp_source {
namespace {

using sources::Finding;
using sources::Severity;

/// What becomes of policies is told together, not edit by edit.
constexpr std::chrono::milliseconds kStatesPause{100};
constexpr int kStatesShare = 10;  // of the time, one part at most goes into it

/// Fixed SIDs before derived ones, as this node's own data plane has them.
std::optional<srv6::Sid> service_sid(const overlay::Node& node,
                                     const std::optional<srv6::Sid>& fixed,
                                     srv6::Behavior behavior) {
  if (fixed || node.sids.dt46 || !node.locator) return fixed;
  return srv6::derived_sid(*node.locator, behavior);
}

Self self_of(const overlay::Node& node, const Ipv6Address& address) {
  Self self{.address = address,
            .locator = node.locator,
            .dt4 = service_sid(node, node.sids.dt4, srv6::Behavior::kEndDt4),
            .dt6 = service_sid(node, node.sids.dt6, srv6::Behavior::kEndDt6),
            .dt46 = node.sids.dt46,
            .pod_prefixes = {}};
  for (const auto& pod_prefix : node.pod_prefixes) self.pod_prefixes.push_back(pod_prefix.prefix);
  return self;
}

bgp::RouteKey key_of(const Announcement& route) {
  if (const auto* const prefix = std::get_if<IpPrefix>(&route.nlri)) return bgp::key_of(*prefix);
  return bgp::key_of(std::get<bgp::SrPolicyNlri>(route.nlri));
}

/// BGPConfiguration's prefixAdvertisements.
void tag(Announcement& route, const std::vector<sources::PrefixAdvertisement>& advertisements) {
  const auto* const prefix = std::get_if<IpPrefix>(&route.nlri);
  if (prefix == nullptr) return;
  for (const auto& advertisement : advertisements) {
    if (!advertisement.prefix.contains(*prefix)) continue;
    for (const auto& text : advertisement.communities) {
      if (const auto standard = bgp::community_of(text)) {
        route.attributes.communities.push_back(*standard);
      } else if (const auto large = bgp::large_community_of(text)) {
        route.attributes.large_communities.push_back(*large);
      }
    }
  }
}

Finding finding(Severity severity, const std::string& object, std::string reason) {
  return {severity, {{"BGP", object}, "BGP", std::move(reason)}};
}

}  // namespace

BgpSource::BgpSource(boost::asio::io_context& io, std::unique_ptr<sources::Source> primary,
                     BgpSettings settings, Options options)
    : io_(io),
      primary_(std::move(primary)),
      settings_(std::move(settings)),
      options_(std::move(options)),
      reach_(settings_.reach),
      follows_calico_(settings_.calico.has_value()),
      merge_(primary_->intent(), book_, options_.node, reach_),
      retry_(io),
      telling_(io) {}

BgpSource::~BgpSource() = default;

void BgpSource::note(const std::string& topic, Severity severity, std::string reason) {
  const auto known = findings_.find(topic);
  if (known != findings_.end() && known->second.problem.reason == reason) return;
  severity == Severity::kError ? log::error("BGP: {}", reason) : log::warn("BGP: {}", reason);
  findings_.insert_or_assign(topic, finding(severity, topic, std::move(reason)));
}

void BgpSource::note_warnings() {
  std::erase_if(findings_, [](const auto& entry) { return entry.first.starts_with("settings"); });
  std::size_t number = 0;
  for (const auto& warning : settings_.warnings)
    note("settings " + std::to_string(++number), Severity::kWarning,
         warning.problem.location + ": " + warning.problem.reason);
}

void BgpSource::start(Listener listener) {
  note_warnings();
  listener_ = std::move(listener);
  primary_->start([this](const auto& change) { hear(change); });
  settle();
}

void BgpSource::hear(const Result<overlay::IntentChange>& change) {
  if (!change) return listener_(change);
  const auto merged = merge_.take(*change, book_.take_change());
  settle();
  listener_(merged);
}

void BgpSource::settle() {
  const auto self = merge_.intent().nodes.find(options_.node);
  if (self == merge_.intent().nodes.end()) return;  // its routes stay announced: it may come back
  auto config = wanted(self->second);
  object_log_.update(object_findings_);
  if (speaker_ == nullptr) {
    if (!begin(self->second, std::move(config))) return;
  } else if (follows(config) && config.peers != peers_) {
    set_peers(config);
  }
  announce(self->second);
}

void BgpSource::announce(const overlay::Node& self) {
  const auto address = ipv6_of(self);
  if (!address) return;
  std::map<Key, Announcement> wanted;
  for (auto& route :
       announcements(self_of(self, *address), std::ranges::any_of(peers_, follows_calico))) {
    tag(route, advertisements_);
    Key key{route.family, route.nlri};
    wanted.emplace(std::move(key), std::move(route));
  }
  for (const auto& [key, route] : announced_) {
    if (!wanted.contains(key)) speaker_->withdraw(route.family, key_of(route));
  }
  for (const auto& [key, route] : wanted) {
    const auto known = announced_.find(key);
    if (known != announced_.end() && known->second == route) continue;
    speaker_->announce(route.family, key_of(route), route.attributes, route.next_hop);
  }
  announced_ = std::move(wanted);
}

void BgpSource::reload() {
  primary_->reload();
  auto settings = load_settings(options_.file);
  if (!settings) {
    note("settings", Severity::kError, settings.error().message() + "; they stay as they were");
    return;
  }
  const bool calico_is_new = settings->calico && !follows_calico_;
  if (calico_is_new) settings->calico.reset();
  settings_ = std::move(*settings);
  note_warnings();
  if (calico_is_new)
    note("settings", Severity::kWarning,
         "'calico' is new, and its objects are followed after a restart of the agent only");
  settle();
}

// ---- From the speaker ---------------------------------------------------------------------------

RouteOrigin BgpSource::origin_of(const bgp::Path& path, const bgp::AttributeSet& set) const {
  const auto& peer = speaker_->rib().peer(path.peer);
  return {.dialect = set.facts().dialect,
          .asn = peer.asn,
          .peer_identifier = peer.router_id,
          .peer = peer.address.to_string()};
}

void BgpSource::take(bgp::Family family, const bgp::RouteChange& change) {
  const bool policies = family.safi == bgp::Safi::kSrPolicy;
  const auto prefix = [&] { return bgp::prefix_nlri(change.key).prefix(family.afi); };
  const bool gone = !change.has_best || change.paths.front().peer == bgp::kLocalPeer;
  if (gone) {
    if (policies) {
      book_.set(bgp::sr_policy_nlri(change.key), std::nullopt);
      states_.set(bgp::sr_policy_nlri(change.key), std::nullopt);
    } else {
      book_.set(prefix(), std::nullopt);
    }
    return;
  }
  const auto& path = change.paths.front();
  const auto& rib = speaker_->rib();
  const auto& set = rib.pool()[path.attributes];
  const auto decoded = set.decode();
  const auto next_hop = rib.pool().next_hop(path.attributes).address;
  const auto origin = origin_of(path, set);
  if (!policies) {
    book_.set(prefix(), read_unicast(next_hop, decoded.attributes, origin));
    return;
  }
  const auto nlri = bgp::sr_policy_nlri(change.key);
  auto reading = read_sr_policy(nlri, next_hop, decoded.attributes, origin, rib.config().router_id);
  states_.set(nlri, path_route(decoded.attributes, origin, reading));
  book_.set(nlri, std::move(reading));
}

void BgpSource::on_routes(bgp::Family family, std::span<const bgp::RouteChange> changes) {
  // Only reflected.
  if (family.safi == bgp::Safi::kMplsVpn || family == bgp::kLinkState) return;
  for (const auto& change : changes) take(family, change);
  const auto merged = merge_.take({}, book_.take_change());
  if (!merged.empty()) listener_(merged);
  if (family.safi == bgp::Safi::kSrPolicy) outcomes_changed();
}

void BgpSource::on_rejected() {
  std::map<bgp::SrPolicyNlri, PathRoute> rejected;
  const auto& rib = speaker_->rib();
  for (const auto& route : rib.rejected().routes()) {
    if (!route.malformed || route.family.safi != bgp::Safi::kSrPolicy) continue;
    const auto& peer = rib.peer(route.peer);
    rejected.insert_or_assign(bgp::sr_policy_nlri(route.key),
                              PathRoute{.originator_asn = peer.asn,
                                        .originator = peer.router_id,
                                        .state = {.flags = bgp::kPathProvisioned},
                                        .unusable = route.reason});
  }
  states_.set_rejected(rejected);
  outcomes_changed();
}

void BgpSource::on_converged() {
  converged_ = true;  // and all that the peers said was told before
  listener_(overlay::IntentChange{});
  tell_states();  // before the peers are told that this is all (RFC 4724)
}

// ---- To the injectors ---------------------------------------------------------------------------

void BgpSource::on_peer(const bgp::PeerInfo& peer) {
  if (peer.negotiated && peer.negotiated->has(bgp::kLinkState)) {
    if (told_peers_.insert(peer.address).second) outcomes_changed();
  } else {
    told_peers_.erase(peer.address);
  }
}

void BgpSource::outcomes_changed() {
  if (told_peers_.empty() || !outcomes_ || std::exchange(telling_soon_, true)) return;
  using Duration = boost::asio::steady_timer::duration;
  telling_.expires_after(std::max<Duration>(kStatesPause, states_cost_ * kStatesShare));
  telling_.async_wait([this](const boost::system::error_code& ended) {
    if (ended) return;
    telling_soon_ = false;
    tell_states();
  });
}

void BgpSource::tell_states() {
  const auto self = merge_.intent().nodes.find(options_.node);
  if (told_peers_.empty() || !outcomes_ || self == merge_.intent().nodes.end()) return;
  const auto address = ipv6_of(self->second);
  if (!address) return;
  const auto begin = std::chrono::steady_clock::now();
  const auto& config = speaker_->config();
  const auto change = states_.update(
      {.asn = config.asn, .router_id = config.router_id, .ipv6 = *address}, outcomes_());
  for (const auto& nlri : change.gone) speaker_->withdraw(nlri);
  for (const auto& [nlri, attribute] : change.told) {
    bgp::Attributes attributes{.origin = bgp::Origin::kIgp};
    attributes.link_state = attribute;
    speaker_->announce(nlri, attributes, {.address = *address});
  }
  states_cost_ = std::chrono::steady_clock::now() - begin;
}

// ---- State --------------------------------------------------------------------------------------

bool BgpSource::loaded() const {
  if (!primary_->loaded()) return false;
  // Without this node's own objects there is nothing that BGP could hold up.
  const bool known = merge_.intent().nodes.contains(options_.node);
  // Nor where there is no speaker, which findings() explains.
  return !options_.restarting || !known || converged_ || findings_.contains("speaker");
}

bool BgpSource::in_doubt(const std::string& node) const { return primary_->in_doubt(node); }

std::string BgpSource::obstacle() const {
  if (!primary_->loaded()) return primary_->obstacle();
  if (loaded()) return {};
  return "BGP's peers have not told their routes yet, which is waited for " +
         std::to_string(settings_.speaker.restart_deferral.count()) +
         " s from the start at most; missing: " + missing_peers();
}

std::string BgpSource::missing_peers() const {
  if (speaker_ == nullptr) return "all";
  std::string missing;
  for (const auto& peer : speaker_->waited_for())
    missing += (missing.empty() ? "" : ", ") + peer.to_string();
  return missing.empty() ? "none" : missing;
}

std::vector<Finding> BgpSource::waiting() const {
  if (!options_.restarting || converged_ || speaker_ == nullptr) return {};
  return {finding(Severity::kWarning, "restart deferral",
                  "forwarding stays as an earlier agent left it until the peers have told their "
                  "routes, at most " +
                      std::to_string(settings_.speaker.restart_deferral.count()) +
                      " s from the start; missing: " + missing_peers())};
}

std::vector<Finding> BgpSource::findings() const {
  auto all = primary_->findings();
  for (const auto& [topic, found] : findings_) all.push_back(found);
  all.insert(all.end(), object_findings_.begin(), object_findings_.end());
  for (auto& found : waiting()) all.push_back(std::move(found));
  for (const auto& [nlri, unusable] : book_.unusable()) {
    if (unusable.other_headends) continue;  // nothing is wrong with it
    all.push_back(finding(Severity::kWarning, nlri.to_string(), unusable.reason));
  }
  for (const auto& [node, refused] : merge_.refused()) {
    for (const auto& [prefix, owner] : refused) {
      all.push_back(finding(Severity::kWarning, prefix.to_string(),
                            "the route through " + node + " is not used: by " + primary_->kind() +
                                " the prefix, or one that overlaps it, is node " + owner + "'s"));
    }
  }
  std::ranges::stable_sort(all, {}, [](const Finding& found) {
    return std::tuple(found.severity == Severity::kWarning, found.problem.object,
                      found.problem.location);
  });
  return all;
}

}  // namespace sextant::bgp_source
