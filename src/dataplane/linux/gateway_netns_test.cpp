// The gateway's name as a container sees it: with mounts that come from the node and do not go
// back.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <iostream>

#include "dataplane/linux/gateway.h"

namespace sextant::dataplane {
namespace {

/// In namespaces of its own, as its process 1; the exit status says whether all was well.
int in_namespaces(int kinds, const std::function<bool()>& work) {
  const pid_t outer = ::fork();
  if (outer == 0) {
    if (::unshare(kinds | CLONE_NEWPID | CLONE_NEWNS) != 0) ::_exit(2);
    const pid_t inner = ::fork();
    if (inner == 0) {
      const bool well = ::mount("", "/", "none", MS_SLAVE | MS_REC, nullptr) == 0 &&
                        ::mount("proc", "/proc", "proc", 0, nullptr) == 0 && work();
      std::cout.flush();
      ::_exit(well ? 0 : 1);
    }
    int status = 0;
    ::waitpid(inner, &status, 0);
    ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
  }
  int status = 0;
  ::waitpid(outer, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

bool is_named(const std::string& name) {
  return std::filesystem::exists(std::filesystem::path("/run/netns") / name);
}

bool remove_gateway() {
  auto socket = netlink::Socket::make();
  if (!socket) return false;
  const auto removed = Gateway::remove(*socket);
  if (!removed) std::cout << removed.error().message() << '\n';
  return removed.has_value();
}

TEST(GatewayName, IsRemovedFromTheNodeByAContainerWithSeveralCopiesOfTheFolder) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, for namespaces";
  const int status = in_namespaces(CLONE_NEWNET, [] {
    if (::mount("run", "/run", "tmpfs", 0, "mode=755") != 0 ||
        ::mount("", "/run", "none", MS_SHARED, nullptr) != 0) {
      return false;
    }
    ApplyReport report;
    const auto made = Gateway::open_or_create(report);
    if (!made || !is_named("sextant")) return false;
    // Slave mounts, the folder mounted over itself, as `ip netns add` on the node leads to.
    const int container = in_namespaces(0, [] {
      return ::mount("/run/netns", "/run/netns", "none", MS_BIND | MS_REC, nullptr) == 0 &&
             ::mount("/run/netns", "/run/netns", "none", MS_BIND | MS_REC, nullptr) == 0 &&
             Gateway::exists() && remove_gateway();
    });
    return container == 0 && !is_named("sextant");
  });
  EXPECT_EQ(status, 0);
}

TEST(GatewayName, AContainerOpensWhatTheNodeMade) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, for namespaces";
  const int status = in_namespaces(CLONE_NEWNET, [] {
    if (::mount("run", "/run", "tmpfs", 0, "mode=755") != 0) return false;
    ApplyReport report;
    if (!Gateway::open_or_create(report) || report.writes != 1) return false;
    const int container = in_namespaces(0, [] {
      ApplyReport again;
      return Gateway::open_or_create(again).has_value() && again.writes == 0;
    });
    return container == 0;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sextant::dataplane
