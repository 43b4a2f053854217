// The injector's settings: BGP's, less what only a node has.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "injector/daemon/injector.h"

namespace sextant::injector {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Result<bgp::SpeakerConfig> load(const std::string& text) {
  auto name = (fs::temp_directory_path() / "injector-settings-XXXXXX").string();
  const int fd = ::mkstemp(name.data());
  EXPECT_GE(fd, 0);
  ::close(fd);
  std::ofstream(name) << text;
  auto loaded = load_speaker(name);
  fs::remove(name);
  return loaded;
}

TEST(InjectorSettings, AreThoseOfBgp) {
  const auto config = load(
      "asn: 64512\nrouterId: 10.0.0.9\nlisten: [{address: \"::1\", port: 1179}]\n"
      "peers:\n- {address: fd10::1}\n- {address: fd11::1, families: [ipv6-srpolicy]}\n"
      "- {address: fd12::1, asn: 65001}\n");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_TRUE(config->forwards_nothing);
  EXPECT_FALSE(config->restarting) << "it has nothing to wait for";
  const auto families = [&](std::size_t peer) {
    std::vector<bgp::Family> found;
    for (const auto& family : config->peers.at(peer).families) found.push_back(family.family);
    return found;
  };
  EXPECT_THAT(families(0), ElementsAre(bgp::kSrPolicyIpv6, bgp::kSrPolicyIpv4, bgp::kLinkState));
  EXPECT_THAT(families(1), ElementsAre(bgp::kSrPolicyIpv6));
  EXPECT_THAT(families(2), ElementsAre(bgp::kSrPolicyIpv6, bgp::kSrPolicyIpv4))
      << "what headends do is their own AS's business";
}

TEST(InjectorSettings, KnowNoNode) {
  const auto without = load("asn: 64512\npeers: [{address: fd10::1}]\n");
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message(), HasSubstr("'routerId' is missing"));
  const auto mesh = load("asn: 64512\nrouterId: 10.0.0.9\nmesh: {}\n");
  ASSERT_FALSE(mesh);
  EXPECT_THAT(mesh.error().message(), HasSubstr("'mesh' and 'calico' are for nodes"));
  const auto bad = load("asn: 0\npeers: [{address: x}]\n");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().message(), HasSubstr(":1: asn: 0 is not"));
  EXPECT_THAT(bad.error().message(), HasSubstr("'x' is not"));
}

}  // namespace
}  // namespace sextant::injector
