#include "footprint/cni_files.h"

#include <gtest/gtest.h>

#include <fstream>

namespace sextant::footprint {
namespace {

TEST(CniFiles, KnowsItsOwnInAListAndAlone) {
  const auto list = read_cni_config("10-pods.conflist", R"({"cniVersion": "1.0.0", "name": "pods",
    "plugins": [{"type": "sextant-cni", "maxSegments": 3,
                 "ipam": {"type": "host-local", "dataDir": "/srv/leases"}},
                {"type": "portmap"}]})");
  EXPECT_TRUE(list.own);
  EXPECT_EQ(list.network, "pods");
  EXPECT_EQ(list.plugins, (std::vector<std::string>{"sextant-cni", "portmap"}));
  EXPECT_EQ(list.max_segments, 3U);
  EXPECT_EQ(list.lease_directory, "/srv/leases");

  EXPECT_TRUE(read_cni_config("a.conf", R"({"name": "x", "type": "sextant-cni"})").own);
  EXPECT_FALSE(read_cni_config("a.conf", R"({"name": "x", "type": "bridge"})").own);
}

TEST(CniFiles, KnowsItsOwnHalfWritten) {
  const auto half = read_cni_config("10-a.conflist", R"({"plugins": [{"type": "sextant-cni", )");
  EXPECT_TRUE(half.own);
  EXPECT_NE(half.damage, "");
  EXPECT_TRUE(read_cni_config("10-sextant.conflist", "").own) << "empty: the disk was full";
  EXPECT_FALSE(read_cni_config("10-calico.conflist", "{").own);
}

TEST(CniFiles, NoNetworkLeadsOutOfTheLeases) {
  for (const auto* name : {"..", ".", "../../etc", "/etc"}) {
    const auto config = read_cni_config(
        "a.conf", std::string(R"({"type": "sextant-cni", "name": ")") + name + "\"}");
    EXPECT_EQ(config.network, "") << name;
  }
}

}  // namespace
}  // namespace sextant::footprint
