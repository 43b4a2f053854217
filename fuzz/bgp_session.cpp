// A speaker with two peers whose connections, messages and silences are the input's; time is the
// input's too. The first byte chooses the configuration, then each step is a byte that says what
// happens and what it takes. Whatever it was: when the peers are gone and their time is up, nothing
// of them is left.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bgp/speaker.h"
#include "bgp/wire/open.h"
#include "bgp/wire/route_refresh.h"
#include "bgp/wire/sr_policy_tunnel.h"
#include "bgp/wire/update_writer.h"
#include "require.h"
#include "session/scripted_peer.h"
#include "session/virtual_clock.h"

using namespace sextant;
using namespace sextant::bgp;

namespace {

using std::chrono::seconds;

constexpr std::uint32_t kAs = 64512;
constexpr std::uint32_t kOtherAs = 64513;
constexpr std::array kOffered{kIpv4Unicast, kIpv6Unicast, kSrPolicyIpv6};
constexpr std::size_t kMaxSteps = 200;
constexpr std::array kTimes{1, 4, 31, 61, 91, 125, 400, 4096};  // s

/// What is left of the input; zeros behind its end.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::span<const std::uint8_t> take(std::size_t count) {
    const auto taken = bytes_.first(std::min(count, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

IpAddress loopback(std::uint8_t number) { return Ipv4Address({127, 0, 0, number}); }

/// Reads all that the listener may look at.
class Listener : public SpeakerListener {
 public:
  void look_at(const Speaker& speaker) { speaker_ = &speaker; }

 private:
  void on_routes(bgp::Family family, std::span<const RouteChange> changes) override {
    for (const auto& change : changes) {
      (void)to_string(family, change.key);
      for (const auto& path : change.paths) {
        (void)speaker_->rib().pool()[path.attributes].decode();
        (void)speaker_->rib().is_stale(family, path);
      }
    }
  }
  void on_peer(const PeerInfo& peer) override { (void)to_string(peer.state); }
  const Speaker* speaker_ = nullptr;
};

PeerConfig peer_config(std::uint8_t number, std::uint16_t port, std::uint8_t choices) {
  PeerConfig peer{.address = IpPrefix::host(loopback(number)), .remote_as = kAs};
  peer.local_address = loopback(1);
  peer.port = port;
  peer.connect_retry = seconds(5);
  for (const auto family : kOffered) {
    peer.families.push_back({.family = family, .extended_next_hop = family == kIpv4Unicast});
  }
  peer.mode = (choices & 1U) != 0 ? ConnectMode::kPassive : ConnectMode::kBoth;
  peer.graceful_restart.enabled = (choices & 2U) == 0;
  peer.route_reflector_client = (choices & 4U) != 0;
  peer.extended_messages = (choices & 8U) == 0;
  if ((choices & 16U) != 0) peer.dialect = SrPolicyDialect::kOldCalicoVpp;
  if ((choices & 32U) != 0) {
    for (auto& family : peer.families) {
      family.max_prefixes = {.limit = 4, .restart = seconds(30)};
    }
  }
  return peer;
}

class Scene {
 public:
  explicit Scene(std::uint8_t choices)
      : inner_(0x7f000002), outer_(0x7f000003), speaker_(io_, config(choices), &listener_) {
    listener_.look_at(speaker_);
    require_started();
  }

  void play(Input& input) {
    for (std::size_t step = 0; step < kMaxSteps && !input.empty(); ++step) {
      act(input);
      settle();
    }
  }

  /// The peers are gone for good; their time passes.
  void end() {
    for (auto* peer : {&inner_, &outer_}) {
      peer->set_deaf(false);
      peer->stop_listening();
      peer->reset_all();
    }
    for (int times = 0; times < 4; ++times) {
      fuzz::advance(io_, seconds(5000));
      settle();
    }
    for (const auto& own : announced_) speaker_.withdraw(kIpv6Unicast, own);
    settle();
    for (const auto& peer : speaker_.peers()) {
      fuzz::require(peer.state != State::kEstablished, "who is gone is not up");
      fuzz::require(peer.queued_bytes == 0, "nothing waits for who is gone");
    }
    for (const auto family : kFamilies) {
      fuzz::require(speaker_.rib().table(family).size() == 0, "no route of who is gone");
    }
    fuzz::require(speaker_.rib().pool().size() == 0, "no attributes without routes");
    fuzz::require(speaker_.idle(), "nothing to do");
  }

 private:
  SpeakerConfig config(std::uint8_t choices) const {
    SpeakerConfig config{.asn = kAs, .router_id = Ipv4Address({10, 0, 0, 1})};
    config.listen = {{.address = loopback(1), .port = 0}};
    config.peers = {peer_config(2, inner_.port(), choices),
                    peer_config(3, outer_.port(), static_cast<std::uint8_t>(choices & 0x0bU))};
    config.peers[1].remote_as = kOtherAs;
    if ((choices & 64U) != 0) {  // whoever comes from the prefix
      config.peers[1].address = IpPrefix(Ipv4Address({127, 0, 0, 0}), 29);
      config.peers[1].mode = ConnectMode::kPassive;
    }
    config.restarting = (choices & 128U) != 0;
    config.send_queue = 65536;
    return config;
  }

  void require_started() {
    fuzz::require(speaker_.start().has_value(), "the speaker starts");
    const auto where = speaker_.listening().front();
    const auto colon = where.rfind(':') + 1;
    std::from_chars(where.data() + colon, where.data() + where.size(), port_);
    fuzz::require(port_ != 0, "the speaker has a port");
  }

  [[nodiscard]] bool is_inner() const { return now_ == &inner_; }

  /// Both sides do what there is to do.
  void settle() {
    for (int quiet = 0; quiet < 2;) {
      io_.restart();
      quiet = io_.poll() == 0 ? quiet + 1 : 0;
      inner_.read();
      outer_.read();
    }
  }

  void act(Input& input) {
    switch (input.byte() % 16) {
      case 0:
        now_->send(input.take(input.byte()));
        break;
      case 1: {
        const auto type = static_cast<MessageType>(1 + input.byte() % 5);
        const std::size_t size = input.byte() * std::size_t{4};
        now_->send(encode_message(type, input.take(size)));
        break;
      }
      case 2:
        send_open(input.byte());
        break;
      case 3:
        now_->send(encode_keepalive());
        break;
      case 4:
        now_->connect(port_);
        break;
      case 5:
        now_->accept();
        break;
      case 6:
        now_->close();
        break;
      case 7:
        now_->reset();
        break;
      case 8:
        fuzz::advance(io_, seconds(kTimes[input.byte() % kTimes.size()]));
        break;
      case 9:
        now_ = is_inner() ? &outer_ : &inner_;
        break;
      case 10:
        now_->turn_to(input.byte());
        break;
      case 11:
        now_->set_deaf((input.byte() & 1U) != 0);
        break;
      case 12:
        send_routes(input);
        break;
      case 13:
        now_->send(encode_end_of_rib(kOffered[input.byte() % kOffered.size()]));
        break;
      case 14: {
        const auto byte = input.byte();
        now_->send(encode(RouteRefresh{.family = kOffered[byte % kOffered.size()],
                                       .kind = static_cast<RefreshKind>((byte >> 4U) % 3)}));
        break;
      }
      case 15:
        operate(input.byte());
        break;
    }
  }

  void send_open(std::uint8_t choices) {
    const auto asn = is_inner() ? kAs : kOtherAs;
    Open open{.asn = asn,
              .hold_time = static_cast<std::uint16_t>((choices & 1U) != 0 ? 0 : 90),
              .identifier = Ipv4Address({10, 0, static_cast<std::uint8_t>(choices >> 7U),
                                         static_cast<std::uint8_t>(is_inner() ? 2 : 3)})};
    auto& able = open.capabilities;
    able.families.assign(kOffered.begin(), kOffered.end());
    able.route_refresh = able.enhanced_route_refresh = true;
    if ((choices & 2U) == 0) able.four_octet_as = asn;
    able.extended_message = (choices & 4U) != 0;
    if ((choices & 8U) != 0) able.extended_next_hops = {{kIpv4Unicast, Afi::kIpv6}};
    if ((choices & 16U) != 0) {
      able.graceful_restart = GracefulRestart{.restarted = (choices & 32U) != 0, .seconds = 120};
      for (const auto family : kOffered) {
        able.graceful_restart->families.push_back({family, (choices & 64U) != 0});
      }
    }
    now_->expect({.four_octet_as = able.four_octet_as.has_value(),
                  .internal = is_inner(),
                  .dialect = SrPolicyDialect::kOldCalicoVpp});
    now_->send(encode(open));
  }

  /// In order: prefixes, or SR Policies, announced or withdrawn.
  void send_routes(Input& input) {
    const auto what = input.byte();
    const auto first = input.byte();
    const auto family = kOffered[what % kOffered.size()];
    Attributes attributes;
    attributes.origin = Origin::kIgp;
    attributes.med = what >> 6U;
    if (is_inner()) {
      attributes.local_pref = 100;
    } else {
      attributes.as_path.segments = {{.type = AsSegment::Type::kSequence, .asns = {kOtherAs}}};
    }
    if (family == kSrPolicyIpv6) {
      attributes.extended_communities = {
          ExtendedCommunity::route_target(Ipv4Address({10, 0, 0, 1}), 0)};
      attributes.tunnel_encapsulation =
          encode_sr_policy({.lists = {{.segments = {Segment::of(sid(first))}}}}).value();
    }
    std::vector<std::uint8_t> out;
    UpdateWriter writer(out, family, kMaxMessage);
    const NextHop next_hop{family == kIpv4Unicast ? IpAddress(loopback(is_inner() ? 2 : 3))
                                                  : IpAddress(sid(0))};
    fuzz::require(writer.begin(encode_attributes(attributes, {.internal = is_inner()}), next_hop),
                  "few attributes fit a message");
    const bool gone = (what & 32U) != 0;
    for (std::uint8_t i = 0; i < 1 + (what >> 2U) % 8; ++i) {
      const auto number = static_cast<std::uint8_t>(first + i);
      const auto put = [&](const auto& nlri) {
        gone ? writer.withdraw(nlri) : writer.announce(nlri);
      };
      if (family == kSrPolicyIpv6) {
        put(SrPolicyNlri{number, {94}, sid(0)});
      } else if (family == kIpv6Unicast) {
        put(PrefixNlri::of(IpPrefix(sid(number), 64)));
      } else {
        put(PrefixNlri::of(IpPrefix(Ipv4Address({10, number, 0, 0}), 16)));
      }
    }
    writer.finish();
    now_->send(out);
  }

  static Ipv6Address sid(std::uint8_t number) {
    return Ipv6Address({0xfc, number, 0, 0, 0, 0, 0, 1});
  }

  void operate(std::uint8_t choice) {
    const auto address = loopback(is_inner() ? 2 : 3);
    switch (choice % 5) {
      case 0:
        announced_.push_back(key_of(IpPrefix(sid(choice), 64)));
        speaker_.announce(kIpv6Unicast, announced_.back(), {.origin = Origin::kIgp}, {sid(0)});
        break;
      case 1:
        (void)speaker_.reset_peer(address, "by the operator");  // there may be no such peer now
        break;
      case 2:
        (void)speaker_.refresh_peer(address);  // it may not be up
        break;
      case 3: {
        auto peer = speaker_.config().peers[is_inner() ? 0 : 1];
        peer.enabled = !peer.enabled;
        fuzz::require(speaker_.change_peer(peer).has_value(), "a peer is changed");
        break;
      }
      case 4: {
        auto peer = speaker_.config().peers[is_inner() ? 0 : 1];
        peer.export_filter.accept_others = !peer.export_filter.accept_others;
        fuzz::require(speaker_.change_peer(peer).has_value(), "a filter is changed");
        break;
      }
    }
  }

  boost::asio::io_context io_{1};
  fuzz::ScriptedPeer inner_, outer_;
  fuzz::ScriptedPeer* now_ = &inner_;
  Listener listener_;
  Speaker speaker_;
  std::uint16_t port_ = 0;
  std::vector<RouteKey> announced_;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input({data, size});
  fuzz::reset_clock();
  Scene scene(input.byte());
  scene.play(input);
  scene.end();
  return 0;
}
