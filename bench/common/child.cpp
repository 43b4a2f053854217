#include "common/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <utility>

#include "common/program.h"

namespace sextant::bench {
namespace {

[[noreturn]] void become(char* const* arguments) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const int number : {SIGINT, SIGTERM, SIGPIPE}) ::signal(number, SIG_DFL);
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  ::execvp(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

Child::Child(const Space& space, const std::vector<std::string>& command) : name_(command.front()) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_ = must(space.netns().fork_inside([&]() -> int { become(arguments.data()); }));
}

void Child::check() const {
  int status = 0;
  if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) != pid_) return;
  pid_ = -1;
  throw std::runtime_error(fmt::format("{} ended early, with status {}", name_,
                                       WIFEXITED(status) ? WEXITSTATUS(status) : 128));
}

Child::~Child() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace sextant::bench
