#include "dataplane/peer.h"

#include <fmt/format.h>

#include <stdexcept>

#include "common/program.h"
#include "dataplane/linux/linux_dataplane.h"
#include "overlay/resolver.h"
#include "srv6/segment_list.h"

namespace sextant::bench {
namespace {

using srv6::EncapMode;

const auto kSides = {&kA, &kB};

class Plain final : public Peer {
 public:
  Plain() : Peer("plain") {
    for (const Side* side : kSides) {
      const Side& far = other(*side);
      lab().node(*side).ip(fmt::format("route add {} via {}\nroute add {} via {}\n", far.pods4,
                                       far.underlay_ipv4, far.pods6, far.underlay_ipv6));
    }
    lab().add_hooks(true);
  }
  [[nodiscard]] bool hooked() const override { return true; }
  [[nodiscard]] std::size_t overhead(bool) const override { return 0; }
  [[nodiscard]] bool steers() const override { return false; }
};

class Vxlan final : public Peer {
 public:
  Vxlan() : Peer("vxlan") {
    for (const Side* side : kSides) {
      const Side& far = other(*side);
      lab().node(*side).ip(fmt::format(
          R"(link add vx type vxlan id 5 remote {far} local {near} dstport 4789 dev ul
address add 10.9.0.{host}/24 dev vx
address add fd09::{host}/64 dev vx nodad
link set vx up
route add {pods4} via 10.9.0.{peer}
route add {pods6} via fd09::{peer}
)",
          fmt::arg("far", far.underlay_ipv6), fmt::arg("near", side->underlay_ipv6),
          fmt::arg("host", side == &kA ? 1 : 2), fmt::arg("peer", side == &kA ? 2 : 1),
          fmt::arg("pods4", far.pods4), fmt::arg("pods6", far.pods6)));
    }
    lab().add_hooks(true);
  }
  [[nodiscard]] bool hooked() const override { return true; }
  [[nodiscard]] std::size_t overhead(bool) const override {
    constexpr std::size_t kIpv6 = 40, kUdp = 8, kVxlan = 8, kEthernet = 14;
    return kIpv6 + kUdp + kVxlan + kEthernet;
  }
  [[nodiscard]] bool steers() const override { return false; }
};

/// Kernel seg6 routes as one would set them by hand: the shortest form for one SID (no SRH), the
/// whole SRH for three, as ours has it.
class Seg6 final : public Peer {
 public:
  explicit Seg6(bool hooks) : Peer(hooks ? "seg6-tables" : "seg6"), hooks_(hooks) {
    for (const Side* side : kSides) {
      const Side& far = other(*side);
      const Space& node = lab().node(*side);
      node.sysctl({"net.ipv6.conf.all.seg6_enabled=1", "net.ipv6.conf.ul.seg6_enabled=1",
                   "net.ipv6.conf.to-r.seg6_enabled=1"});
      node.run({"ip", "sr", "tunsrc", "set", std::string(side->underlay_ipv6)});
      node.ip(fmt::format(
          R"(route add {locator} via {gateway}
route add {pods4} encap seg6 mode encap.red segs {decap4} dev ul
route add {pods6} encap seg6 mode encap.red segs {decap6} dev ul
route add {steered4} encap seg6 mode encap segs {end},{second_end},{decap4} dev to-r
route add {steered6} encap seg6 mode encap segs {end},{second_end},{decap6} dev to-r
route add {own_decap4} encap seg6local action End.DX4 nh4 0.0.0.0 dev ul
route add {own_decap6} encap seg6local action End.DT6 table main dev ul
)",
          fmt::arg("locator", far.locator), fmt::arg("gateway", far.underlay_ipv6),
          fmt::arg("pods4", far.pods4), fmt::arg("pods6", far.pods6),
          fmt::arg("steered4", far.steered4), fmt::arg("steered6", far.steered6),
          fmt::arg("decap4", far.decap4), fmt::arg("decap6", far.decap6),
          fmt::arg("end", kFirstEnd), fmt::arg("second_end", kSecondEnd),
          fmt::arg("own_decap4", side->decap4), fmt::arg("own_decap6", side->decap6)));
    }
    if (hooks) lab().add_hooks(false);
  }
  [[nodiscard]] bool hooked() const override { return hooks_; }
  [[nodiscard]] std::size_t overhead(bool steered) const override {
    return steered ? srv6::encapsulation_overhead(3, EncapMode::kEncaps)
                   : srv6::encapsulation_overhead(1, EncapMode::kEncapsReduced);
  }
  [[nodiscard]] bool steers() const override { return true; }

 private:
  bool hooks_;
};

/// Kernel seg6 set by hand so that inner packets cross the hooks that they cross with ours, once
/// each: in a namespace of its own, joined to the node by two veth pairs.
class Seg6Hooks final : public Peer {
 public:
  Seg6Hooks() : Peer("seg6-hooks"), a_("seg6-hooks-gw-a"), b_("seg6-hooks-gw-b") {
    for (const Side* side : kSides) join(*side, side == &kA ? a_ : b_);
    lab().add_hooks(true);
  }
  [[nodiscard]] bool hooked() const override { return true; }
  [[nodiscard]] std::size_t overhead(bool steered) const override {
    return steered ? srv6::encapsulation_overhead(3, EncapMode::kEncaps)
                   : srv6::encapsulation_overhead(1, EncapMode::kEncapsReduced);
  }
  [[nodiscard]] bool steers() const override { return true; }

 private:
  void join(const Side& side, const Space& gateway) const {
    using fmt::arg;
    const Side& far = other(side);
    const Space& node = lab().node(side);
    gateway.sysctl({"net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                    "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
                    "net.ipv6.conf.all.seg6_enabled=1", "net.ipv6.conf.default.seg6_enabled=1"});
    node.ip(fmt::format(
        R"(link add gi index 400 address 02:00:00:00:03:01 mtu 9000 type veth peer name in index 401 address 02:00:00:00:03:02 mtu 9000 netns {gateway}
link add go index 410 address 02:00:00:00:04:01 mtu 9000 type veth peer name out index 411 address 02:00:00:00:04:02 mtu 9000 netns {gateway}
link set gi up
link set go up
neighbour add fe80::7 dev gi lladdr 02:00:00:00:03:02 nud permanent
route add {locator} via {underlay}
route add {pods4} via inet6 fe80::7 dev gi
route add {pods6} via fe80::7 dev gi
route add {steered4} via inet6 fe80::7 dev gi
route add {steered6} via fe80::7 dev gi
)",
        arg("gateway", gateway.name()), arg("locator", far.locator),
        arg("underlay", far.underlay_ipv6), arg("pods4", far.pods4), arg("pods6", far.pods6),
        arg("steered4", far.steered4), arg("steered6", far.steered6)));
    gateway.run({"ip", "sr", "tunsrc", "set", std::string(side.underlay_ipv6)});
    gateway.ip(fmt::format(
        R"(link set in up
link set out up
neighbour add fe80::8 dev out lladdr 02:00:00:00:04:01 nud permanent
neighbour add fe80::9 dev in lladdr 02:00:00:00:03:01 nud permanent
route add default via fe80::8 dev out
route add {pods4} encap seg6 mode encap.red segs {decap4} dev out
route add {pods6} encap seg6 mode encap.red segs {decap6} dev out
route add {steered4} encap seg6 mode encap segs {end},{second_end},{decap4} dev out
route add {steered6} encap seg6 mode encap segs {end},{second_end},{decap6} dev out
route add {own_pods4} via inet6 fe80::9 dev in
route add {own_pods6} via fe80::9 dev in
route add {own_steered4} via inet6 fe80::9 dev in
route add {own_steered6} via fe80::9 dev in
route add {own_decap4} encap seg6local action End.DX4 nh4 0.0.0.0 dev in
route add {own_decap6} encap seg6local action End.DT6 table main dev in
)",
        arg("pods4", far.pods4), arg("pods6", far.pods6), arg("steered4", far.steered4),
        arg("steered6", far.steered6), arg("decap4", far.decap4), arg("decap6", far.decap6),
        arg("end", kFirstEnd), arg("second_end", kSecondEnd), arg("own_pods4", side.pods4),
        arg("own_pods6", side.pods6), arg("own_steered4", side.steered4),
        arg("own_steered6", side.steered6), arg("own_decap4", side.decap4),
        arg("own_decap6", side.decap6)));
    // Outer packets pass by the node's FORWARD chain, as those of any tunnel do.
    std::string chains;
    for (const auto device : {"ul", "to-r"}) {
      chains += fmt::format(
          "chain {0} {{ type filter hook ingress device \"{0}\" priority 100; policy accept;\n"
          "ip6 daddr {1} ether daddr set 02:00:00:00:04:02 fwd to \"go\"\n}}\n",
          device, side.locator);
    }
    node.nft(
        fmt::format("table ip6 tunnel {{\nchain prerouting {{\n"
                    "type filter hook prerouting priority -450; policy accept;\n"
                    "iifname \"go\" dup to ip6 daddr drop\n}}\n}}\ntable netdev tunnel {{\n{}}}\n",
                    chains));
  }

  Space a_, b_;
};

IpPrefix prefix(std::string_view text) { return must(IpPrefix::parse(text)); }
Ipv6Address ipv6(std::string_view text) { return must(Ipv6Address::parse(text)); }
srv6::Sid sid(std::string_view text) { return must(srv6::Sid::parse(text)); }

/// Both nodes, and a policy that steers the prefixes of its color over three SIDs.
overlay::Intent intent() {
  constexpr srv6::Color kColor{100};
  overlay::Intent intent;
  for (const Side* side : kSides) {
    overlay::Node node{.name = std::string(side->name), .location = "bench"};
    node.addresses = {ipv6(side->underlay_ipv6), must(IpAddress::parse(side->underlay_ipv4))};
    node.locator = must(srv6::Locator::parse(side->locator));
    node.reach = overlay::LocatorReach::kOnLink;
    // A color without a policy: the plain path, also where there is a policy to the node.
    constexpr srv6::Color kNoPolicy{1};
    node.pod_prefixes = {{prefix(side->pods4), kNoPolicy},
                         {prefix(side->pods6), kNoPolicy},
                         {prefix(side->steered4), kColor},
                         {prefix(side->steered6), kColor}};
    intent.nodes.emplace(node.name, std::move(node));

    overlay::Policy policy{.key = {"SRv6Policy", "to-" + std::string(side->name)},
                           .location = "bench"};
    policy.headend.names = {std::string(other(*side).name)};
    policy.endpoint = std::string(side->name);
    policy.color = kColor;
    // The endpoint's service SID of the packet's family is appended.
    policy.paths = {{.name = "ends", .lists = {{{sid(kFirstEnd), sid(kSecondEnd)}}}}};
    intent.policies.emplace(policy.key, std::move(policy));
  }
  return intent;
}

/// What the agent of that node would want.
overlay::Forwarding forwarding_of(const Side& side) {
  const auto wanted = overlay::resolve(intent(), {.node = std::string(side.name)}).forwarding;
  const auto steered =
      wanted.routes.find({overlay::RouteScope::kAll, prefix(other(side).steered6)});
  const auto* path =
      steered == wanted.routes.end() ? nullptr : std::get_if<overlay::PathKey>(&steered->second);
  if (path == nullptr || wanted.paths.at(*path).lists.at(0).segments.size() != 3) {
    throw std::runtime_error("the policy over three SIDs is not in force");
  }
  return wanted;
}

class Ours final : public Peer {
 public:
  Ours() : Peer(std::string(kOurs)) {
    lab().add_hooks(true);
    try {
      start(kA, a_);
      start(kB, b_);
    } catch (...) {
      stop();  // no destructor runs for what was not made whole
      throw;
    }
  }
  ~Ours() override { stop(); }
  [[nodiscard]] bool hooked() const override { return true; }
  [[nodiscard]] std::size_t overhead(bool steered) const override {
    return steered ? srv6::encapsulation_overhead(3, EncapMode::kEncaps)
                   : srv6::encapsulation_overhead(1, EncapMode::kEncapsReduced);
  }
  [[nodiscard]] bool steers() const override { return true; }

 private:
  void start(const Side& side, std::unique_ptr<dataplane::Dataplane>& dataplane) const {
    const auto report = must(lab().node(side).netns().run([&]() -> Result<dataplane::ApplyReport> {
      auto made = dataplane::make_linux_dataplane({});
      if (!made) return tl::unexpected(made.error());
      dataplane = std::move(*made);
      auto done = dataplane->reconcile(forwarding_of(side));
      if (&side != &kA) return done;
      for (const auto& each : dataplane->capabilities()) {
        progress(fmt::format("{}: {} ({})", each.name, each.choice, each.reason));
      }
      return done;
    }));
    if (report.ok()) return;
    std::string text = "the data plane reports:";
    for (const auto& problem : report.problems) {
      text += fmt::format("\n  {}: {}", problem.object, problem.error.message());
    }
    throw std::runtime_error(text);
  }
  void stop() {
    // A data plane makes namespaces of its own, which do not go with the node's.
    for (const Side* side : kSides) {
      auto& dataplane = side == &kA ? a_ : b_;
      if (!dataplane) continue;
      (void)lab().node(*side).netns().run([&] {
        (void)dataplane->remove_all();
        dataplane.reset();
      });
    }
  }

  std::unique_ptr<dataplane::Dataplane> a_, b_;
};

}  // namespace

std::vector<std::unique_ptr<Peer>> make_peers() {
  std::vector<std::unique_ptr<Peer>> peers;
  peers.push_back(std::make_unique<Ours>());
  peers.push_back(std::make_unique<Plain>());
  peers.push_back(std::make_unique<Vxlan>());
  peers.push_back(std::make_unique<Seg6>(false));
  peers.push_back(std::make_unique<Seg6>(true));
  peers.push_back(std::make_unique<Seg6Hooks>());
  return peers;
}

}  // namespace sextant::bench
