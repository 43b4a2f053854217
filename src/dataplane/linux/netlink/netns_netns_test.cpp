#include "dataplane/linux/netlink/netns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "dataplane/linux/netlink/sysctl.h"
#include "dataplane/linux/netlink/testing.h"

namespace sextant::netlink {
namespace {

using testing::expect;
using testing::ScratchNetns;

class NetnsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = testing::missing_privilege(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_F(NetnsTest, IsMadeListedAndRemovedByName) {
  const std::string name = "sx-t" + std::to_string(::getpid()) + "-made";
  {
    const ScratchNetns scratch("made");
    EXPECT_EQ(scratch.name(), name);
    EXPECT_THAT(expect(Netns::list()), ::testing::Contains(name));
    EXPECT_EQ(Netns::create(name).error().errno_value, EEXIST);
    EXPECT_EQ(expect(expect(Netns::open(name)).id()), expect(scratch.netns().id()));
    EXPECT_NE(expect(expect(Netns::current()).id()), expect(scratch.netns().id()));
    EXPECT_EQ(expect(expect(Netns::open_pid(::getpid())).id()),
              expect(expect(Netns::current()).id()));
  }
  EXPECT_THAT(expect(Netns::list()), ::testing::Not(::testing::Contains(name)));
  EXPECT_EQ(Netns::open(name).error().errno_value, ENOENT);
  expect(Netns::remove(name));
}

TEST_F(NetnsTest, RefusesWhatIsNoName) {
  for (const char* bad : {"", ".", "..", "a/b", "../x"}) {
    EXPECT_FALSE(Netns::create(bad)) << bad;
    EXPECT_FALSE(Netns::open(bad)) << bad;
    EXPECT_FALSE(Netns::remove(bad)) << bad;
  }
}

TEST_F(NetnsTest, OpensOnlyNetworkNamespaces) {
  EXPECT_EQ(Netns::open_path("/proc/self/ns/mnt").error().errno_value, EINVAL);
  EXPECT_EQ(Netns::open_path("/etc/hostname").error().errno_value, EINVAL);
  EXPECT_EQ(Netns::open_path("/nonexistent").error().errno_value, ENOENT);
  // What a removal that stopped half way leaves behind.
  const std::string left = "sx-t" + std::to_string(::getpid()) + "-left";
  const ScratchNetns makes_the_directory("dir");
  std::ofstream("/run/netns/" + left).close();
  EXPECT_EQ(Netns::open(left).error().errno_value, EINVAL);
  expect(Netns::remove(left));
  EXPECT_FALSE(std::filesystem::exists("/run/netns/" + left));
}

TEST_F(NetnsTest, RunsFunctionsInsideAndLeavesTheCallerOutside) {
  const ScratchNetns scratch("run");
  const auto outside = expect(expect(Netns::current()).id());
  const auto inside = expect(scratch.netns().run([] { return Netns::current().value().id(); }));
  EXPECT_EQ(inside, expect(scratch.netns().id()));
  EXPECT_EQ(expect(expect(Netns::current()).id()), outside);
  EXPECT_EQ(expect(scratch.netns().run([] { return 42; })), 42);
  expect(scratch.netns().run([] {}));
  EXPECT_THROW((void)scratch.netns().run([] { throw std::runtime_error("inside"); }),
               std::runtime_error);
}

TEST_F(NetnsTest, SocketsMadeInsideWorkOutside) {
  const ScratchNetns scratch("socket");
  Socket socket = scratch.socket();
  const auto links = expect(list_links(socket));
  ASSERT_EQ(links.size(), 1U);
  EXPECT_EQ(links[0].name, "lo");
  EXPECT_TRUE(links[0].is_loopback());
  EXPECT_TRUE(links[0].is_up());
}

TEST_F(NetnsTest, ForksAChildInside) {
  const ScratchNetns scratch("fork");
  const auto id = expect(scratch.netns().id());
  const pid_t child = expect(scratch.netns().fork_inside(
      [&] { return Netns::current().value().id().value() == id ? 7 : 1; }));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(NetnsTest, SysctlsAreTheNamespacesOwnAndWrittenOnlyWhenDifferent) {
  const ScratchNetns scratch("sysctl");
  const auto outside = expect(read_sysctl("net.ipv6.conf.all.forwarding"));
  expect(scratch.netns().run([] {
    EXPECT_TRUE(expect(write_sysctl("net/ipv6/conf/all/forwarding", "1")));
    EXPECT_FALSE(expect(write_sysctl("net.ipv6.conf.all.forwarding", "1")));
    EXPECT_EQ(expect(read_sysctl("net.ipv6.conf.all.forwarding")), "1");
    EXPECT_TRUE(expect(write_sysctl("net.ipv4.ip_local_port_range", "20000 30000")));
    EXPECT_FALSE(expect(write_sysctl("net.ipv4.ip_local_port_range", "20000 30000")));
  }));
  EXPECT_EQ(expect(read_sysctl("net.ipv6.conf.all.forwarding")), outside);
  EXPECT_EQ(read_sysctl("net.ipv4.no_such").error().errno_value, ENOENT);
  EXPECT_EQ(write_sysctl("net.ipv4.no_such", "1").error().errno_value, ENOENT);
  EXPECT_FALSE(read_sysctl("../../etc/hostname"));
  EXPECT_FALSE(write_sysctl("net.ipv4.ip_forward", "many"));
}

}  // namespace
}  // namespace sextant::netlink
