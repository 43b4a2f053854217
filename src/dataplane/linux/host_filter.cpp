#include "dataplane/linux/host_filter.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "dataplane/linux/gateway_side.h"

namespace sextant::dataplane {
namespace {

PrefixSet disjoint(const std::vector<IpPrefix>& prefixes) {
  PrefixCover cover;
  for (const auto& prefix : prefixes) cover.insert(prefix);
  return cover.take_change().added;
}

}  // namespace

HostFilter::HostFilter(const std::vector<IpPrefix>& sid_sources, bool nat_outgoing) {
  input_.sid_sources = disjoint(sid_sources);
  if (nat_outgoing) masquerade_.emplace();
}

void HostFilter::clear_domain() {
  for (const auto& prefix : std::exchange(domain_sids_, {})) {
    if (!own_sids_.contains(prefix)) cover_.erase(prefix);
  }
  become({}, input_.nodes, changes_["nodes"]);
}

void HostFilter::set_role(const IpPrefix& prefix, const std::optional<overlay::DomainRole>& role) {
  if (prefix.family() != Family::kIpv6) return;
  if (role && role->sids) {
    domain_sids_.insert(prefix);
    cover_.insert(prefix);
  } else if (domain_sids_.erase(prefix) != 0 && !own_sids_.contains(prefix)) {
    cover_.erase(prefix);
  }
  if (role && role->sources && prefix.is_host()) {
    enter(prefix, input_.nodes, changes_["nodes"]);
  } else {
    leave(prefix, input_.nodes, changes_["nodes"]);
  }
}

void HostFilter::set_local_sids(const std::optional<IpPrefix>& locator,
                                const std::map<srv6::Sid, overlay::LocalSid>& sids) {
  PrefixSet gateway_sids, host_sids;
  if (locator) gateway_sids.insert(*locator);
  for (const auto& [sid, local] : sids) {
    const auto prefix = IpPrefix::host(sid.address());
    if (is_host_behavior(local.behavior)) {
      host_sids.insert(prefix);
    } else if (!locator || !locator->contains(prefix)) {
      gateway_sids.insert(prefix);
    }
  }
  become(gateway_sids, input_.gateway_sids, changes_["gateway_sids"]);
  become(host_sids, input_.host_sids, changes_["host_sids"]);
  auto own = std::move(gateway_sids);
  own.merge(host_sids);
  for (const auto& prefix : own_sids_) {
    if (!own.contains(prefix) && !domain_sids_.contains(prefix)) cover_.erase(prefix);
  }
  for (const auto& prefix : own) cover_.insert(prefix);
  own_sids_ = std::move(own);
}

void HostFilter::set_uplinks(std::set<Uplink> uplinks) {
  if (uplinks == input_.uplinks) return;
  input_.uplinks = std::move(uplinks);
  rules_changed_ = true;
}

void HostFilter::set_outgoing_sources(std::set<OutgoingSource> sources) {
  if (masquerade_ && masquerade_->set_sources(std::move(sources))) rules_changed_ = true;
}

void HostFilter::collect() {
  const auto change = cover_.take_change();
  auto& pending = changes_["sid_domain"];
  for (const auto& prefix : change.removed) leave(prefix, input_.sid_domain, pending);
  for (const auto& prefix : change.added) enter(prefix, input_.sid_domain, pending);
}

Result<bool> HostFilter::sync() {
  collect();
  if (masquerade_) (void)masquerade_->take_changes();  // all of it is compared
  const auto ruleset = host_ruleset(input_, masquerade());
  auto done = sync_ruleset(ruleset);
  sets_.clear();
  for (const auto& [set, elements] : ruleset.sets) sets_.push_back(set);
  changes_.clear();
  rules_changed_ = !done;
  return done;
}

Result<bool> HostFilter::write_changes() {
  if (rules_changed_) return sync();
  collect();
  std::map<std::string, SetChange> changes;
  for (const auto& set : sets_) {
    const auto change = changes_.find(set.substr(set.rfind(' ') + 1));
    if (change != changes_.end() && !change->second.empty()) changes.emplace(set, change->second);
  }
  changes_.clear();
  if (masquerade_) changes.merge(masquerade_->take_changes());
  if (changes.empty()) return false;
  if (change_sets(changes)) return true;
  return sync();  // somebody else has been there, or a table is missing
}

}  // namespace sextant::dataplane
