#include "e2e/bgp_injector.h"

#include <signal.h>

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <string>
#include <thread>

#include "bgp/rib/nlri_key.h"
#include "bgp/speaker.h"
#include "bgp/wire/sr_policy_tunnel.h"
#include "dataplane/linux/netlink/netns.h"
#include "testbed/files.h"

namespace sextant::e2e {
namespace {

namespace asio = boost::asio;

constexpr std::uint32_t kAs = 64512;
constexpr std::uint32_t kPreference = 200;  // the ConfigMaps' policies have 100
constexpr std::chrono::seconds kPatience{20};

const testbed::ClusterNode& node(const std::string& name) {
  return *testbed::topology(testbed::Kind::kFull).node(name);
}

Ipv6Address address_of(const std::string& name) {
  return Ipv6Address::parse(node(name).addresses.front()).value();
}

/// As Calico-VPP numbers the families, so that the manifests' policies are the same ones.
struct OfFamily {
  std::uint32_t color;
  srv6::Behavior behavior;
  std::string testbed::ClusterNode::*sid;
};
constexpr std::array kFamilies{
    OfFamily{4, srv6::Behavior::kEndDt4, &testbed::ClusterNode::dt4},
    OfFamily{6, srv6::Behavior::kEndDt6, &testbed::ClusterNode::dt6},
};

bgp::RouteKey key_of(const OfFamily& family) {
  return bgp::key_of(bgp::SrPolicyNlri{1, {family.color}, address_of("worker2")});
}

bgp::SpeakerConfig config() {
  bgp::SpeakerConfig config{.asn = kAs, .router_id = Ipv4Address({192, 168, 9, 254})};
  bgp::PeerConfig master{.address = IpPrefix::host(address_of("master")), .remote_as = kAs};
  master.mode = bgp::ConnectMode::kActive;
  master.connect_retry = std::chrono::seconds(1);
  master.idle_hold = std::chrono::milliseconds(100);
  master.families = {{.family = bgp::kSrPolicyIpv6}};
  master.dialect = bgp::SrPolicyDialect::kCalicoVpp;
  config.peers = {master};
  return config;
}

Result<void> start_again(const Lab& lab, const Lab::Agent& agent) {
  if (auto ended = lab.end_agent("master", SIGTERM); !ended) return ended;
  const auto from = lab.log("master").size();
  if (const auto started = lab.start_agent("master", agent); !started) {
    return tl::unexpected(started.error());
  }
  const auto log = lab.await_log("master", from, "(start): ");
  if (log.find("(start): ") != std::string::npos) return {};
  return failure("start", "sextantd on master", "it does not begin", log);
}

}  // namespace

struct BgpInjector::State : bgp::SpeakerListener {
  explicit State() : speaker(io, config(), this) {}

  void on_peer(const bgp::PeerInfo& peer) override {
    if (peer.state == bgp::State::kEstablished && !told) {
      told = true;
      up.set_value();
    }
  }

  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  bgp::Speaker speaker;
  bool told = false;
  std::promise<void> up;
  std::jthread thread;  // inside the machine: where the speaker's sockets are made
};

BgpInjector::BgpInjector(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<BgpInjector>> BgpInjector::start(const Lab& lab) {
  const auto settings = lab.id().directory() / "master.bgp.yaml";
  // The peer is the address that the injector's routes lead to, whichever it connects from.
  if (auto written = testbed::write_file(settings,
                                         "asn: 64512\n"
                                         "peers:\n"
                                         "- address: fd00:0:34::2\n"
                                         "  mode: Passive\n"
                                         "  convention: CalicoVPP\n"
                                         "  families: [ipv6-srpolicy]\n");
      !written) {
    return tl::unexpected(written.error());
  }
  auto netns = netlink::Netns::open(lab.netns("injector"));
  if (!netns) return tl::unexpected(netns.error());

  auto state = std::make_unique<State>();
  auto up = state->up.get_future();
  std::promise<Result<void>> starting;
  auto started = starting.get_future();
  state->thread = std::jthread([inside = state.get(), &starting, where = std::move(*netns)] {
    bool told = false;
    const auto entered = where.run([&] {
      starting.set_value(inside->speaker.start());
      told = true;
      inside->io.run();
    });
    if (!entered && !told) starting.set_value(tl::unexpected(entered.error()));
  });
  const auto running = started.get();
  std::unique_ptr<BgpInjector> injector(new BgpInjector(std::move(state)));
  if (!running) return tl::unexpected(running.error());
  // The session comes while the agent waits for what its peers have to say.
  if (auto again = start_again(lab, {.bgp = settings}); !again) {
    return tl::unexpected(again.error());
  }
  if (up.wait_for(kPatience) != std::future_status::ready) {
    return failure("peer with", "sextantd on master", "no BGP session in 20 s", lab.log("master"));
  }
  return injector;
}

BgpInjector::~BgpInjector() {
  asio::post(state_->io, [state = state_.get()] { state->io.stop(); });
}

void BgpInjector::take(const Path& path) {
  asio::post(state_->io, [state = state_.get(), path] {
    for (const auto& family : kFamilies) {
      bgp::WeightedSegmentList list{.weight = 1};
      for (const auto& sid : path.segments) {
        list.segments.push_back(bgp::Segment::of(Ipv6Address::parse(sid).value()));
      }
      list.segments.push_back(
          bgp::Segment::of(Ipv6Address::parse(node("worker2").*family.sid).value(),
                           bgp::SidBehavior{.behavior = family.behavior}));
      bgp::Attributes attributes{.origin = bgp::Origin::kIgp};
      attributes.tunnel_encapsulation =
          bgp::encode_sr_policy({.preference = kPreference, .lists = {list}}).value();
      state->speaker.announce(bgp::kSrPolicyIpv6, key_of(family), attributes,
                              {.address = address_of("worker2")});
    }
  });
}

void BgpInjector::withdraw() {
  asio::post(state_->io, [state = state_.get()] {
    for (const auto& family : kFamilies)
      state->speaker.withdraw(bgp::kSrPolicyIpv6, key_of(family));
  });
}

Result<void> end_bgp(const Lab& lab) { return start_again(lab, {}); }

}  // namespace sextant::e2e
