#include "cni/leases.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>

#include "base/unique_fd.h"

namespace sextant::cni {
namespace {

namespace fs = std::filesystem;
using ::testing::UnorderedElementsAre;

class Leases : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sextant-leases-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& each : fs::directory_iterator(folder_)) {
      names.push_back(each.path().filename().string());
    }
    return names;
  }
  fs::path folder_;
};

TEST_F(Leases, OnlyStaleOnesAreReleasedAndOtherFilesStay) {
  write("172.16.0.2", "c1\r\neth0");
  write("172.16.0.3", "c2\r\neth0");
  write("fd00::2", "c1\r\neth0");
  write("fd00::3", "old");  // before host-local kept the interface
  write("172.16.0.4", "");
  write("last_reserved_ip.0", "172.16.0.4");
  std::vector<std::pair<std::string, std::optional<Owner>>> seen;
  const auto released = release_leases(folder_, [&](const Lease& lease) {
    seen.emplace_back(lease.address.to_string(), lease.owner);
    return lease.owner == Owner{"c2", "eth0"} || !lease.owner;
  });
  ASSERT_TRUE(released) << released.error().message();
  EXPECT_THAT(seen, UnorderedElementsAre(std::pair("172.16.0.2", Owner{"c1", "eth0"}),
                                         std::pair("172.16.0.3", Owner{"c2", "eth0"}),
                                         std::pair("fd00::2", Owner{"c1", "eth0"}),
                                         std::pair("fd00::3", Owner{"old", ""}),
                                         std::pair("172.16.0.4", std::optional<Owner>{})));
  EXPECT_EQ(released->size(), 2U);
  EXPECT_THAT(files(), UnorderedElementsAre("172.16.0.2", "fd00::2", "fd00::3",
                                            "last_reserved_ip.0", "lock"));
}

TEST_F(Leases, NothingIsReleasedWhileHostLocalHoldsTheLock) {
  write("172.16.0.2", "c1\r\neth0");
  write("lock", "");
  const UniqueFd held(::open((folder_ / "lock").c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  auto releasing = std::async(std::launch::async, [&] {
    return release_leases(folder_, [](const Lease&) { return true; });
  });
  EXPECT_EQ(releasing.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  EXPECT_TRUE(fs::exists(folder_ / "172.16.0.2"));
  ASSERT_EQ(::flock(held.get(), LOCK_UN), 0);
  EXPECT_EQ(releasing.get()->size(), 1U);
  EXPECT_FALSE(fs::exists(folder_ / "172.16.0.2"));
}

TEST_F(Leases, AFolderThatIsNotThereHoldsNone) {
  const auto released =
      release_leases((folder_ / "no-such").string(), [](const Lease&) { return true; });
  ASSERT_TRUE(released);
  EXPECT_TRUE(released->empty());
  EXPECT_FALSE(fs::exists(folder_ / "no-such"));
}

}  // namespace
}  // namespace sextant::cni
