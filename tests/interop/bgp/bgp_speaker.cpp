// bgp_speaker CONFIG.json: a speaker that a test talks to. Commands come as lines of JSON on
// standard input, what happens goes out as lines of JSON; it ends with its input.
//
//   {"announce": {"prefix": "fd01::/64", "next_hop": "fd00::1", "med": 5, "communities":
//   ["64512:1"], "color": 94}}
//   {"announce": {"policy": {"distinguisher": 4, "color": 94, "endpoint": "fd12::1000"},
//   "next_hop": "fd00::1",
//                 "preference": 11, "priority": 10, "bsid": "cafe::25",
//                 "lists": [{"weight": 12, "segments": [{"sid": "fcff:6::1", "behavior": 18}]}]}}
//   {"withdraw": {"prefix": ...}}   {"refresh": "10.0.0.1"}   {"reset": "10.0.0.1"}   {"peers":
//   true}
//   {"rejected": true}   {"stop": "text"}   {"echo": ...}
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/log.h"
#include "bgp/speaker.h"
#include "bgp/wire/link_state_policy.h"
#include "bgp/wire/sr_policy_tunnel.h"

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace sextant;
using namespace sextant::bgp;

template <typename T>
T taken(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message());
  return std::move(*result);
}
void taken(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().message());
}

std::string text(const json::value& value) { return std::string(value.as_string()); }
std::string text(const json::object& object, std::string_view key, std::string_view absent = "") {
  const auto* value = object.if_contains(key);
  return value == nullptr ? std::string(absent) : text(*value);
}
template <typename T>
T number(const json::object& object, std::string_view key, T absent) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? absent : value->to_number<T>();
}
bool flag(const json::object& object, std::string_view key, bool absent = false) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? absent : value->as_bool();
}

PeerConfig peer_of(const json::object& in) {
  PeerConfig peer;
  peer.address = taken(IpPrefix::parse(text(in, "address")));
  peer.remote_as = number<std::uint32_t>(in, "remote_as", 0);
  peer.port = number<std::uint16_t>(in, "port", kBgpPort);
  if (in.contains("local_address")) {
    peer.local_address = taken(IpAddress::parse(text(in, "local_address")));
  }
  peer.device = text(in, "device");
  peer.md5_password = text(in, "md5");
  if (in.contains("gtsm")) peer.gtsm_hops = number<std::uint8_t>(in, "gtsm", 1);
  peer.hold_time = std::chrono::seconds(number(in, "hold_time", 90));
  peer.connect_retry = std::chrono::seconds(number(in, "connect_retry", 2));
  peer.idle_hold = std::chrono::milliseconds(number(in, "idle_hold_ms", 100));
  const auto mode = text(in, "mode", "both");
  peer.mode = mode == "active"    ? ConnectMode::kActive
              : mode == "passive" ? ConnectMode::kPassive
                                  : ConnectMode::kBoth;
  peer.route_reflector_client = flag(in, "client");
  peer.extended_messages = flag(in, "extended_messages", true);
  peer.graceful_restart.enabled = flag(in, "graceful_restart", true);
  peer.graceful_restart.restart_time = std::chrono::seconds(number(in, "restart_time", 120));
  if (flag(in, "calico")) peer.dialect = SrPolicyDialect::kCalicoVpp;
  for (const auto& each : in.at("families").as_array()) {
    PeerFamily family;
    const auto known = family_of(text(each));
    if (!known) throw std::runtime_error("no family " + text(each));
    family.family = *known;
    family.extended_next_hop = flag(in, "extended_next_hop") && known->afi == Afi::kIpv4;
    family.next_hop_self = flag(in, "next_hop_self");
    family.max_prefixes.limit = number<std::uint32_t>(in, "max_prefixes", 0);
    peer.families.push_back(family);
  }
  return peer;
}

SpeakerConfig config_of(const json::object& in) {
  SpeakerConfig config;
  config.asn = number<std::uint32_t>(in, "asn", 0);
  config.router_id = taken(Ipv4Address::parse(text(in, "router_id")));
  config.restarting = flag(in, "restarting");
  config.restart_deferral = std::chrono::seconds(number(in, "restart_deferral", 60));
  if (const auto* listen = in.if_contains("listen")) {
    for (const auto& each : listen->as_array()) {
      const auto& at = each.as_object();
      config.listen.push_back({.address = taken(IpAddress::parse(text(at, "address"))),
                               .port = number<std::uint16_t>(at, "port", kBgpPort)});
    }
  }
  for (const auto& each : in.at("peers").as_array())
    config.peers.push_back(peer_of(each.as_object()));
  return config;
}

json::object tunnel_text(const SrPolicyTunnel& tunnel) {
  json::object out;
  if (tunnel.preference) out["preference"] = *tunnel.preference;
  if (tunnel.priority) out["priority"] = *tunnel.priority;
  if (const auto bsid = tunnel.srv6_bsid()) out["bsid"] = bsid->to_string();
  auto& lists = out["lists"].emplace_array();
  for (const auto& list : tunnel.lists) {
    json::object each;
    if (list.weight) each["weight"] = *list.weight;
    auto& segments = each["segments"].emplace_array();
    for (const auto& segment : list.segments) {
      json::object one{{"type", static_cast<int>(segment.type)}, {"sid", segment.sid.to_string()}};
      if (segment.behavior) one["behavior"] = static_cast<int>(segment.behavior->behavior);
      segments.push_back(one);
    }
    lists.push_back(each);
  }
  return out;
}

SrPolicyTunnel tunnel_of(const json::object& in) {
  SrPolicyTunnel tunnel;
  if (in.contains("preference")) tunnel.preference = number<std::uint32_t>(in, "preference", 0);
  if (in.contains("priority")) tunnel.priority = number<std::uint8_t>(in, "priority", 0);
  if (in.contains("bsid")) {
    tunnel.binding_sid = BindingSid{.sid = taken(Ipv6Address::parse(text(in, "bsid")))};
  }
  if (in.contains("name")) tunnel.policy_name = text(in, "name");
  for (const auto& each : in.at("lists").as_array()) {
    const auto& from = each.as_object();
    WeightedSegmentList list;
    if (from.contains("weight")) list.weight = number<std::uint32_t>(from, "weight", 1);
    for (const auto& segment : from.at("segments").as_array()) {
      const auto& one = segment.as_object();
      std::optional<SidBehavior> behavior;
      if (one.contains("behavior")) {
        behavior =
            SidBehavior{static_cast<srv6::Behavior>(number<std::uint16_t>(one, "behavior", 0))};
      }
      list.segments.push_back(Segment::of(taken(Ipv6Address::parse(text(one, "sid"))), behavior));
    }
    tunnel.lists.push_back(std::move(list));
  }
  return tunnel;
}

std::pair<bgp::Family, RouteKey> key_in(const json::object& in) {
  if (in.contains("policy")) {
    const auto& policy = in.at("policy").as_object();
    SrPolicyNlri nlri;
    nlri.distinguisher = number<std::uint32_t>(policy, "distinguisher", 0);
    nlri.color = srv6::Color{number<std::uint32_t>(policy, "color", 0)};
    nlri.endpoint = taken(IpAddress::parse(text(policy, "endpoint")));
    return {nlri.endpoint.is_v4() ? kSrPolicyIpv4 : kSrPolicyIpv6, key_of(nlri)};
  }
  const auto prefix = taken(IpPrefix::parse(text(in, "prefix")));
  return {prefix.family() == sextant::Family::kIpv4 ? kIpv4Unicast : kIpv6Unicast, key_of(prefix)};
}

class Program : public SpeakerListener {
 public:
  Program(asio::io_context& io, const SpeakerConfig& config)
      : io_(io), speaker_(io, config, this), input_(io, ::dup(STDIN_FILENO)) {
    taken(speaker_.start());
    say({{"listening", json::value_from(speaker_.listening())}});
    read();
  }

 private:
  static void say(const json::object& line) { std::cout << json::serialize(line) << std::endl; }

  void read() {
    asio::async_read_until(input_, buffer_, '\n',
                           [this](boost::system::error_code error, std::size_t) {
                             if (error) {  // the end: without a word to the peers
                               io_.stop();
                               return;
                             }
                             std::istream lines(&buffer_);
                             std::string line;
                             std::getline(lines, line);
                             try {
                               command(json::parse(line).as_object());
                             } catch (const std::exception& bad) {
                               say({{"error", bad.what()}});
                             }
                             read();
                           });
  }

  void command(const json::object& in) {
    if (const auto* route = in.if_contains("announce")) {
      announce(route->as_object());
    } else if (const auto* gone = in.if_contains("withdraw")) {
      const auto [family, key] = key_in(gone->as_object());
      speaker_.withdraw(family, key);
    } else if (const auto* refreshed = in.if_contains("refresh")) {
      taken(speaker_.refresh_peer(taken(IpAddress::parse(text(*refreshed)))));
    } else if (const auto* reset = in.if_contains("reset")) {
      taken(speaker_.reset_peer(taken(IpAddress::parse(text(*reset))), "a test"));
    } else if (const auto* why = in.if_contains("stop")) {
      speaker_.stop(text(*why));
    } else if (in.contains("peers")) {
      for (const auto& peer : speaker_.peers()) on_peer(peer);
    } else if (in.contains("rejected")) {
      json::array all;
      for (const auto& each : speaker_.rib().rejected().routes()) {
        all.push_back(json::object{{"key", speaker_.rib().name_of(each.family, each.key)},
                                   {"reason", each.reason}});
      }
      say({{"rejected", all}});
    } else {
      say(in);
    }
  }

  void announce(const json::object& in) {
    Attributes attributes;
    attributes.origin = Origin::kIgp;
    if (const auto* path = in.if_contains("path")) return announce(path->as_object(), attributes);
    const auto [family, key] = key_in(in);
    if (in.contains("med")) attributes.med = number<std::uint32_t>(in, "med", 0);
    if (in.contains("communities")) {
      for (const auto& each : in.at("communities").as_array()) {
        attributes.communities.push_back(community_of(text(each)).value());
      }
    }
    if (in.contains("color")) {
      attributes.extended_communities.push_back(
          ExtendedCommunity::of({.color = srv6::Color{number<std::uint32_t>(in, "color", 0)}}));
    }
    if (in.contains("lists")) {
      attributes.tunnel_encapsulation = taken(encode_sr_policy(tunnel_of(in)));
    }
    speaker_.announce(family, key, attributes,
                      {.address = taken(IpAddress::parse(text(in, "next_hop")))});
  }

  /// A policy's candidate path, as its headend tells of it.
  void announce(const json::object& in, Attributes attributes) {
    PolicyPath path;
    path.headend = {.asn = speaker_.config().asn,
                    .router_id = speaker_.config().router_id,
                    .ipv4 = speaker_.config().router_id};
    path.endpoint = taken(IpAddress::parse(text(in, "endpoint")));
    path.color = srv6::Color{number<std::uint32_t>(in, "color", 0)};
    path.originator = speaker_.config().router_id;
    path.discriminator = number<std::uint32_t>(in, "distinguisher", 0);
    attributes.link_state =
        encode(PolicyPathState{.flags = number<std::uint16_t>(in, "flags", 0), .reason = "a test"});
    speaker_.announce(encode(path), attributes, {.address = IpAddress(path.headend.router_id)});
  }

  void on_routes(bgp::Family family, std::span<const RouteChange> changes) override {
    const auto& pool = speaker_.rib().pool();
    for (const auto& change : changes) {
      json::object line{{"route", speaker_.rib().name_of(family, change.key)},
                        {"family", to_string(family)}};
      const bool there = family.safi == Safi::kSrPolicy ? !change.paths.empty() : change.has_best;
      line["present"] = there;
      if (there) {
        const auto& best = change.paths.front();
        const auto decoded = pool[best.attributes].decode();
        const auto& attributes = decoded.attributes;
        line["paths"] = change.paths.size();
        line["next_hop"] = pool.next_hop(best.attributes).address.to_string();
        line["as_path"] = attributes.as_path.to_string();
        line["stale"] = speaker_.rib().is_stale(family, best);
        if (attributes.med) line["med"] = *attributes.med;
        auto& communities = line["communities"].emplace_array();
        for (const auto each : attributes.communities) communities.emplace_back(to_string(each));
        auto& extended = line["extended"].emplace_array();
        for (const auto& each : attributes.extended_communities) {
          extended.emplace_back(to_string(each));
        }
        auto& large = line["large"].emplace_array();
        for (const auto& each : attributes.large_communities) large.emplace_back(to_string(each));
        if (attributes.originator_id) line["originator"] = attributes.originator_id->to_string();
        line["unknown"] = attributes.unknown.size();
        if (!decoded.unusable.empty()) line["unusable"] = decoded.unusable;
        if (family.safi == Safi::kSrPolicy) {
          if (const auto tunnel = decode_sr_policy(attributes.tunnel_encapsulation)) {
            line["policy"] = tunnel_text(*tunnel);
          }
        }
        if (family == kLinkState) {
          const auto state = taken(decode_policy_path_state(attributes.link_state));
          line["flags"] = state.flags;
          line["reason"] = state.reason;
        }
      }
      say(line);
    }
  }

  void on_peer(const PeerInfo& peer) override {
    json::object line{{"peer", peer.address.to_string()}, {"state", to_string(peer.state)}};
    line["error"] = peer.last_error;
    line["treated_as_withdraw"] = peer.counters.treated_as_withdraw;
    line["established"] = peer.counters.established;
    line["updates_received"] = peer.counters.received.updates;
    if (peer.negotiated) {
      line["hold_time"] = peer.negotiated->hold_time.count();
      line["send_limit"] = peer.negotiated->send_limit;
      line["graceful_restart"] = peer.negotiated->graceful_restart.has_value();
      auto& families = line["families"].emplace_array();
      for (const auto family : peer.negotiated->families) families.emplace_back(to_string(family));
    }
    auto& stale = line["stale"].emplace_array();
    for (const auto& family : peer.families) {
      if (family.stale) stale.emplace_back(to_string(family.family));
    }
    say(line);
  }

  void on_converged() override { say({{"converged", true}}); }

  asio::io_context& io_;
  Speaker speaker_;
  asio::posix::stream_descriptor input_;
  asio::streambuf buffer_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: bgp_speaker CONFIG.json\n", stderr);
    return 2;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("bgp_speaker"));
  try {
    std::ifstream file(argv[1]);
    const std::string all{std::istreambuf_iterator<char>(file), {}};
    asio::io_context io;
    Program program(io, config_of(json::parse(all).as_object()));
    io.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bgp_speaker: %s\n", error.what());
    return 1;
  }
  return 0;
}
