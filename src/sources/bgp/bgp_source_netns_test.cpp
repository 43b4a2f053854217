// Agents' BGP sources that talk to each other and to an injector, over real sessions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "bgp/rib/nlri_key.h"
#include "bgp/speaker_fixture_test.h"
#include "bgp/wire/link_state_policy.h"
#include "sources/bgp/bgp_source.h"
#include "sources/temporary_directory_test.h"

namespace sextant::bgp_source {
namespace {

using namespace std::chrono_literals;
using bgp::ip;
using bgp::prefix;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// A source that knows what a test tells it.
class Told final : public sources::Source {
 public:
  void start(Listener listener) override { listener_ = std::move(listener); }
  void reload() override {}
  [[nodiscard]] const overlay::Intent& intent() const override { return intent_; }
  [[nodiscard]] std::vector<sources::Finding> findings() const override { return {}; }
  [[nodiscard]] bool loaded() const override { return true; }
  [[nodiscard]] bool in_doubt(const std::string& /*node*/) const override { return false; }
  [[nodiscard]] std::string kind() const override { return "manifests"; }
  [[nodiscard]] std::string place() const override { return "/etc/sextant/manifests"; }

  void tell(const overlay::Node& node) {
    intent_.nodes.insert_or_assign(node.name, node);
    overlay::IntentChange change;
    change.nodes[node.name] = node;
    if (listener_) listener_(change);
  }

 private:
  Listener listener_;
  overlay::Intent intent_;
};

/// Node `number` of the testbed's shape; its session address is 127.0.0.`number`.
overlay::Node node(const std::string& name, int number) {
  const auto text = std::to_string(number);
  overlay::Node node{.name = name,
                     .location = "nodes.yaml",
                     .addresses = {ip("10.0.0." + text), ip("fd" + text + "::1000")},
                     .locator = srv6::Locator::parse("fcdd:0:0:" + text + "::/64").value()};
  node.pod_prefixes = {{prefix("172.16." + text + ".0/24"), std::nullopt},
                       {prefix("fdfb:" + text + "::/64"), std::nullopt}};
  return node;
}

/// An agent's source and all that came of it.
struct Agent {
  Agent(boost::asio::io_context& io, const std::string& name, int number,
        const std::vector<bgp::PeerConfig>& peers, bool restarting = false) {
    auto told = std::make_unique<Told>();
    primary = told.get();
    primary->tell(node(name, number));
    BgpSettings settings;
    settings.speaker = bgp::speaker_config(number);
    settings.speaker.router_id = {};  // the node's own
    settings.speaker.restart_deferral = 5s;
    for (auto peer : peers) settings.speaker.peers.push_back(bgp::from(number, std::move(peer)));
    source = std::make_unique<BgpSource>(
        io, std::move(told), std::move(settings),
        BgpSource::Options{.node = name, .file = "/nonexistent", .restarting = restarting});
    known = source->intent();
    source->start([this](const auto& change) {
      ASSERT_TRUE(change);
      for (const auto& [key, changed] : change->nodes) {
        changed ? void(known.nodes[key] = *changed) : void(known.nodes.erase(key));
      }
      for (const auto& [key, changed] : change->policies) {
        changed ? void(known.policies[key] = *changed) : void(known.policies.erase(key));
      }
    });
  }
  /// What the listener was told, applied to what was known at the start.
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const auto& [name, node] : known.nodes) {
      std::string line = name;
      for (const auto& pod_prefix : node.pod_prefixes) line += " " + pod_prefix.prefix.to_string();
      if (node.locator) line += " at " + node.locator->to_string();
      lines.push_back(std::move(line));
    }
    for (const auto& [key, policy] : known.policies) lines.push_back(key.to_string());
    return lines;
  }

  Told* primary = nullptr;
  overlay::Intent known;
  std::unique_ptr<BgpSource> source;
};

class BgpSources : public bgp::Namespace {
 protected:
  static bgp::PeerConfig peer(int number, bgp::SrPolicyDialect dialect) {
    auto peer = bgp::peer_config("127.0.0." + std::to_string(number), 64512);
    peer.dialect = dialect;
    for (auto& family : peer.families) {
      family.extended_next_hop = family.family == bgp::kIpv4Unicast;
    }
    return peer;
  }
  /// What a speaker holds of BGP-LS: "route: flags reason".
  static std::vector<std::string> told(const bgp::Speaker& speaker) {
    std::vector<std::string> lines;
    const auto& table = speaker.rib().table(bgp::kLinkState);
    for (std::uint32_t i = 0; i < table.end(); ++i) {
      const bgp::EntryId entry{i};
      if (!table.in_use(entry) || !table.has_best(entry)) continue;
      const auto& path = table.paths(entry).front();
      const auto attributes = speaker.rib().pool()[path.attributes].decode().attributes;
      const auto state = bgp::decode_policy_path_state(attributes.link_state).value();
      std::string line = speaker.rib().name_of(bgp::kLinkState, table.key(entry)) + ":";
      if (state.has(bgp::kPathEvaluated)) line += " evaluated";
      if (state.has(bgp::kPathValid)) line += " valid";
      if (state.has(bgp::kPathActive)) line += " active";
      lines.push_back(line + (state.reason.empty() ? "" : ", " + state.reason));
    }
    return lines;
  }
  void expect_each_other(Agent& one, Agent& two) {
    EXPECT_TRUE(run_until([&] {
      return one.known.nodes.contains("fd2::1000") && two.known.nodes.contains("fd1::1000") &&
             one.known.nodes.at("fd2::1000").pod_prefixes.size() == 2 &&
             two.known.nodes.at("fd1::1000").pod_prefixes.size() == 2;
    }));
    EXPECT_THAT(one.lines(),
                UnorderedElementsAre("one 172.16.1.0/24 fdfb:1::/64 at fcdd:0:0:1::/64",
                                     "fd2::1000 172.16.2.0/24 fdfb:2::/64 at fcdd:0:0:2::/64"));
    EXPECT_THAT(two.lines(),
                UnorderedElementsAre("two 172.16.2.0/24 fdfb:2::/64 at fcdd:0:0:2::/64",
                                     "fd1::1000 172.16.1.0/24 fdfb:1::/64 at fcdd:0:0:1::/64"));
    EXPECT_EQ(one.known, one.source->intent());
    EXPECT_EQ(two.known, two.source->intent());
  }
};

TEST_F(BgpSources, LearnEachOthersPodsAndSids) {
  Agent one(io, "one", 1, {peer(2, bgp::SrPolicyDialect::kStandard)});
  Agent two(io, "two", 2, {peer(1, bgp::SrPolicyDialect::kStandard)});
  expect_each_other(one, two);
  EXPECT_EQ(one.known.nodes.at("fd2::1000").sids.dt4,
            srv6::derived_sid(node("two", 2).locator.value(), srv6::Behavior::kEndDt4));
  EXPECT_EQ(one.source->speaker()->config().router_id.to_string(), "10.0.0.1");
  EXPECT_EQ(one.source->speaker()->rib().table(bgp::kSrPolicyIpv6).size(), 0U)
      << "SIDs as policies are for Calico-VPP only";
}

TEST_F(BgpSources, TalkCalicosConventionWhereAPeerDoes) {
  Agent one(io, "one", 1, {peer(2, bgp::SrPolicyDialect::kCalicoVpp)});
  Agent two(io, "two", 2, {peer(1, bgp::SrPolicyDialect::kCalicoVpp)});
  expect_each_other(one, two);
  EXPECT_TRUE(run_until([&] {
    return one.source->speaker()->rib().table(bgp::kSrPolicyIpv6).size() == 4;
  })) << "two of its own and two of the peer";
}

TEST_F(BgpSources, FollowAPodPrefixThatIsAddedAndOneThatGoes) {
  Agent one(io, "one", 1, {peer(2, bgp::SrPolicyDialect::kStandard)});
  Agent two(io, "two", 2, {peer(1, bgp::SrPolicyDialect::kStandard)});
  expect_each_other(one, two);
  auto changed = node("two", 2);
  changed.pod_prefixes = {{prefix("172.16.9.0/24"), std::nullopt}};
  two.primary->tell(changed);
  EXPECT_TRUE(run_until([&] {
    const auto& pods = one.known.nodes.at("fd2::1000").pod_prefixes;
    return pods.size() == 1 && pods.front().prefix == prefix("172.16.9.0/24");
  })) << ::testing::PrintToString(one.lines());
}

/// An injector: a policy comes, changes and goes.
TEST_F(BgpSources, TakeInjectedPoliciesAsCandidatePaths) {
  Agent one(io, "one", 1, {peer(3, bgp::SrPolicyDialect::kCalicoVpp)});
  auto config = bgp::speaker_config(3);
  config.peers = {bgp::from(3, peer(1, bgp::SrPolicyDialect::kCalicoVpp))};
  bgp::Node injector(io, config);
  ASSERT_TRUE(injector.speaker.start());
  const bgp::SrPolicyNlri nlri{4, {94}, ip("fd2::1000")};
  const auto inject = [&](std::string_view via) {
    const bgp::SrPolicyTunnel tunnel{.preference = 200,
                                     .lists = {{.segments = {{.sid = ip(via).v6()}}}}};
    injector.speaker.announce(bgp::kSrPolicyIpv6, bgp::key_of(nlri),
                              {.origin = bgp::Origin::kIgp,
                               .tunnel_encapsulation = bgp::encode_sr_policy(tunnel).value()},
                              {.address = ip("fd2::1000")});
  };
  const overlay::ObjectKey key{"BGP", "4:94:fd2::1000"};
  const auto via = [&](std::string_view sid) {
    const auto found = one.known.policies.find(key);
    return found != one.known.policies.end() &&
           found->second.paths.front().lists.front().segments ==
               std::vector<overlay::Segment>{srv6::Sid::parse(sid).value()};
  };
  inject("fcff:6::1");
  EXPECT_TRUE(run_until([&] { return via("fcff:6::1"); })) << ::testing::PrintToString(one.lines());
  EXPECT_EQ(one.known.policies.at(key).paths.front().preference, 200U);
  EXPECT_EQ(one.known.policies.at(key).location, "BGP peer 127.0.0.3");
  inject("fcff:7::1");
  EXPECT_TRUE(run_until([&] { return via("fcff:7::1"); }));
  injector.speaker.withdraw(bgp::kSrPolicyIpv6, bgp::key_of(nlri));
  EXPECT_TRUE(run_until([&] { return one.known.policies.empty(); }));
}

/// And what became of it goes back, as a route of BGP-LS.
TEST_F(BgpSources, TellTheInjectorWhatBecameOfAPolicy) {
  auto injecting = peer(3, bgp::SrPolicyDialect::kStandard);
  auto listening = peer(1, bgp::SrPolicyDialect::kStandard);
  for (auto* each : {&injecting, &listening}) {
    each->families.push_back({.family = bgp::kLinkState});
    each->route_reflector_client = false;
  }
  Agent one(io, "one", 1, {injecting});
  PathOutcomes outcomes;
  one.source->tell_outcomes([&] { return outcomes; });
  auto config = bgp::speaker_config(3);
  config.peers = {bgp::from(3, listening)};
  bgp::Node injector(io, config);
  ASSERT_TRUE(injector.speaker.start());
  const bgp::SrPolicyNlri nlri{4, {94}, ip("fd2::1000")};
  const bgp::SrPolicyTunnel tunnel{.lists = {{.segments = {{.sid = ip("fcff:6::1").v6()}}}}};
  bgp::Attributes attributes{.origin = bgp::Origin::kIgp,
                             .tunnel_encapsulation = bgp::encode_sr_policy(tunnel).value()};
  const auto announce = [&] {
    injector.speaker.announce(bgp::kSrPolicyIpv6, bgp::key_of(nlri), attributes,
                              {.address = ip("fd3::1000")});
  };
  const std::string name = "fd1::1000 (10.0.0.1): path 4 of policy 94 to fd2::1000:";
  const auto hears = [&](const std::vector<std::string>& lines) {
    return run_until([&] { return told(injector.speaker) == lines; })
               ? std::string()
               : ::testing::PrintToString(told(injector.speaker));
  };
  // For nobody: treated as withdrawn (RFC 9830 section 4.2.1).
  announce();
  EXPECT_EQ(
      hears({name + " evaluated, EXTENDED COMMUNITIES: neither NO_ADVERTISE nor a route target in "
                    "address format (RFC 9830 section 4.2.1)"}),
      "");
  attributes.extended_communities = {
      bgp::ExtendedCommunity::route_target(bgp::ipv4("10.0.0.1"), 0)};
  announce();
  EXPECT_EQ(hears({name + ", no route asks for it yet"}), "") << "the agent knows nothing of it";
  outcomes["4:94:fd2::1000"] = {.evaluated = true, .valid = true, .active = true};
  one.source->outcomes_changed();
  EXPECT_EQ(hears({name + " evaluated valid active"}), "");
  // For another headend, and gone.
  attributes.extended_communities = {
      bgp::ExtendedCommunity::route_target(bgp::ipv4("10.0.0.2"), 0)};
  announce();
  EXPECT_EQ(hears({}), "");
  EXPECT_TRUE(one.source->book().unusable().at(nlri).other_headends);
  EXPECT_THAT(one.source->findings(), IsEmpty()) << "nothing is wrong with it";
  attributes.extended_communities = {
      bgp::ExtendedCommunity::route_target(bgp::ipv4("10.0.0.1"), 0)};
  announce();
  EXPECT_EQ(hears({name + " evaluated valid active"}), "");
  injector.speaker.withdraw(bgp::kSrPolicyIpv6, bgp::key_of(nlri));
  EXPECT_EQ(hears({}), "");

  // What others say is not for a node that reflects nothing.
  const bgp::PolicyPath other{.headend = {.ipv4 = bgp::ipv4("10.0.0.7")},
                              .endpoint = ip("fd2::1000"),
                              .originator = ip("10.0.0.3")};
  injector.speaker.announce(bgp::encode(other), {.origin = bgp::Origin::kIgp},
                            {.address = ip("fd3::1000")});
  injector.announce("fdfb:7::/64", "fd3::1000");
  EXPECT_TRUE(run_until([&] {
    return one.source->speaker()
               ->rib()
               .table(bgp::kIpv6Unicast)
               .find(bgp::key_of(prefix("fdfb:7::/64"))) != std::nullopt;
  }));
  EXPECT_THAT(told(*one.source->speaker()), IsEmpty());
}

TEST_F(BgpSources, AreNotLoadedAfterARestartBeforeThePeersHaveSaidAll) {
  Agent one(io, "one", 1, {peer(2, bgp::SrPolicyDialect::kStandard)}, true);
  EXPECT_FALSE(one.source->loaded());
  Agent two(io, "two", 2, {peer(1, bgp::SrPolicyDialect::kStandard)});
  EXPECT_TRUE(two.source->loaded() || run_until([&] { return two.source->loaded(); }))
      << "a fresh one waits for nobody";
  EXPECT_TRUE(run_until([&] { return one.source->loaded(); }));
  EXPECT_TRUE(one.known.nodes.contains("fd2::1000"));
}

std::vector<std::string> texts(const BgpSource& source) {
  std::vector<std::string> texts;
  for (const auto& finding : source.findings()) texts.push_back(finding.text());
  return texts;
}

TEST_F(BgpSources, NameThePeersThatAreMissingAfterARestart) {
  Agent one(io, "one", 1, {peer(2, bgp::SrPolicyDialect::kStandard)}, true);
  EXPECT_THAT(texts(*one.source), ElementsAre(::testing::AllOf(
                                      HasSubstr("BGP/restart deferral: forwarding stays as an "
                                                "earlier agent left it"),
                                      HasSubstr("at most 5 s"), HasSubstr("missing: 127.0.0.2"))));
  EXPECT_EQ(one.source->state().obstacle,
            "BGP's peers have not told their routes yet, which is waited for 5 s from the start at "
            "most; missing: 127.0.0.2");
  Agent two(io, "two", 2, {peer(1, bgp::SrPolicyDialect::kStandard)});
  EXPECT_TRUE(run_until([&] { return one.source->loaded(); }));
  EXPECT_THAT(texts(*one.source), IsEmpty());
  EXPECT_EQ(one.source->state().obstacle, "");
}

TEST_F(BgpSources, TellWhatOfTheSettingsIsNotUnderstoodUntilItIsMended) {
  const sources::TemporaryDirectory folder;
  const auto file = folder.path() + "/bgp.yaml";
  const std::string good = "asn: 64512\nlisten: []\npeers:\n- {address: '127.0.0.9'}\n";
  std::ofstream(file) << good + "pers: []\n";
  auto told = std::make_unique<Told>();
  told->tell(node("one", 1));
  auto settings = load_settings(file);
  ASSERT_TRUE(settings);
  BgpSource source(io, std::move(told), std::move(*settings), {.node = "one", .file = file});
  source.start([](const auto& /*change*/) {});
  EXPECT_THAT(texts(source), ElementsAre(HasSubstr("bgp.yaml:5: pers: unknown field, ignored")));
  std::ofstream(file) << good;
  source.reload();
  EXPECT_THAT(texts(source), IsEmpty());
}

/// Calico's BIRD has it, say, and gives it up.
TEST_F(BgpSources, ConnectWhereThePortIsTakenAndListenOnceItIsFree) {
  auto other = std::make_unique<bgp::Speaker>(io, bgp::speaker_config(1));
  ASSERT_TRUE(other->start());
  Agent one(io, "one", 1, {peer(2, bgp::SrPolicyDialect::kStandard)});
  EXPECT_THAT(texts(*one.source),
              ElementsAre(::testing::AllOf(HasSubstr("BGP/listen: "), HasSubstr("EADDRINUSE"),
                                           HasSubstr("configure another port"))));
  Agent two(io, "two", 2, {peer(1, bgp::SrPolicyDialect::kStandard)});
  expect_each_other(one, two);
  EXPECT_THAT(one.source->speaker()->listening(), IsEmpty());
  other.reset();
  EXPECT_TRUE(run_until([&] { return !one.source->speaker()->listening().empty(); }, 20s));
  EXPECT_THAT(texts(*one.source), IsEmpty());
}

/// In a cluster of IPv6 alone.
TEST_F(BgpSources, HaveAnIdentifierWithoutAnIpv4Address) {
  const auto identifier = [this](int number) {
    auto told = std::make_unique<Told>();
    auto bare = node("one", number);
    std::erase_if(bare.addresses, &IpAddress::is_v4);
    told->tell(bare);
    BgpSettings settings;
    settings.speaker.asn = 64512;
    BgpSource source(io, std::move(told), std::move(settings), {.node = "one", .file = ""});
    source.start([](const auto& /*change*/) {});
    EXPECT_THAT(texts(source), IsEmpty());
    return source.speaker()->config().router_id.to_string();
  };
  EXPECT_EQ(identifier(1), "71.76.82.69") << "it must not change from release to release";
  EXPECT_NE(identifier(1), identifier(2));
}

TEST_F(BgpSources, SayWhatTheSpeakerLacks) {
  Agent one(io, "one", 1, {});
  auto bare = node("one", 1);
  EXPECT_THAT(one.source->findings(), IsEmpty());
  auto told = std::make_unique<Told>();
  bare.addresses = {ip("10.0.0.9")};
  told->tell(bare);
  BgpSettings settings;
  settings.speaker = bgp::speaker_config(9);
  BgpSource source(io, std::move(told), std::move(settings),
                   {.node = "one", .file = "", .restarting = true});
  source.start([](const auto& /*change*/) {});
  EXPECT_TRUE(source.loaded()) << "there is nobody to wait for";
  ASSERT_EQ(source.findings().size(), 1U);
  EXPECT_EQ(source.findings().front().problem.reason,
            "node one has no IPv6 address to announce routes with");
}

}  // namespace
}  // namespace sextant::bgp_source
