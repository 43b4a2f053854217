// What happens to the machine under an agent: it boots again, its clock jumps, its disk is full.
#include <gmock/gmock.h>
#include <sys/mount.h>

#include <array>
#include <ctime>
#include <fstream>

#include "e2e/shared_lab.h"
#include "testbed/files.h"
#include "testbed/pods.h"

namespace sextant::e2e {
namespace {

using testing::HasSubstr;

class HostFaults : public NodeFault {
 protected:
  static std::filesystem::path file(const std::string& name) {
    return lab().id().directory() / name;
  }
};

TEST_F(HostFaults, AfterARebootWithStateFilesLeftANodeComesUpAgain) {
  const std::string gateway = lab().netns("worker2") + "-gw";
  const auto ended = lab().end_agent("worker2", SIGKILL);  // its socket and its lock stay
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_TRUE(std::filesystem::exists(lab().id().socket("worker2")));
  EXPECT_TRUE(std::filesystem::exists(lab().id().socket("worker2").string() + ".lock"));
  ASSERT_NO_FATAL_FAILURE(shell(
      "worker2", "ip netns del " + lab().netns(testbed::Id::pod("worker2", 1)) + "; ip netns del " +
                     gateway +
                     "; for l in sextant0 sextant1; do ip link del $l 2> /dev/null || true; done"
                     "; for f in -4 -6; do ip $f route flush table all proto 200; done"
                     "; nft flush ruleset; tc qdisc del dev to-switch clsact || true"
                     "; touch /run/netns/" +
                     gateway));  // a name without a mount
  const auto from = lab().log("worker2").size();
  const auto started = lab().start_agent("worker2", {});
  ASSERT_TRUE(started) << started.error().message();
  EXPECT_THAT(lab().await_log("worker2", from, "(start): "), HasSubstr("(start): "));
  // The pod is made anew, with host-local's leases of the one before still there.
  std::filesystem::remove(file("pods") / (testbed::Id::pod("worker2", 1) + ".json"));
  const auto pods =
      testbed::make_pods(lab().id(), testbed::topology(testbed::Kind::kBasic), 1, programs());
  ASSERT_TRUE(pods) << pods.error().message();
  EXPECT_TRUE(warm_up()) << lab().log("worker2", from);
}

TEST_F(HostFaults, AClockThatJumpsChangesNothing) {
  const auto clock = file("clock");
  auto streams = Streams::start(lab(), 1000);
  ASSERT_TRUE(streams) << streams.error().message();
  ASSERT_TRUE(streams->go_on(50));
  constexpr long kYear = 365L * 24 * 3600;
  for (const long jump : {10 * kYear, -10 * kYear}) {
    SCOPED_TRACE(jump);
    std::filesystem::remove(clock);
    ASSERT_NO_FATAL_FAILURE(restart(
        "master", {.environment = {{"LD_PRELOAD", clock_jump()}, {"SEXTANT_TEST_CLOCK", clock}}}));
    ASSERT_TRUE(testbed::write_file(clock, std::to_string(jump)));
    const auto from = lab().log("master").size();
    // More often than repairs are made at once: the rest wait for timers.
    for (int i = 0; i < 6; ++i) {
      const auto table = output("master", "ip route show table all proto 200");
      ASSERT_NO_FATAL_FAILURE(shell("master", "ip route flush table all proto 200"));
      ASSERT_TRUE(await([&] {
        return output("master", "ip route show table all proto 200") == table;
      })) << "repair "
          << i;
    }
    const auto now = std::time(nullptr) + jump;
    std::array<char, 5> year{};
    ASSERT_GT(std::strftime(year.data(), year.size(), "%Y", std::localtime(&now)), 0U);
    EXPECT_THAT(lab().log("master", from), HasSubstr(std::string(year.data()) + "-"))
        << "the clock did not jump";
  }
  streams->expect_back_within(std::chrono::seconds(3));
  ASSERT_NO_FATAL_FAILURE(restart("master", {}));
  EXPECT_THAT(lab().await_status("master", "\"healthy\":true"), HasSubstr("\"healthy\":true"));
}

/// A file system with room for nothing more.
class FullDisk {
 public:
  explicit FullDisk(std::filesystem::path at) : at_(std::move(at)) {
    std::filesystem::create_directories(at_);
    mounted_ = ::mount("sextant-test", at_.c_str(), "tmpfs", 0, "size=64k,nr_inodes=16") == 0;
  }
  ~FullDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  [[nodiscard]] bool is_mounted() const { return mounted_; }
  void fill() const {
    for (int i = 0; i < 32; ++i) std::ofstream(at_ / ("filler" + std::to_string(i))) << "x";
    std::ofstream(at_ / "filler0") << std::string(1 << 17, 'x');
  }
  void make_room() const {
    for (int i = 0; i < 32; ++i) std::filesystem::remove(at_ / ("filler" + std::to_string(i)));
  }

 private:
  std::filesystem::path at_;
  bool mounted_ = false;
};

TEST_F(HostFaults, AFullDiskIsNamedAndKeepsNothingFromWorking) {
  const FullDisk disk(file("full"));
  if (!disk.is_mounted()) GTEST_SKIP() << "no tmpfs can be mounted here";
  const auto manifests = file("full") / "manifests";
  const auto socket = file("full") / "agent.sock";
  std::filesystem::copy(lab().id().manifests(), manifests);
  disk.fill();
  auto streams = Streams::start(lab(), 10'000);
  ASSERT_TRUE(streams) << streams.error().message();
  ASSERT_TRUE(streams->go_on(100));
  const auto from = lab().log("master").size();
  ASSERT_NO_FATAL_FAILURE(restart("master", {.manifests = manifests, .socket = socket}));
  const auto log = lab().await_log("master", from, "(start): ");
  EXPECT_THAT(log, HasSubstr("(start): ")) << "it does not go on";
  EXPECT_THAT(log, HasSubstr(socket.string() + ": No space left on device"));
  EXPECT_THAT(log, HasSubstr(socket.string() + ".lock: No space left on device"));
  // It works on: damage is repaired.
  ASSERT_NO_FATAL_FAILURE(shell("master", "nft delete table ip6 sextant"));
  EXPECT_THAT(lab().await_log("master", from, "somebody changed"), HasSubstr("nftables"));
  EXPECT_TRUE(streams->go_on(1000));
  disk.make_room();
  EXPECT_THAT(lab().await_log("master", from, "the API is served"),
              HasSubstr("the API is served on " + socket.string()));
  EXPECT_TRUE(std::filesystem::is_socket(socket));
  streams->expect_lossless();
  ASSERT_NO_FATAL_FAILURE(restart("master", {}));
  EXPECT_THAT(lab().await_status("master", "\"healthy\":true"), HasSubstr("\"healthy\":true"));
}

}  // namespace
}  // namespace sextant::e2e
