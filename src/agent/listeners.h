// Listening sockets for the agent's servers.
#pragma once

#include <string>

#include "agent/listen_address.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace sextant::agent {

/// Replaces a stale socket and makes the folder where it is missing; the socket gets mode 0660.
/// Errors: the path holds something else than a socket, is too long, or cannot be bound.
[[nodiscard]] Result<UniqueFd> listen_on_unix_socket(const std::string& path);

struct TcpListener {
  UniqueFd fd;
  int domain = 0;       // AF_INET, AF_INET6
  ListenAddress bound;  // with the port that a port of 0 became
};
/// Errors: the port is taken, the address is not of this node.
[[nodiscard]] Result<TcpListener> listen_on_tcp(const ListenAddress& address);

}  // namespace sextant::agent
