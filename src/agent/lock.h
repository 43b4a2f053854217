// One agent a node: two would undo each other's work.
//
// Held are a lock file beside the socket (flock), so that no two agents serve one socket, and an
// abstract Unix socket, whose name exists once in a network namespace, so that no two agents
// program one namespace. Both end with the process.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace sextant::agent {

/// Whether a file cannot be made because there is no room, or no writing at all: that passes, and
/// is no reason to leave a node without its agent.
[[nodiscard]] bool is_full_disk(const Error& error);

class AgentLock {
 public:
  /// `claim` names what is held in this network namespace. Where the disk is full the claim alone
  /// is held, with a warning. Errors: another agent holds it; the file cannot be made.
  [[nodiscard]] static Result<AgentLock> take(const std::string& socket_path,
                                              std::string_view claim = "sextantd");
  ~AgentLock();
  AgentLock(AgentLock&& other) noexcept;
  AgentLock& operator=(AgentLock&&) = delete;

 private:
  AgentLock(std::string path, UniqueFd file, UniqueFd claim)
      : path_(std::move(path)), file_(std::move(file)), claim_(std::move(claim)) {}

  std::string path_;
  UniqueFd file_;
  UniqueFd claim_;
};

}  // namespace sextant::agent
