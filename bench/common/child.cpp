#include "common/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "base/unique_fd.h"
#include "common/program.h"

namespace sextant::bench {
namespace {

constexpr int kEndTimeoutMs = 30'000;

[[noreturn]] void become(char* const* arguments, const char* log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE}) ::signal(number, SIG_DFL);
  const int null = ::open("/dev/null", O_RDWR);
  const int out = *log == '\0' ? null : ::open(log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::dup2(null, STDIN_FILENO);
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) ::dup2(out, fd);
  ::execvp(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

Child::Child(const Space& space, const std::vector<std::string>& command,
             const std::filesystem::path& log)
    : name_(command.front()) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_ = must(space.netns().fork_inside([&]() -> int { become(arguments.data(), log.c_str()); }));
}

void Child::check() const {
  int status = 0;
  if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) != pid_) return;
  pid_ = -1;
  throw std::runtime_error(fmt::format("{} ended early, with status {}", name_,
                                       WIFEXITED(status) ? WEXITSTATUS(status) : 128));
}

void Child::end() {
  check();
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
  if (!handle || ::kill(pid_, SIGTERM) != 0 || ::poll(&ended, 1, kEndTimeoutMs) != 1) {
    check_interruption();
    throw std::runtime_error(name_ + " does not end");
  }
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

Child::~Child() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace sextant::bench
