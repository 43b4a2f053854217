// Programs run inside network namespaces: to their end, or left behind as daemons.
//
// Threads: may be called while other threads run; between fork and exec only async-signal-safe
// calls are made.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace sextant::testbed {

struct Command {
  std::vector<std::string> arguments;  // the program first: a path, or a name found by PATH
  std::string netns = {};              // below /run/netns; empty: the caller's own
  std::map<std::string, std::string> environment = {};  // on top of the caller's
  std::string input = {};                               // standard input of run()

  /// "sextant-cni" for messages
  [[nodiscard]] std::string name() const;
};

struct Output {
  int status = 0;  // of exit; 128 + signal where one ended it
  std::string out;
  std::string err;
};

/// Runs to the end, and ends with the caller where that is killed. Errors: it could not be started,
/// or was still running after `limit` (and was killed). A bad exit status is no Error.
[[nodiscard]] Result<Output> run(const Command& command, std::chrono::milliseconds limit);

/// Runs with the caller's terminal and gives the exit status.
[[nodiscard]] Result<int> run_attached(const Command& command);

/// Starts a process that survives the caller: session of its own, standard output and error
/// appended to `log`, its id written to `pid_file`.
[[nodiscard]] Result<pid_t> spawn_daemon(const Command& command, const std::filesystem::path& log,
                                         const std::filesystem::path& pid_file);

/// The process of a pid file, where it runs and its command line has `mark`; else 0.
[[nodiscard]] pid_t running_process(const std::filesystem::path& pid_file, const std::string& mark);

/// The processes whose network namespace is one of `namespaces` (inodes), the caller left out.
[[nodiscard]] std::vector<pid_t> processes_in(std::span<const ino_t> namespaces);

/// SIGTERM, then SIGKILL for what still runs after `grace`; returns when all are gone.
[[nodiscard]] Result<void> end_processes(std::span<const pid_t> processes,
                                         std::chrono::milliseconds grace);

/// The full path of `program`: in `directory`, or beside the running program where that is empty.
[[nodiscard]] Result<std::filesystem::path> find_program(const std::filesystem::path& directory,
                                                         const std::string& program);

}  // namespace sextant::testbed
