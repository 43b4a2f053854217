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

class AgentLock {
 public:
  /// `claim` names what is held in this network namespace. Errors: another agent holds it; the file
  /// cannot be made.
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
