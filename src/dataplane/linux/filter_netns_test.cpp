#include <gtest/gtest.h>
#include <nftables/libnftables.h>

#include <optional>
#include <string>
#include <vector>

#include "dataplane/linux/filter.h"
#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/testing.h"

namespace sextant::dataplane {
namespace {

using netlink::testing::expect;
using netlink::testing::missing_privilege;
using netlink::testing::ScratchNetns;

IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }

class Filter : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = missing_privilege(); !why.empty()) GTEST_SKIP() << why;
    netns_.emplace("filter");
    auto socket = netns_->socket();
    expect(netlink::create_veth(socket, {.name = std::string(kHostOuter)}, {.name = "outer"}));
  }

  /// A device of the name; none where the kernel does not allow it.
  std::optional<Uplink> add_device(const std::string& name, const std::string& peer) {
    auto socket = netns_->socket();
    if (!netlink::create_veth(socket, {.name = name}, {.name = peer})) return std::nullopt;
    const auto link = expect(netlink::get_link(socket, name));
    return Uplink{.index = netlink::number(link.index), .name = name};
  }
  bool sync(const Ruleset& ruleset) {
    return expect(netns_->netns().run([&] { return sync_ruleset(ruleset); }));
  }
  /// Runs nft commands inside; what they print.
  std::string nft(const std::string& commands) {
    return expect(netns_->netns().run([&]() -> Result<std::string> {
      nft_ctx* const context = nft_ctx_new(NFT_CTX_DEFAULT);
      nft_ctx_buffer_output(context);
      nft_ctx_buffer_error(context);
      const int status = nft_run_cmd_from_buffer(context, commands.c_str());
      const std::string output = nft_ctx_get_output_buffer(context);
      const std::string error = nft_ctx_get_error_buffer(context);
      nft_ctx_free(context);
      if (status != 0) return failure("run nft", commands, error);
      return output;
    }));
  }
  void expect_written_once(const Ruleset& ruleset, const std::string& what) {
    EXPECT_TRUE(sync(ruleset)) << what;
    EXPECT_FALSE(sync(ruleset)) << what << ": what is there reads as something else:\n"
                                << nft("list ruleset") << "\nwanted:\n"
                                << ruleset.text;
  }

  std::optional<ScratchNetns> netns_;
};

TEST_F(Filter, IsWrittenOnceWhateverItsPrefixes) {
  const auto uplink = *add_device("up0", "up0p");
  FilterInput input{.uplinks = {uplink}};
  expect_written_once(host_ruleset(input), "no SIDs");
  input.gateway_sids = {prefix("fcdd:0:0:a::/64")};
  expect_written_once(host_ruleset(input), "a locator");
  input.host_sids = {prefix("fcdd:0:0:a:5::/128")};
  expect_written_once(host_ruleset(input), "a locator with End.X");
  input.nodes = {prefix("fd10::a/128"), prefix("fd11::b/128")};
  input.sid_domain = {prefix("cafe::1/128"), prefix("fcdd::/48")};
  expect_written_once(host_ruleset(input), "a domain");
  input.sid_sources = {prefix("fd99::/16")};
  expect_written_once(host_ruleset(input), "a domain that is strict about sources");
  // Neighbors, which an interval set must not melt together, and hosts at both ends of a prefix.
  for (int i = 0; i < 300; ++i) {
    input.gateway_sids.insert(
        IpPrefix::host(*prefix("fcee::/64").at(static_cast<std::uint64_t>(i))));
  }
  input.gateway_sids.insert(prefix("fcef::/64"));
  input.gateway_sids.insert(prefix("fcef:0:0:1::/64"));
  input.gateway_sids.insert(prefix("fcef:0:0:2::/128"));
  expect_written_once(host_ruleset(input), "many SIDs");
}

TEST_F(Filter, IsWrittenOnceWhateverItsUplinks) {
  FilterInput input{.gateway_sids = {prefix("fcdd:0:0:a::/64")}};
  expect_written_once(host_ruleset(input), "none");
  const std::vector<std::string> names{
      "eth0", "eth0.100", "wan@home", "a\"b", "a\\b", "a*",  "a{b}",      "a#b",
      "a;b",  "$x",       "a,b",      "123",  "-x",   "a'b", "\xc3\xa9t", "15characters-15"};
  std::size_t allowed = 0;
  for (const auto& name : names) {
    const auto uplink = add_device(name, "p" + std::to_string(allowed));
    if (!uplink) continue;
    ++allowed;
    input.uplinks.insert(*uplink);
    if (name.find_first_of("\"*") != std::string::npos) {
      EXPECT_FALSE(sync(host_ruleset(input))) << name;
    } else {
      expect_written_once(host_ruleset(input), name);
    }
  }
  EXPECT_GT(allowed, 8U);
}

TEST_F(Filter, IsRepairedAfterEveryKindOfDamage) {
  const auto uplink = *add_device("up0", "up0p");
  const auto ruleset = host_ruleset({.gateway_sids = {prefix("fcdd:0:0:a::/64")},
                                     .host_sids = {prefix("fcdd:0:0:a:5::/128")},
                                     .sid_domain = {prefix("fcdd::/16")},
                                     .nodes = {prefix("fd10::a/128")},
                                     .uplinks = {uplink}});
  expect_written_once(ruleset, "the first time");
  for (const std::string damage :
       {"delete table ip6 sextant", "delete table netdev sextant", "flush ruleset",
        "flush chain ip6 sextant prerouting", "add rule ip6 sextant prerouting counter",
        "add chain ip6 sextant more", "flush set netdev sextant gateway_sids",
        "add element ip6 sextant host_sids { fcdd:0:0:a:6:: }", "flush set ip6 sextant sid_domain",
        "delete element netdev sextant nodes { fd10::a }", "delete table ip sextant"}) {
    nft(damage);
    expect_written_once(ruleset, damage);
  }
}

TEST_F(Filter, ForeignTablesAreLeftAlone) {
  nft("add table inet sextant\n"
      "add chain inet sextant forward { type filter hook forward priority 0; }\n"
      "add table ip6 other\n"
      "add table netdev other\n"
      "add set ip6 other gateway_sids { type ipv6_addr; }\n");
  const auto foreign = nft("list ruleset");
  EXPECT_TRUE(sync(host_ruleset({.gateway_sids = {prefix("fcdd::/64")}})));
  EXPECT_NE(nft("list ruleset"), foreign);
  expect(netns_->netns().run([] { return remove_ruleset(); }));
  EXPECT_EQ(nft("list ruleset"), foreign);
  expect(netns_->netns().run([] { return remove_ruleset(); }));
  EXPECT_EQ(nft("list ruleset"), foreign) << "nothing to remove is no error";
}

TEST_F(Filter, ARefusedRulesetChangesNothing) {
  const auto good = host_ruleset({.gateway_sids = {prefix("fcdd::/64")}});
  EXPECT_TRUE(sync(good));
  const auto before = nft("list ruleset");
  auto bad = good;
  bad.text += "table ip6 sextant { no such words }";
  const auto refused = netns_->netns().run([&] { return sync_ruleset(bad); });
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("syntax error"), std::string::npos)
      << refused.error().message();
  EXPECT_EQ(nft("list ruleset"), before);
}

TEST_F(Filter, OfTheGatewayIsWrittenOnceAndGoesWhenItIsEmpty) {
  const auto marked =
      gateway_ruleset({srv6::Sid::parse("fcdd::14").value(), srv6::Sid::parse("fcde::14").value()});
  expect_written_once(marked, "two SIDs");
  EXPECT_TRUE(sync(gateway_ruleset({})));
  EXPECT_FALSE(sync(gateway_ruleset({})));
  EXPECT_EQ(nft("list ruleset"), "");
}

}  // namespace
}  // namespace sextant::dataplane
