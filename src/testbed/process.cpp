#include "testbed/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>
#include <optional>
#include <thread>

#include "base/unique_fd.h"
#include "testbed/files.h"

namespace sextant::testbed {
namespace {

using Clock = std::chrono::steady_clock;

/// What exec needs, laid out before the fork.
struct Prepared {
  std::vector<std::string> texts;
  std::vector<char*> argv;
  std::vector<char*> envp;
  UniqueFd netns;
};

Result<Prepared> prepare(const Command& command) {
  Prepared result;
  std::map<std::string, std::string> environment = command.environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) {
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  result.texts = command.arguments;
  for (const auto& [key, value] : environment) result.texts.push_back(key + "=" + value);
  for (std::size_t i = 0; i < result.texts.size(); ++i) {
    (i < command.arguments.size() ? result.argv : result.envp).push_back(result.texts[i].data());
  }
  result.argv.push_back(nullptr);
  result.envp.push_back(nullptr);
  if (!command.netns.empty()) {
    const std::string path = "/run/netns/" + command.netns;
    result.netns.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!result.netns) return system_error("enter network namespace", command.netns, errno);
  }
  return result;
}

/// In the child: what fails is told by its errno through `report` (closed by exec).
[[noreturn]] void become(const Prepared& prepared, int report) {
  if (!prepared.netns || ::setns(prepared.netns.get(), CLONE_NEWNET) == 0) {
    struct sigaction normal {};
    normal.sa_handler = SIG_DFL;
    for (const int number : {SIGINT, SIGTERM, SIGPIPE, SIGHUP}) {
      ::sigaction(number, &normal, nullptr);
    }
    ::execvpe(prepared.argv[0], prepared.argv.data(), prepared.envp.data());
  }
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(report, &error, sizeof error);
  ::_exit(127);
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return system_error("make", "a pipe", errno);
  return Pipe{UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

std::optional<int> read_int(int fd) {
  int value = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &value, sizeof value);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof value) return std::nullopt;
  return value;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

UniqueFd open_pidfd(pid_t pid) {
  return UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

int milliseconds_until(Clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
  return static_cast<int>(std::max<decltype(left)>(left, 0));
}

/// Feeds `input` to the child and collects both of its outputs; false after the deadline.
bool converse(const std::string& input, UniqueFd to_child, std::array<UniqueFd, 2> from_child,
              Output& output, Clock::time_point end) {
  const std::array<std::string*, 2> texts{&output.out, &output.err};
  std::size_t sent = 0;
  ::fcntl(to_child.get(), F_SETFL, O_NONBLOCK);
  if (input.empty()) to_child.reset();
  std::array<char, 16384> buffer{};
  while (from_child[0] || from_child[1]) {
    std::array<pollfd, 3> wait{pollfd{from_child[0].get(), POLLIN, 0},
                               pollfd{from_child[1].get(), POLLIN, 0},
                               pollfd{to_child.get(), POLLOUT, 0}};
    const int ready = ::poll(wait.data(), wait.size(), milliseconds_until(end));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    for (std::size_t i = 0; i < 2; ++i) {
      if (wait[i].revents == 0) continue;
      const ssize_t got = ::read(wait[i].fd, buffer.data(), buffer.size());
      if (got > 0) {
        texts[i]->append(buffer.data(), static_cast<std::size_t>(got));
      } else {
        from_child[i].reset();
      }
    }
    if (wait[2].revents != 0) {
      const ssize_t put = ::write(wait[2].fd, input.data() + sent, input.size() - sent);
      if (put > 0) sent += static_cast<std::size_t>(put);
      // EPIPE: it does not want its input, which is its own affair.
      if (put < 0 || sent == input.size()) to_child.reset();
    }
  }
  return true;
}

/// Only the write end of the pipe may meet a reader that is gone; its EPIPE is handled there.
void ignore_broken_pipes() { ::signal(SIGPIPE, SIG_IGN); }

}  // namespace

std::string Command::name() const {
  return arguments.empty() ? "" : std::filesystem::path{arguments.front()}.filename().string();
}

Result<Output> run(const Command& command, std::chrono::milliseconds limit) {
  const auto end = Clock::now() + limit;
  ignore_broken_pipes();
  auto prepared = prepare(command);
  if (!prepared) return tl::unexpected(prepared.error());
  std::array<Pipe, 4> pipes;  // input, output, errors, report
  for (Pipe& each : pipes) {
    auto made = make_pipe();
    if (!made) return tl::unexpected(made.error());
    each = std::move(*made);
  }
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("start", command.name(), errno);
  if (pid == 0) {
    // Else what is left of a killed `up` goes on writing into what `down` removes.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != self) ::_exit(127);  // it was killed before that
    ::dup2(pipes[0].read.get(), 0);
    ::dup2(pipes[1].write.get(), 1);
    ::dup2(pipes[2].write.get(), 2);
    become(*prepared, pipes[3].write.get());
  }
  pipes[0].read.reset();
  for (std::size_t i = 1; i < pipes.size(); ++i) pipes[i].write.reset();
  if (const auto error = read_int(pipes[3].read.get())) {
    wait_for(pid);
    return system_error("start", command.name(), *error);
  }
  Output output;
  const bool in_time = converse(command.input, std::move(pipes[0].write),
                                {std::move(pipes[1].read), std::move(pipes[2].read)}, output, end);
  if (!in_time) ::kill(pid, SIGKILL);
  output.status = wait_for(pid);
  if (!in_time) {
    return failure("run", command.name(), fmt::format("not done after {} ms", limit.count()),
                   output.err);
  }
  return output;
}

Result<int> run_attached(const Command& command) {
  auto prepared = prepare(command);
  if (!prepared) return tl::unexpected(prepared.error());
  auto report = make_pipe();
  if (!report) return tl::unexpected(report.error());
  const pid_t pid = ::fork();
  if (pid < 0) return system_error("start", command.name(), errno);
  if (pid == 0) become(*prepared, report->write.get());
  report->write.reset();
  const auto error = read_int(report->read.get());
  const int status = wait_for(pid);
  if (error) return system_error("start", command.name(), *error);
  return status;
}

Result<pid_t> spawn_daemon(const Command& command, const std::filesystem::path& log,
                           const std::filesystem::path& pid_file) {
  auto prepared = prepare(command);
  if (!prepared) return tl::unexpected(prepared.error());
  const UniqueFd output{::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (!output) return system_error("open log", log.string(), errno);
  const UniqueFd nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  auto identity = make_pipe();
  if (!identity) return tl::unexpected(identity.error());
  auto report = make_pipe();
  if (!report) return tl::unexpected(report.error());

  const pid_t between = ::fork();
  if (between < 0) return system_error("start", command.name(), errno);
  if (between == 0) {
    ::setsid();
    const pid_t daemon = ::fork();
    if (daemon != 0) ::_exit(daemon < 0 ? 1 : 0);
    const int self = ::getpid();
    [[maybe_unused]] const auto written = ::write(identity->write.get(), &self, sizeof self);
    ::dup2(nothing.get(), 0);
    ::dup2(output.get(), 1);
    ::dup2(output.get(), 2);
    become(*prepared, report->write.get());
  }
  identity->write.reset();
  report->write.reset();
  const auto pid = read_int(identity->read.get());
  const auto error = read_int(report->read.get());
  wait_for(between);
  if (!pid) return failure("start", command.name(), "no process could be made");
  if (error) return system_error("start", command.name(), *error);
  std::ofstream(pid_file) << *pid << '\n';
  return *pid;
}

namespace {

/// "Z" of "17 (sh) Z 1 ...": the name may hold anything, parentheses too.
char state_of(pid_t pid) {
  const auto stat = read_file(fmt::format("/proc/{}/stat", pid));
  const auto end = stat ? stat->rfind(") ") : std::string::npos;
  return end == std::string::npos || end + 2 >= stat->size() ? 'X' : (*stat)[end + 2];
}

/// Empty for a zombie, which runs no more. A process that begins a program has none for a moment
/// either: after its close-on-exec descriptors are closed, before its arguments are there.
std::string command_line(pid_t pid) {
  constexpr std::chrono::seconds kPatience{1};
  for (const auto end = Clock::now() + kPatience;;) {
    const auto line = read_file(fmt::format("/proc/{}/cmdline", pid));
    if (!line || !line->empty()) return line.value_or("");
    const char state = state_of(pid);
    if (state == 'Z' || state == 'X' || Clock::now() >= end) return "";
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
}

}  // namespace

pid_t running_process(const std::filesystem::path& pid_file, const std::string& mark) {
  const auto text = read_file(pid_file);
  if (!text) return 0;
  pid_t pid = 0;
  std::from_chars(text->data(), text->data() + text->size(), pid);
  if (pid <= 0) return 0;
  return command_line(pid).find(mark) != std::string::npos ? pid : 0;
}

std::vector<pid_t> processes_in(std::span<const ino_t> namespaces) {
  std::vector<pid_t> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) continue;
    struct stat info {};
    // A process that has just ended is in no namespace.
    if (pid == ::getpid() || ::stat((entry.path() / "ns/net").c_str(), &info) != 0) continue;
    if (std::ranges::find(namespaces, info.st_ino) != namespaces.end()) found.push_back(pid);
  }
  return found;
}

Result<void> end_processes(std::span<const pid_t> processes, std::chrono::milliseconds grace) {
  constexpr std::chrono::seconds kAfterKill{5};
  std::vector<std::pair<pid_t, UniqueFd>> alive;
  for (const pid_t pid : processes) {
    if (UniqueFd handle = open_pidfd(pid)) alive.emplace_back(pid, std::move(handle));
  }
  for (const auto& [number, limit] :
       {std::pair<int, std::chrono::milliseconds>{SIGTERM, grace}, {SIGKILL, kAfterKill}}) {
    for (const auto& [pid, handle] : alive) {
      ::syscall(SYS_pidfd_send_signal, handle.get(), number, nullptr, 0);
    }
    const auto end = Clock::now() + limit;
    while (!alive.empty()) {
      pollfd wait{alive.back().second.get(), POLLIN, 0};
      const int ready = ::poll(&wait, 1, milliseconds_until(end));
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0) break;
      alive.pop_back();
    }
  }
  if (alive.empty()) return {};
  return failure("end process", std::to_string(alive.back().first), "it survives SIGKILL");
}

Result<std::filesystem::path> find_program(const std::filesystem::path& directory,
                                           const std::string& program) {
  std::filesystem::path place = directory;
  std::error_code error;
  if (place.empty()) place = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  const std::filesystem::path path = place / program;
  if (::access(path.c_str(), X_OK) != 0) {
    return system_error("find program", path.string(), errno);
  }
  return path;
}

}  // namespace sextant::testbed
