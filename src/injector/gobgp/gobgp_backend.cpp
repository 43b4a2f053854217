#include "injector/gobgp_backend.h"

#include <algorithm>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include "base/log.h"
#include "injector/gobgp/api_path.h"
#include "injector/gobgp/client.h"

namespace sextant::injector {
namespace {

constexpr bgp::Family kSrPolicyFamilies[] = {bgp::kSrPolicyIpv4, bgp::kSrPolicyIpv6};

using Reports = std::map<PolicyKey, PolicyReport>;

/// A peer, and what GoBGP has for it.
struct PeerState {
  Delivery delivery;
  std::set<PolicyKey> routes = {};
};

std::string state_of(const apipb::Peer& peer) {
  return apipb::PeerState_SessionState_Name(peer.state().session_state());
}

class GobgpBackend final : public Backend {
 public:
  explicit GobgpBackend(GobgpOptions options) : options_(std::move(options)), client_(options_) {}

  [[nodiscard]] Result<void> connect() { return client_.require_bgp(); }

  Result<std::vector<PolicyReport>> list() override {
    auto reports = look();
    if (!reports) return tl::unexpected(reports.error());
    std::vector<PolicyReport> list;
    for (auto& [key, report] : *reports) list.push_back(std::move(report));
    return list;
  }

  Result<void> announce(const std::vector<InjectedPolicy>& policies) override {
    std::vector<apipb::Path> paths;
    for (const auto& policy : policies) {
      auto path = path_of(policy, options_.convention);
      if (!path) return tl::unexpected(path.error());
      paths.push_back(std::move(*path));
    }
    return client_.update(std::move(paths));
  }

  Result<void> withdraw(const std::vector<PolicyKey>& keys) override {
    std::vector<apipb::Path> paths;
    for (const auto& key : keys) {
      paths.push_back(path_of(key));
      paths.back().set_is_withdraw(true);
    }
    return client_.update(std::move(paths));
  }

  /// Looks again and again. GoBGP's WatchEvent would tell at once, but only in messages (see
  /// GobgpClient::paths): GoBGP 3.10 crashes when it makes one of a list without weight, and other
  /// vendors' routers send such lists.
  Result<void> watch(const std::function<bool(const PolicyEvent&)>& event) override {
    Reports known;
    for (auto kind = PolicyEvent::Kind::kPresent;; kind = PolicyEvent::Kind::kAnnounced) {
      auto now = look();
      if (!now) return tl::unexpected(now.error());
      if (!tell(known, *now, kind, event)) return {};
      known = std::move(*now);
      std::this_thread::sleep_for(options_.watch_interval);
    }
  }

 private:
  static bool tell(const Reports& known, const Reports& now, PolicyEvent::Kind kind_of_new,
                   const std::function<bool(const PolicyEvent&)>& event) {
    for (const auto& [key, report] : known) {
      if (now.contains(key)) continue;
      const InjectedPolicy gone{.name = report.policy.name, .key = key};
      if (!event({PolicyEvent::Kind::kWithdrawn, {.policy = gone}})) return false;
    }
    for (const auto& [key, report] : now) {
      const auto before = known.find(key);
      if (before != known.end() && before->second == report) continue;
      const auto kind = before == known.end() ? kind_of_new : PolicyEvent::Kind::kChanged;
      if (!event({kind, report})) return false;
    }
    return true;
  }

  /// What was injected, with its peers. Routes that came from peers are not ours to show or to
  /// change.
  Result<Reports> look() {
    const auto peers = peer_states();
    if (!peers) return tl::unexpected(peers.error());
    Reports reports;
    for (const bgp::Family family : kSrPolicyFamilies) {
      const auto paths = client_.paths(apipb::TableType::GLOBAL, family);
      if (!paths) return tl::unexpected(paths.error());
      for (const apipb::Path& path : *paths) {
        if (!is_local(path)) continue;
        auto policy = policy_of(path, options_.convention);
        if (!policy) {
          log::warn({{"error", policy.error()}}, "not shown: {}", policy.error().message());
          continue;
        }
        PolicyReport report{.policy = std::move(*policy), .peers_known = true};
        for (const PeerState& peer : *peers) report.peers.push_back(delivery(peer, report.policy));
        reports.insert_or_assign(report.policy.key, std::move(report));
      }
    }
    return reports;
  }

  static Delivery delivery(const PeerState& peer, const InjectedPolicy& policy) {
    Delivery delivery = peer.delivery;
    if (!delivery.established) return delivery;
    delivery.sent = peer.routes.contains(policy.key);
    if (!delivery.sent) {
      delivery.reason = "GoBGP has no " + to_string(policy.family()) +
                        " for it, or its policy holds the route back";
    }
    return delivery;
  }

  Result<std::vector<PeerState>> peer_states() {
    const auto peers = client_.peers();
    if (!peers) return tl::unexpected(peers.error());
    std::vector<PeerState> states;
    for (const apipb::Peer& peer : *peers) {
      PeerState state;
      state.delivery.peer = peer.state().neighbor_address();
      state.delivery.established = peer.state().session_state() == apipb::PeerState::ESTABLISHED;
      if (!state.delivery.established) {
        state.delivery.reason = "the session is " + state_of(peer);
      } else {
        auto routes = routes_to(state.delivery.peer);
        if (!routes) return tl::unexpected(routes.error());
        state.routes = std::move(*routes);
      }
      states.push_back(std::move(state));
    }
    std::ranges::sort(states, {}, [](const PeerState& state) { return state.delivery.peer; });
    return states;
  }

  Result<std::set<PolicyKey>> routes_to(const std::string& peer) {
    std::set<PolicyKey> keys;
    for (const bgp::Family family : kSrPolicyFamilies) {
      const auto paths = client_.paths(apipb::TableType::ADJ_OUT, family, peer);
      if (!paths) return tl::unexpected(paths.error());
      for (const apipb::Path& path : *paths) {
        if (const auto key = key_of(path)) keys.insert(*key);
      }
    }
    return keys;
  }

  GobgpOptions options_;
  GobgpClient client_;
};

}  // namespace

Result<std::unique_ptr<Backend>> connect_gobgp(GobgpOptions options) {
  auto backend = std::make_unique<GobgpBackend>(std::move(options));
  if (auto done = backend->connect(); !done) return tl::unexpected(done.error());
  return std::unique_ptr<Backend>(std::move(backend));
}

}  // namespace sextant::injector
