// Speakers that come and go at random: whatever happened, some moments of peace later every session
// that the configuration allows stands, and everybody knows all routes.
//
// Each speaker has a loop of its own, and the loops run in random turns, so that what arrives
// together is seen in any order, and late, as on machines that are busy.
//
// The rounds are the same each time. SEXTANT_CHURN_SEED is another first one, SEXTANT_CHURN_ROUNDS
// how many there are.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "bgp/speaker.h"
#include "bgp/speaker_fixture_test.h"

namespace sextant::bgp {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSpeakers = 5;
constexpr int kRoutes = 3;  // of each speaker
/// The longest waits of the configuration are the retry time of a second, up to twice, and the
/// restart deferral.
constexpr std::chrono::seconds kPeace{6};

std::string address_of(int number) { return "127.0.0." + std::to_string(number); }

/// What one side has of a pair.
struct Side {
  PeerConfig peer;
  bool from_prefix = false;  // whoever connects is taken
};

class Churn : public Namespace {
 protected:
  struct Place {  // a machine: what runs there may be replaced
    std::unique_ptr<boost::asio::io_context> loop;
    std::unique_ptr<Node> node;
    SpeakerConfig config;  // without peers
    std::map<int, Side> sides;
    std::set<int> routes;
    bool listens = true;
    Clock::time_point frozen_until;
  };

  int below(int end) { return std::uniform_int_distribution<int>(0, end - 1)(random_); }
  bool chance(int percent) { return below(100) < percent; }
  Place& any() { return places_[static_cast<std::size_t>(below(kSpeakers))]; }
  Place& at(int number) { return places_[static_cast<std::size_t>(number - 1)]; }
  int number_of(const Place& place) const { return static_cast<int>(&place - places_.data()) + 1; }

  void make_world() {
    places_.clear();
    places_.resize(kSpeakers);
    for (int number = 1; number <= kSpeakers; ++number) {
      auto& place = at(number);
      place.config = speaker_config(number);
      place.config.router_id =
          ipv4("10.0." + std::to_string(below(200)) + "." + std::to_string(number));
      place.config.restart_deferral = 3s;
      place.config.restart_patience = 300ms;
      for (int route = 0; route < kRoutes; ++route) place.routes.insert(route);
    }
    for (int a = 1; a <= kSpeakers; ++a) {
      for (int b = a + 1; b <= kSpeakers; ++b) make_pair(a, b);
    }
  }

  void make_pair(int a, int b) {
    if (chance(50)) std::swap(a, b);
    Side first{.peer = from(a, peer_config(address_of(b), 64512))};
    Side second{.peer = from(b, peer_config(address_of(a), 64512))};
    switch (below(5)) {
      case 0:
        first.peer.mode = ConnectMode::kPassive;
        break;
      case 1:
        first.peer.mode = ConnectMode::kActive;
        break;
      case 2:
        first.peer.mode = ConnectMode::kPassive;
        second.peer.mode = ConnectMode::kActive;
        break;
      case 3:
        first.from_prefix = true;
        break;
      default:
        break;
    }
    const bool graceful = chance(75);
    first.peer.graceful_restart.enabled = second.peer.graceful_restart.enabled = graceful;
    if (chance(20) && !first.from_prefix) {
      first.peer.md5_password = second.peer.md5_password = "secret";
    }
    at(a).sides[b] = first;
    at(b).sides[a] = second;
  }

  [[nodiscard]] static std::vector<PeerConfig> peers_of(const Place& place) {
    std::vector<PeerConfig> peers;
    bool prefixes = false;
    for (const auto& [number, side] : place.sides) {
      if (side.from_prefix) {
        prefixes = true;
      } else {
        peers.push_back(side.peer);
      }
    }
    if (prefixes) peers.push_back(peer_config("127.0.0.0/24", 64512));
    return peers;
  }

  void begin(Place& place, bool restarting) {
    place.node.reset();
    place.loop = std::make_unique<boost::asio::io_context>();
    auto config = place.config;
    config.restarting = restarting;
    config.peers = peers_of(place);
    place.listens = !chance(15);  // another has the port for the time being
    if (!place.listens) config.listen.clear();
    place.node = std::make_unique<Node>(*place.loop, config);
    const auto started = place.node->speaker.start();
    ASSERT_TRUE(started) << started.error().message();
    for (const int route : place.routes) tell(place, route);
  }

  [[nodiscard]] static std::string route_of(int number, int route) {
    return "fd0" + std::to_string(number) + ":" + std::to_string(route + 1) + "::/64";
  }
  void tell(Place& place, int route) {
    place.node->announce(route_of(number_of(place), route),
                         "fd00::" + std::to_string(number_of(place)));
  }

  /// Lets the loops run in random turns until `done`; false: not in time.
  [[nodiscard]] bool turns(const std::function<bool()>& done, Clock::duration limit) {
    const auto end = Clock::now() + limit;
    while (true) {
      bool worked = false;
      for (int i = 0; i < 2 * kSpeakers; ++i) {
        auto& place = any();
        if (!place.node || Clock::now() < place.frozen_until) continue;
        place.loop->restart();
        for (int some = below(8); some >= 0; --some) worked = place.loop->poll_one() > 0 || worked;
      }
      if (worked) continue;
      if (done()) return true;
      if (Clock::now() >= end) return false;
      ::usleep(500);  // nothing to do: timers and other loops' packets are waited for
    }
  }

  void disturb(Place& place) {
    const int other = 1 + below(kSpeakers);
    const auto peer = address_of(other);
    if (!place.node) {
      log_ << " start" << number_of(place);
      begin(place, chance(70));
      return;
    }
    auto& speaker = place.node->speaker;
    switch (below(11)) {
      case 0:
      case 1:
        log_ << " kill" << number_of(place);
        place.node.reset();
        place.loop.reset();
        break;
      case 2:
        log_ << " replace" << number_of(place);
        begin(place, chance(70));
        break;
      case 3:
        log_ << " stop" << number_of(place);
        speaker.stop("for a while");
        (void)turns([] { return false; }, 2ms);
        place.node.reset();
        place.loop.reset();
        break;
      case 4:
        if (speaker.reset_peer(ip(peer), "again")) log_ << " reset" << number_of(place) << other;
        break;
      case 5: {  // away with a peer; the rest brings it back
        const bool gone = speaker.remove_peer(IpPrefix::host(ip(peer))).has_value();
        if (gone) log_ << " remove" << number_of(place) << other;
        break;
      }
      case 6: {
        const auto side = place.sides.find(other);
        if (side == place.sides.end() || side->second.from_prefix) break;
        auto changed = side->second.peer;
        changed.hold_time = std::chrono::seconds(60 + below(30));
        changed.enabled = chance(60);
        if (chance(30)) changed.md5_password = "another";
        if (speaker.change_peer(changed)) log_ << " change" << number_of(place) << other;
        break;
      }
      case 7:
        listen(place);
        break;
      case 8: {
        log_ << " routes" << number_of(place);
        const int route = below(kRoutes);
        if (place.routes.erase(route) == 0) {
          place.routes.insert(route);
          tell(place, route);
        } else {
          place.node->withdraw(route_of(number_of(place), route));
        }
        break;
      }
      case 9:
        log_ << " freeze" << number_of(place);
        place.frozen_until = Clock::now() + std::chrono::milliseconds(below(60));
        break;
      default:
        if (speaker.set_peers(peers_of(place))) log_ << " set" << number_of(place);
        break;
    }
  }

  void listen(Place& place) {
    if (std::exchange(place.listens, true)) return;
    log_ << " listen" << number_of(place);
    EXPECT_TRUE(place.node->speaker.listen(place.config.listen.front()));
  }

  void make_peace() {
    for (auto& place : places_) {
      if (!place.node) begin(place, chance(70));
      listen(place);
      EXPECT_TRUE(place.node->speaker.set_peers(peers_of(place)));
    }
  }

  /// What is not as it should be; empty: all is well.
  [[nodiscard]] std::string wrong() const {
    std::string text;
    for (const auto& place : places_) {
      const int number = number_of(place);
      const auto name = std::to_string(number);
      for (const auto& [other, side] : place.sides) {
        const auto info = place.node->speaker.peer(ip(address_of(other)));
        if (!info || info->state != State::kEstablished) {
          text += name + " to " + std::to_string(other) + ": " +
                  (info ? std::string(to_string(info->state)) + " (" + info->last_error + ")"
                        : "no such peer") +
                  (side.from_prefix ? " from prefix" : "") + " mode " +
                  std::to_string(static_cast<int>(side.peer.mode)) + "\n";
          continue;
        }
        for (const auto& family : info->families) {
          if (family.stale) text += name + " to " + std::to_string(other) + ": stale\n";
        }
        for (int route = 0; route < kRoutes; ++route) {
          const auto route_name = route_of(other, route);
          const bool wanted = places_[static_cast<std::size_t>(other - 1)].routes.contains(route);
          if (place.node->routes.contains(route_name) != wanted) {
            text += name + (wanted ? " lacks " : " still has ") + route_name + "\n";
          }
        }
      }
      if (!place.node->speaker.converged()) text += name + " has not converged\n";
    }
    return text;
  }

  [[nodiscard]] std::uint64_t sessions() const {
    std::uint64_t count = 0;
    for (const auto& place : places_) {
      for (const auto& peer : place.node->speaker.peers()) count += peer.counters.established;
    }
    return count;
  }

  void one_round(std::uint32_t seed) {
    random_.seed(seed);
    log_.str("");
    make_world();
    for (auto& place : places_) {
      if (chance(80)) begin(place, chance(30));
    }
    for (int i = 5 + below(25); i > 0; --i) {
      (void)turns([] { return false; },
                  std::chrono::milliseconds(chance(20) ? below(60) : below(6)));
      disturb(any());
    }
    const auto begin = Clock::now();
    make_peace();
    const bool well = turns([this] { return wrong().empty(); }, kPeace);
    longest_ = std::max(longest_, Clock::now() - begin);
    ASSERT_TRUE(well) << "SEXTANT_CHURN_SEED=" << seed << ":" << log_.str() << "\n" << wrong();
    const auto before = sessions();
    (void)turns([] { return false; }, 20ms);
    EXPECT_EQ(sessions(), before) << "SEXTANT_CHURN_SEED=" << seed << ": sessions do not last";
    EXPECT_EQ(wrong(), "") << "SEXTANT_CHURN_SEED=" << seed;
  }

  std::mt19937 random_;
  std::vector<Place> places_;
  std::ostringstream log_;
  Clock::duration longest_{};
};

TEST_F(Churn, EndsInSessionsThatStandAndRoutesThatAllKnow) {
  const auto* const said = std::getenv("SEXTANT_CHURN_SEED");
  const auto* const rounds = std::getenv("SEXTANT_CHURN_ROUNDS");
  std::uint32_t seed = said != nullptr ? static_cast<std::uint32_t>(std::stoul(said)) : 1;
  for (int left = rounds != nullptr ? std::stoi(rounds) : 4; left > 0; --left, ++seed) {
    ASSERT_NO_FATAL_FAILURE(one_round(seed));
    if (rounds != nullptr) {
      std::printf("%u %ld ms\n", seed,
                  static_cast<long>(
                      std::chrono::duration_cast<std::chrono::milliseconds>(longest_).count()));
      longest_ = {};
    }
  }
}

}  // namespace
}  // namespace sextant::bgp
