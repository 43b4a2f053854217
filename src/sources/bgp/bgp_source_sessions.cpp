// The sessions of a BgpSource: which are wanted, how they begin, and how they follow a change.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "sources/bgp/bgp_source.h"
#include "sources/bgp/calico_peers.h"
#include "sources/bgp/own_node.h"

namespace sextant::bgp_source {
namespace {

using sources::Severity;

constexpr std::chrono::seconds kListenRetry{5};

/// Peers of the standard convention know the SIDs from the routes.
void keep_own_sids_from(bgp::PeerConfig& peer, const Ipv6Address& self) {
  if (follows_calico(peer)) return;
  peer.export_filter.rules.insert(
      peer.export_filter.rules.begin(),
      {.accept = false, .name = "own SIDs as policies", .within = IpPrefix::host(self)});
}

}  // namespace

bgp::SpeakerConfig BgpSource::wanted(const overlay::Node& self) {
  auto config = settings_.speaker;
  config.restarting = options_.restarting;
  if (config.router_id == Ipv4Address()) config.router_id = identifier_of(self);
  object_findings_.clear();
  if (settings_.calico) {
    auto wishes = calico_wishes(primary_->peering(), primary_->intent(), self, settings_);
    config.asn = wishes.asn;
    config.listen = std::move(wishes.listen);
    if (wishes.cluster_id) config.cluster_id = wishes.cluster_id;
    for (auto& peer : wishes.peers) config.peers.push_back(std::move(peer));
    advertisements_ = std::move(wishes.advertisements);
    object_findings_ = std::move(wishes.findings);
  } else {
    advertisements_.clear();
  }
  if (settings_.mesh) {
    for (auto& peer : mesh(self)) {
      if (std::ranges::count(config.peers, peer.address, &bgp::PeerConfig::address) == 0)
        config.peers.push_back(std::move(peer));
    }
  }
  const auto own = ipv6_of(self);
  // What other headends say is of use to those who inject, and passed on by reflectors only.
  const bool reflects = std::ranges::any_of(config.peers, &bgp::PeerConfig::route_reflector_client);
  for (auto& peer : config.peers) {
    if (own) keep_own_sids_from(peer, *own);
    for (auto& each : peer.families) {
      each.ignore_received = each.family == bgp::kLinkState && !reflects;
    }
  }
  return config;
}

std::vector<bgp::PeerConfig> BgpSource::mesh(const overlay::Node& self) const {
  std::vector<bgp::PeerConfig> peers;
  for (const auto& [name, node] : primary_->intent().nodes) {
    // Routers have no pods, and are peers only where the settings say so.
    const auto address = ipv6_of(node);
    if (name == self.name || !address || !node.locator) continue;
    auto peer = *settings_.mesh;
    peer.address = IpPrefix::host(*address);
    if (peer.description.empty()) peer.description = name;
    peers.push_back(std::move(peer));
  }
  return peers;
}

bool BgpSource::begin(const overlay::Node& self, bgp::SpeakerConfig config) {
  if (!ipv6_of(self)) {
    note("speaker", Severity::kError,
         "node " + self.name + " has no IPv6 address to announce routes with");
    return false;
  }
  peers_ = config.peers;
  listen_ = std::exchange(config.listen, {});
  bgp::SpeakerListener& listener = *this;
  speaker_ = std::make_unique<bgp::Speaker>(io_, std::move(config), &listener);
  unheard_ = listen_;
  listen();
  if (const auto started = speaker_->start(); !started) {
    note("speaker", Severity::kError, started.error().message());
    speaker_.reset();
    unheard_.clear();
    findings_.erase("listen");
    return false;
  }
  findings_.erase("speaker");
  log::info("BGP: AS {}, router identifier {}, {} peers", speaker_->config().asn,
            speaker_->config().router_id.to_string(), peers_.size());
  return true;
}

/// Whoever has the port may give it up.
void BgpSource::listen() {
  std::string obstacles;
  std::erase_if(unheard_, [&](const bgp::ListenConfig& place) {
    const auto listening = speaker_->listen(place);
    if (!listening) obstacles += (obstacles.empty() ? "" : "; ") + listening.error().message();
    return listening.has_value();
  });
  if (unheard_.empty()) {
    if (findings_.erase("listen") != 0) log::info("BGP: listens now where it could not before");
    return;
  }
  note("listen", Severity::kError,
       obstacles + ". Peers cannot connect to this node, which connects to them all the same; it " +
           "is tried again every " + std::to_string(kListenRetry.count()) + " s");
  retry_.expires_after(kListenRetry);
  retry_.async_wait([this](const boost::system::error_code& ended) {
    if (!ended) listen();
  });
}

void BgpSource::set_peers(const bgp::SpeakerConfig& config) {
  if (const auto set = speaker_->set_peers(config.peers); !set) {
    note("peers", Severity::kError, set.error().message());
    return;
  }
  findings_.erase("peers");
  peers_ = config.peers;
}

bool BgpSource::follows(const bgp::SpeakerConfig& config) {
  const auto& running = speaker_->config();
  std::string changed;
  const auto compare = [&](bool same, const std::string& what) {
    if (!same) changed += (changed.empty() ? "" : ", ") + what;
  };
  compare(config.asn == running.asn, "the AS number (" + std::to_string(config.asn) + ")");
  compare(std::ranges::equal(config.listen, listen_, {}, &bgp::ListenConfig::port,
                             &bgp::ListenConfig::port),
          "the port to listen at");
  // Peers that are meant for these would be lost with what is spoken now.
  const bool peers_wait = !changed.empty();
  compare(peers_wait || config.listen == listen_, "the addresses to listen at");
  compare(settings_.speaker.router_id == Ipv4Address() || config.router_id == running.router_id,
          "the router identifier");
  compare(config.cluster_id == running.cluster_id, "the cluster identifier");
  compare(settings_.reach == reach_, "locatorReach");
  if (changed.empty()) {
    findings_.erase("restart");
    return true;
  }
  note("restart", Severity::kWarning,
       changed + " changed, which takes a restart of the agent" +
           (peers_wait ? "; until then peers stay as they are" : ""));
  return !peers_wait;
}

}  // namespace sextant::bgp_source
