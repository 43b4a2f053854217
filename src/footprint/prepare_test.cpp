#include "footprint/prepare.h"

#include <gtest/gtest.h>

namespace sextant::footprint {
namespace {

const std::string kHost =
    "25 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
    "30 25 0:24 / /run rw,nosuid shared:5 - tmpfs tmpfs rw\n";

TEST(Prepare, NamesThatAreNoMountPointLieWhereTheyAre) {
  EXPECT_FALSE(keeps_mounts(kHost, "/run/netns"));
}

TEST(Prepare, TellsMountsThatReachTheNodeFromOthers) {
  const auto with = [](const std::string& propagation) {
    auto text = kHost;
    text += "90 30 0:24 /netns /run/netns rw,nosuid";
    text += propagation;
    return text += " - tmpfs tmpfs rw\n";
  };
  EXPECT_FALSE(keeps_mounts(with(" shared:5"), "/run/netns")) << "Bidirectional";
  EXPECT_FALSE(keeps_mounts(with(" shared:9 master:5"), "/run/netns"));
  EXPECT_TRUE(keeps_mounts(with(" master:5"), "/run/netns")) << "HostToContainer";
  EXPECT_TRUE(keeps_mounts(with(""), "/run/netns")) << "None";
  EXPECT_TRUE(keeps_mounts(with(" shared:5") + with(" master:5"), "/run/netns"))
      << "the one on top counts";
}

}  // namespace
}  // namespace sextant::footprint
