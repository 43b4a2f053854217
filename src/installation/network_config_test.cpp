#include "installation/network_config.h"

#include <gtest/gtest.h>

#include "agent/test_support.h"
#include "footprint/cni_files.h"

namespace sextant::installation {
namespace {

namespace fs = std::filesystem;

class NetworkConfigTest : public ::testing::Test {
 protected:
  NetworkConfigTest() : folder_(root_.path() / "net.d"), socket_(root_.path() / "run/s.sock") {}
  [[nodiscard]] std::vector<footprint::CniConfig> own() const {
    return footprint::own_cni_configs(folder_);
  }
  agent::TemporaryFolder root_;
  fs::path folder_, socket_;
  NetworkConfig config_{folder_, socket_, 4};
  std::vector<IpPrefix> prefixes_{IpPrefix::parse("172.16.0.0/26").value(),
                                  IpPrefix::parse("fdfb::/122").value()};
};

TEST_F(NetworkConfigTest, IsWrittenWithTheNodesPodPrefixesWhereABootTakesItAway) {
  EXPECT_TRUE(config_.publish({}));
  EXPECT_TRUE(own().empty()) << "a node without pod prefixes has no network for pods";
  EXPECT_TRUE(config_.publish(prefixes_));
  ASSERT_EQ(own().size(), 1U);
  EXPECT_EQ(own()[0].max_segments, 4U);
  EXPECT_EQ(fs::read_symlink(own()[0].path).parent_path(), socket_.parent_path() / "cni");
}

TEST_F(NetworkConfigTest, StaysWhenTheNodeHasNoPodPrefixesForAWhile) {
  ASSERT_TRUE(config_.publish(prefixes_));
  EXPECT_TRUE(config_.publish({}));
  EXPECT_EQ(own().size(), 1U) << "pods run with it, and must be able to end";
}

TEST_F(NetworkConfigTest, IsTriedAgainWhereAnotherNetworkComesFirst) {
  fs::create_directories(folder_);
  agent::write_file(folder_ / "05-other.conflist", R"({"name": "other", "plugins": []})");
  EXPECT_FALSE(config_.publish(prefixes_));
  EXPECT_TRUE(own().empty());
  fs::remove(folder_ / "05-other.conflist");
  EXPECT_TRUE(config_.publish(prefixes_));
  EXPECT_EQ(own().size(), 1U);
}

}  // namespace
}  // namespace sextant::installation
