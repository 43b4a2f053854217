// Which probes are sent, and in which order their answers are asked for.
//
//   round 1  the peers' addresses and SIDs
//   round 2  of SIDs that answer: behind an SRH, full sizes, every active segment list whole
//   round 3  only about what failed: sizes in between, beginnings of lists
#include <algorithm>
#include <array>
#include <cerrno>

#include "dataplane/linux/netlink/mtu.h"
#include "dataplane/linux/netlink/route.h"
#include "doctor/peers.h"

namespace sextant::doctor {
namespace {

constexpr std::size_t kMostPeers = 128;
constexpr std::size_t kMostLists = 512;
// MTUs that are met: IPv6's least, tunnels over Ethernet, Ethernet, jumbo frames.
constexpr std::array<std::size_t, 9> kSizes{1280, 1340, 1380, 1420, 1450, 1480, 1500, 4000, 8900};

/// Collects probes, and where the outcome of each goes.
class Round {
 public:
  void add(Result<Bytes> packet, const Ipv6Address& destination, Outcome& outcome) {
    if (!packet) {
      outcome.sent_at_all = true;
      outcome.refused = packet.error().message();
      return;
    }
    probes_.push_back({.packet = std::move(*packet), .destination = destination});
    outcomes_.push_back(&outcome);
  }
  /// What the next packet must carry.
  [[nodiscard]] std::uint16_t number() const { return static_cast<std::uint16_t>(probes_.size()); }
  void run(Prober& prober) {
    if (probes_.empty()) return;
    auto found = prober.run(probes_);
    for (std::size_t i = 0; i < found.size(); ++i) *outcomes_[i] = std::move(found[i]);
  }

 private:
  std::vector<Probe> probes_;
  std::vector<Outcome*> outcomes_;
};

std::string unroutable(netlink::Socket& socket, const IpAddress& destination) {
  const auto route = netlink::lookup_route(socket, destination);
  if (!route)
    return route.error().errno_value == ENETUNREACH || route.error().errno_value == EHOSTUNREACH
               ? "no route"
               : route.error().cause;
  if (route->type == netlink::RouteType::kUnicast || route->type == netlink::RouteType::kLocal)
    return {};
  return "the route says " + netlink::to_string(route->type);
}

class Survey {
 public:
  Survey(const AgentFacts& agent, Prober& prober, netlink::Socket& socket)
      : agent_(agent), prober_(prober), socket_(socket) {
    const auto mtu = netlink::underlay_mtu(socket_);
    if (mtu && agent_.max_segments > 0) pod_mtu_ = netlink::pod_mtu(*mtu, agent_.max_segments);
  }

  void ask(const std::vector<const PeerNode*>& nodes, PeerSurvey& survey) {
    Round first;
    survey.peers.reserve(nodes.size() * 2);  // outcomes are written by address
    for (const auto* node : nodes)
      for (const auto family : {Family::kIpv4, Family::kIpv6}) reach(*node, family, first, survey);
    first.run(prober_);

    Round second;
    for (auto& peer : survey.peers)
      if (peer.reached()) burden(peer, second);
    survey.lists.reserve(std::min(agent_.lists.size(), kMostLists));  // written by address too
    for (const auto& list : agent_.lists) follow(list, survey, second);
    second.run(prober_);

    Round third;
    for (auto& peer : survey.peers) climb(peer, third);
    for (auto& list : survey.lists) walk(list, survey, third);
    third.run(prober_);
  }

 private:
  enum class Back { kPlain, kOverlay };

  /// An echo request to the peer's overlay address behind an outer header.
  Result<Bytes> packet(const PeerFacts& peer, Back back, const Ipv6Address& destination,
                       std::optional<srv6::Srh> srh, std::size_t inner_size, std::uint16_t number) {
    const auto source = back == Back::kPlain ? agent_.underlay_address(peer.family)
                                             : agent_.overlay_address(peer.family);
    const auto inner = make_echo({.source = *source,
                                  .destination = inner_destination(peer, back),
                                  .identifier = prober_.identifier(),
                                  .number = number,
                                  .size = inner_size});
    return encapsulate({.source = *agent_.encapsulation_source,
                        .destination = destination,
                        .srh = std::move(srh),
                        .number = number},
                       peer.family, inner);
  }
  [[nodiscard]] static Back way_of(const PeerFacts& peer) {
    return peer.plain.answered ? Back::kPlain : Back::kOverlay;
  }
  [[nodiscard]] IpAddress inner_destination(const PeerFacts& peer, Back back) const {
    for (const auto& node : agent_.peers) {
      if (node.name != peer.name) continue;
      const auto address = back == Back::kPlain ? node.underlay_address(peer.family)
                                                : node.overlay_address(peer.family);
      return address.value_or(IpAddress());
    }
    return {};
  }
  [[nodiscard]] std::optional<srv6::Sid> end_of(const std::string& name) const {
    for (const auto& node : agent_.peers)
      if (node.name == name) return node.end;
    return std::nullopt;
  }
  [[nodiscard]] srv6::Srh deep_srh(const PeerFacts& peer) const {
    const auto end = *end_of(peer.name);
    return srh_near_its_end(agent_.own_end.value_or(end), end, *peer.sid, agent_.max_segments);
  }

  void reach(const PeerNode& node, Family family, Round& round, PeerSurvey& survey) {
    if (!node.overlay_address(family) || !agent_.has_pods_of(family)) return;  // no pods
    const bool plain = agent_.underlay_address(family) && node.underlay_address(family);
    const bool overlay = agent_.overlay_address(family).has_value();  // not under Calico's IPAM
    auto& peer = survey.peers.emplace_back(PeerFacts{
        .name = node.name, .family = family, .sid = family == Family::kIpv4 ? node.dt4 : node.dt6});
    peer.unasked = !plain && !overlay;
    if (peer.unasked) return;
    for (const auto& address : node.addresses) {
      if (address.is_v4() || peer.address) continue;
      peer.address = address.v6();
      round.add(make_echo({.source = *agent_.encapsulation_source,
                           .destination = address,
                           .identifier = prober_.identifier(),
                           .number = round.number()}),
                *peer.address, peer.underlay);
    }
    peer.on_link = node.on_link;
    if (!peer.sid) return;
    const auto sid = peer.sid->address();
    peer.unroutable = unroutable(socket_, sid);
    if (!peer.unroutable.empty()) return;
    if (plain) round.add(packet(peer, Back::kPlain, sid, {}, 0, round.number()), sid, peer.plain);
    if (overlay)
      round.add(packet(peer, Back::kOverlay, sid, {}, 0, round.number()), sid, peer.overlay);
  }

  void burden(PeerFacts& peer, Round& round) {
    const auto back = way_of(peer);
    const auto sid = peer.sid->address();
    round.add(packet(peer, back, sid, srv6::Srh{.segments = {*peer.sid}}, 0, round.number()), sid,
              peer.srh_done);
    if (pod_mtu_ > 0) {
      peer.full.size = pod_mtu_ + netlink::encapsulation_bytes(1);
      round.add(packet(peer, back, sid, {}, pod_mtu_, round.number()), sid, peer.full.outcome);
    }
    const auto end = end_of(peer.name);
    if (!end || agent_.max_segments < 2) return;
    const auto to = end->address();
    round.add(packet(peer, back, to, srh_near_its_end(*end, *end, *peer.sid, 2), 0, round.number()),
              to, peer.srh_end);
    if (pod_mtu_ == 0) return;
    peer.full_srh.size = pod_mtu_ + netlink::encapsulation_bytes(agent_.max_segments);
    round.add(packet(peer, back, to, deep_srh(peer), pod_mtu_, round.number()), to,
              peer.full_srh.outcome);
  }

  void follow(const ActiveList& list, PeerSurvey& survey, Round& round) {
    const auto peer =
        std::find_if(survey.peers.begin(), survey.peers.end(), [&list](const PeerFacts& each) {
          return each.name == list.node && each.family == list.family;
        });
    // Not asked for, or left out itself.
    if (peer == survey.peers.end() || peer->unasked) return;
    if (survey.lists.size() >= kMostLists) {
      ++survey.lists_left_out;
      return;
    }
    auto& facts = survey.lists.emplace_back(ListFacts{.list = list});
    facts.service_sid_works = peer->reached();
    facts.first_unroutable = unroutable(socket_, list.segments.front().address());
    if (!facts.first_unroutable.empty() || !facts.service_sid_works) return;
    send(*peer, list.segments, round, facts.whole);
  }

  /// As this node's data plane sends it: the whole list in the SRH; one SID needs none.
  void send(const PeerFacts& peer, const std::vector<srv6::Sid>& visits, Round& round,
            Outcome& outcome) {
    std::optional<srv6::Srh> srh;
    if (visits.size() > 1) {
      auto made = srv6::make_srh(visits, srv6::EncapMode::kEncaps, 0);
      if (!made) return round.add(tl::unexpected(made.error()), visits.front().address(), outcome);
      srh = std::move(*made);
    }
    const auto destination = visits.front().address();
    round.add(packet(peer, way_of(peer), destination, std::move(srh), 0, round.number()),
              destination, outcome);
  }

  /// Smaller and smaller packets of the form whose full size did not pass.
  void climb(PeerFacts& peer, Round& round) {
    const auto lost = [](const Outcome& outcome) {
      return outcome.sent_at_all && !outcome.answered && !(outcome.error && outcome.error->mtu > 0);
    };
    const bool plain = lost(peer.full.outcome);
    const bool srh = peer.srh_end.answered && lost(peer.full_srh.outcome);
    if (!peer.reached() || (!plain && !srh)) return;
    const auto full = plain ? peer.full.size : peer.full_srh.size;
    const auto overhead = netlink::encapsulation_bytes(plain ? 1 : agent_.max_segments);
    for (const auto size : kSizes)
      if (size < full) peer.ladder.push_back({.size = size, .outcome = {}});
    for (auto& step : peer.ladder) {
      const auto inner = step.size - std::min<std::size_t>(step.size, overhead);
      const auto destination = plain ? peer.sid->address() : end_of(peer.name)->address();
      round.add(packet(peer, way_of(peer), destination,
                       plain ? std::nullopt : std::optional<srv6::Srh>(deep_srh(peer)), inner,
                       round.number()),
                destination, step.outcome);
    }
  }

  void walk(ListFacts& facts, const PeerSurvey& survey, Round& round) {
    if (!facts.whole.sent_at_all || facts.whole.answered) return;
    const auto peer =
        std::find_if(survey.peers.begin(), survey.peers.end(), [&facts](const PeerFacts& each) {
          return each.name == facts.list.node && each.family == facts.list.family;
        });
    if (peer == survey.peers.end()) return;
    const auto service = facts.list.segments.back();
    facts.beginnings.resize(facts.list.segments.size() - 1);
    for (std::size_t i = 0; i < facts.beginnings.size(); ++i) {
      const auto end = facts.list.segments.begin() + static_cast<std::ptrdiff_t>(i) + 1;
      std::vector<srv6::Sid> visits(facts.list.segments.begin(), end);
      visits.push_back(service);
      send(*peer, visits, round, facts.beginnings[i]);
    }
  }

  const AgentFacts& agent_;
  Prober& prober_;
  netlink::Socket& socket_;
  std::uint32_t pod_mtu_ = 0;
};

}  // namespace

PeerSurvey survey_peers(const AgentFacts& agent, const std::vector<std::string>& names) {
  PeerSurvey survey;
  std::vector<const PeerNode*> chosen;
  for (const auto& name : names) {
    const auto found = std::find_if(agent.peers.begin(), agent.peers.end(),
                                    [&name](const PeerNode& node) { return node.name == name; });
    if (found == agent.peers.end()) {
      survey.unknown.push_back(name);
    } else {
      chosen.push_back(&*found);
    }
  }
  if (names.empty())
    for (const auto& node : agent.peers) chosen.push_back(&node);
  if (chosen.size() > kMostPeers) {
    survey.left_out = chosen.size() - kMostPeers;
    chosen.resize(kMostPeers);
  }
  if (chosen.empty()) return survey;
  if (!agent.encapsulation_source) {
    survey.failed = "this node has no encapsulation source";
    return survey;
  }
  auto prober = Prober::make();
  auto socket = netlink::Socket::make();
  if (!prober || !socket) {
    survey.failed = prober ? socket.error().message() : prober.error().message();
    return survey;
  }
  Survey(agent, *prober, *socket).ask(chosen, survey);
  return survey;
}

}  // namespace sextant::doctor
