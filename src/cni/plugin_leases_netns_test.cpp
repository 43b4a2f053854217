// Leases that outlive their pods: a reboot, a runtime that forgot its containers, a full disk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <fstream>
#include <memory>

#include "cni/plugin_testing.h"

namespace sextant::cni {
namespace {

using namespace cni::testing;  // the fixture and what its tests are written in
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class LeasesTest : public PluginTest {
 protected:
  void TearDown() override {
    if (!mounted_.empty()) ::umount2(mounted_.c_str(), MNT_DETACH);
    PluginTest::TearDown();
  }
  static void fill(const fs::path& folder) {
    std::ofstream filler(folder / "filler");
    while (filler << std::string(4096, 'x') << std::flush) {
    }
  }
  // .1 is the gateway's: five addresses for pods.
  [[nodiscard]] json::object small_config() const {
    return config("1.0.0", {"172.16.0.0/29", "fd00:5::/125"});
  }
  [[nodiscard]] Ended add(const std::string& container, const ScratchNetns& pod) const {
    return run(environment("ADD", container, pod), json::serialize(small_config()));
  }
  fs::path mounted_;
};

TEST_F(LeasesTest, AfterARebootTheRangeIsNotUsedUpByPodsThatAreGone) {
  for (const char* last : {"2", "3", "4", "5", "6"}) {
    leave_lease("172.16.0." + std::string(last), "before" + std::string(last) + "\r\neth0");
    leave_lease("fd00:5::" + std::string(last), "before" + std::string(last) + "\r\neth0");
  }
  const auto added = add("c1", *pod_);
  ASSERT_EQ(added.exit_status, 0) << added.output;
  EXPECT_THAT(leases(), SizeIs(2)) << "all the others were of pods that are gone";
}

TEST_F(LeasesTest, LivingPodsKeepTheirLeasesWhenOthersAreReleased) {
  ASSERT_EQ(add("c1", *pod_).exit_status, 0);
  const ScratchNetns second("pod2"), third("pod3");
  ASSERT_EQ(add("c2", second).exit_status, 0);
  for (const char* last : {"4", "5", "6"}) {
    leave_lease("172.16.0." + std::string(last), "gone" + std::string(last) + "\r\neth0");
  }
  const auto added = add("c3", third);
  ASSERT_EQ(added.exit_status, 0) << added.output;
  const std::string address(added.result().at("ips").at(0).at("address").as_string());
  EXPECT_THAT(address, ::testing::AnyOf("172.16.0.4/32", "172.16.0.5/32", "172.16.0.6/32"));
  EXPECT_THAT(leases(), UnorderedElementsAre("172.16.0.2", "fd00:5::2", "172.16.0.3", "fd00:5::3",
                                             address.substr(0, address.find('/')), "fd00:5::4"));
}

TEST_F(LeasesTest, ARangeThatLivingPodsUseUpIsAnError) {
  std::vector<std::unique_ptr<ScratchNetns>> pods;
  for (int i = 0; i < 5; ++i) {
    pods.push_back(std::make_unique<ScratchNetns>("full" + std::to_string(i)));
    ASSERT_EQ(add("c" + std::to_string(i), *pods.back()).exit_status, 0);
  }
  const auto refused = add("last", *pod_);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output, HasSubstr("no IP addresses available in range set"));
  EXPECT_THAT(leases(), SizeIs(10));
  EXPECT_THAT(host_ends(), SizeIs(5));
  EXPECT_THAT(pod_devices(*pod_), IsEmpty());
}

TEST_F(LeasesTest, LeaseFilesThatAPowerCutLeftEmptyAreReleasedToo) {
  for (const char* last : {"2", "3", "4", "5", "6"})
    leave_lease("172.16.0." + std::string(last), "");
  const auto added = add("c1", *pod_);
  ASSERT_EQ(added.exit_status, 0) << added.output;
  EXPECT_THAT(leases(), SizeIs(2));
}

TEST_F(LeasesTest, AddressesThatAnotherPluginsDeviceDeliversAreLeftAlone) {
  for (const char* last : {"2", "3", "4", "5", "6"}) {
    leave_lease("172.16.0." + std::string(last), "bridged\r\neth0");
  }
  // What the `bridge` plugin would have: the whole network on one device.
  const auto uplink = expect(netlink::get_link(*host_, "uplink"));
  expect(netlink::add_address(*host_, {uplink.index, ip("172.16.0.1"), 29}));
  const auto refused = add("c1", *pod_);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output, HasSubstr("no IP addresses available in range set"));
  EXPECT_THAT(leases(), SizeIs(5));
}

TEST_F(LeasesTest, LostLeaseFilesNeverGiveOneAddressToTwoPods) {
  ASSERT_EQ(add("c1", *pod_).exit_status, 0);
  fs::remove_all(folder_ / "leases");
  const ScratchNetns second("pod2");
  const auto refused = add("c2", second);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_EQ(refused.result().at("code"), 100);
  EXPECT_THAT(refused.output, HasSubstr("already routes the pod's address"));
  EXPECT_THAT(leases(), IsEmpty());
  // host-local goes on behind the address that it gave last, so the next try succeeds.
  const auto added = add("c2", second);
  ASSERT_EQ(added.exit_status, 0) << added.output;
  EXPECT_EQ(added.result().at("ips").at(0).at("address"), "172.16.0.3/32");
}

TEST_F(LeasesTest, ASecondAddLeavesTheFirstAttachmentAsItIs) {
  ASSERT_EQ(add("c1", *pod_).exit_status, 0);
  const ScratchNetns other("other");
  for (const ScratchNetns* netns : {&std::as_const(*pod_), &other}) {
    const auto again = add("c1", *netns);
    EXPECT_EQ(again.exit_status, 1);
    EXPECT_EQ(again.result().at("code"), 100);
    EXPECT_THAT(again.output, HasSubstr("was not followed by its DEL"));
  }
  EXPECT_THAT(leases(), SizeIs(2)) << "the pod's addresses are still its own";
  EXPECT_THAT(host_ends(), SizeIs(1));
  EXPECT_THAT(pod_devices(*pod_), ::testing::ElementsAre("eth0"));
}

TEST_F(LeasesTest, AnAddThatIsKilledHalfWayIsUndoneByDel) {
  // Leases an address and then takes the plugin away, as the kernel does when memory runs out.
  std::ofstream(folder_ / "killer")
      << "#!/bin/sh\n[ $CNI_COMMAND = ADD ] || exec " << kPluginPath << "/host-local\n"
      << kPluginPath << "/host-local && kill -9 $PPID\n";
  fs::permissions(folder_ / "killer", fs::perms::owner_all);
  plugin_path_ = folder_.string();
  auto input = small_config();
  input["ipam"].as_object()["type"] = "killer";
  EXPECT_EQ(run("ADD", input).exit_status, -1);
  EXPECT_THAT(host_ends(), SizeIs(1));
  EXPECT_THAT(leases(), SizeIs(2));
  const auto deleted = run("DEL", input);
  EXPECT_EQ(deleted.exit_status, 0) << deleted.output;
  expect_nothing_left();
}

TEST_F(LeasesTest, AFullDiskIsAnErrorThatLeavesNothingAndGoesByItself) {
  const fs::path data = folder_ / "leases";
  fs::create_directories(data);
  ASSERT_EQ(::mount("none", data.c_str(), "tmpfs", 0, "size=64k"), 0);
  mounted_ = data;
  fill(data);
  const auto refused = add("c1", *pod_);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output, HasSubstr("no space left on device"));
  expect_nothing_left();
  EXPECT_THAT(pod_devices(*pod_), IsEmpty());
  const auto deleted = run(environment("DEL", "c1", *pod_), json::serialize(small_config()));
  EXPECT_EQ(deleted.exit_status, 0) << deleted.output;

  fs::remove(data / "filler");
  const auto added = add("c1", *pod_);
  EXPECT_EQ(added.exit_status, 0) << added.output;
  // DEL frees space and needs none.
  fill(data);
  EXPECT_EQ(run(environment("DEL", "c1", *pod_), json::serialize(small_config())).exit_status, 0);
  expect_nothing_left();
}

}  // namespace
}  // namespace sextant::cni
