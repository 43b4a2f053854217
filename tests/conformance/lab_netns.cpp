#include "lab_netns.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>

#include "base/unique_fd.h"

namespace sextant::conformance {

namespace {

constexpr std::string_view kNamePrefix = "sx-cf";

/// An anonymous file: unlike a pipe it never fills up, so nobody has to read while the program
/// runs.
UniqueFd scratch_file(std::string_view content) {
  UniqueFd file(::memfd_create("conformance", MFD_CLOEXEC));
  if (!file) throw std::runtime_error("memfd_create failed");
  if (::write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size()) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0) {
    throw std::runtime_error("cannot write a scratch file");
  }
  return file;
}

std::string content_of(const UniqueFd& file) {
  std::string text;
  std::array<char, 16384> buffer;
  off_t offset = 0;
  for (ssize_t n = 0; (n = ::pread(file.get(), buffer.data(), buffer.size(), offset)) > 0;
       offset += n) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return text;
}

CommandOutput spawn_and_wait(const std::vector<std::string>& command, std::string_view input) {
  const UniqueFd in = scratch_file(input);
  const UniqueFd out = scratch_file({});
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.get(), STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = -1;
  const int error =
      ::posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return {.status = 127, .text = fmt::format("cannot run {}", command[0])};
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .text = content_of(out)};
}

}  // namespace

void internal::throw_error(const Error& error) { throw std::runtime_error(error.message()); }

void must(const Result<void>& result) {
  if (!result) internal::throw_error(result.error());
}

LabNetns::LabNetns(const std::string& role)
    : name_(fmt::format("{}{}-{}", kNamePrefix, ::getpid(), role)),
      netns_(must(netlink::Netns::create(name_))) {}

LabNetns::LabNetns(LabNetns&& other) noexcept
    : name_(std::exchange(other.name_, {})), netns_(std::move(other.netns_)) {}

LabNetns::~LabNetns() {
  // A name that cannot be removed is removed by the next test program.
  if (!name_.empty()) (void)netlink::Netns::remove(name_);
}

CommandOutput run_in(const netlink::Netns& netns, const std::vector<std::string>& command,
                     std::string_view input) {
  return must(netns.run([&] { return spawn_and_wait(command, input); }));
}

void LabNetns::ip(std::string_view lines) const {
  const CommandOutput output = run({"ip", "-batch", "-"}, lines);
  if (!output.ok()) {
    throw std::runtime_error(
        fmt::format("ip -batch in {}: {}\nof:\n{}", name_, output.text, lines));
  }
}

void LabNetns::nft(std::string_view script) const {
  const CommandOutput output = run({"nft", "-f", "-"}, script);
  if (!output.ok()) {
    throw std::runtime_error(fmt::format("nft in {}: {}\nof:\n{}", name_, output.text, script));
  }
}

void LabNetns::sysctl(const std::vector<std::string>& settings) const {
  std::vector<std::string> command = {"sysctl", "-q", "-w"};
  command.insert(command.end(), settings.begin(), settings.end());
  const CommandOutput output = run(command);
  if (!output.ok()) throw std::runtime_error(fmt::format("sysctl in {}: {}", name_, output.text));
}

void remove_abandoned_namespaces() {
  const Result<std::vector<std::string>> names = netlink::Netns::list();
  if (!names) return;
  for (const std::string& name : *names) {
    if (!name.starts_with(kNamePrefix)) continue;
    pid_t owner = 0;
    const char* const digits = name.c_str() + kNamePrefix.size();
    const auto [end, error] = std::from_chars(digits, name.c_str() + name.size(), owner);
    if (error != std::errc{} || *end != '-' || owner <= 0) continue;
    if (::kill(owner, 0) != 0 && errno == ESRCH) (void)netlink::Netns::remove(name);
  }
}

}  // namespace sextant::conformance
