#include "agent/process.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>

#include "agent/test_support.h"
#include "base/unique_fd.h"

namespace sextant::agent {
namespace {

class NotifyTest : public ::testing::Test {
 protected:
  void TearDown() override { ::unsetenv("NOTIFY_SOCKET"); }

  /// A service manager's socket of that name; a leading '@' stands for the abstract namespace.
  static UniqueFd service_manager(const std::string& name) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
    return fd;
  }
  static std::string received(const UniqueFd& fd) {
    std::string text(100, '\0');
    const auto size = ::recv(fd.get(), text.data(), text.size(), 0);
    return text.substr(0, size < 0 ? 0 : static_cast<std::size_t>(size));
  }
};

TEST_F(NotifyTest, TellsTheServiceManagerOnASocketFile) {
  const TemporaryFolder folder;
  const auto manager = service_manager(folder.path() / "notify");
  notify_service_manager("READY=1");
  EXPECT_EQ(received(manager), "READY=1");
}

TEST_F(NotifyTest, TellsTheServiceManagerOnAnAbstractSocket) {
  const auto manager = service_manager("@sextant-notify-test-" + std::to_string(::getpid()));
  notify_service_manager("STOPPING=1");
  EXPECT_EQ(received(manager), "STOPPING=1");
}

TEST_F(NotifyTest, BearsThatNobodyListens) {
  ::unsetenv("NOTIFY_SOCKET");
  notify_service_manager("READY=1");
  for (const auto* name : {"", "x", "/nonexistent/notify"}) {
    ::setenv("NOTIFY_SOCKET", name, 1);
    notify_service_manager("READY=1");
  }
}

}  // namespace
}  // namespace sextant::agent
