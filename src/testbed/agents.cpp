#include "testbed/agents.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"
#include "testbed/bgp.h"
#include "testbed/files.h"
#include "testbed/process.h"

namespace sextant::testbed {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kMetrics = ":9617";  // each node is a network namespace with ports of its own

std::filesystem::path pid_file(const Id& id, std::string_view node) {
  return id.directory() / fmt::format("{}.pid", node);
}

std::filesystem::path log_file(const Id& id, std::string_view node) {
  return id.directory() / fmt::format("{}.log", node);
}

/// The end of a log, for an error's hint.
std::string last_lines(const std::filesystem::path& path) {
  constexpr std::size_t kShown = 600;
  const std::string text = read_file(path).value_or("");
  return text.size() <= kShown ? text : "..." + text.substr(text.size() - kShown);
}

int milliseconds_until(Clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
  return static_cast<int>(std::max<decltype(left)>(left, 0));
}

/// "" where nobody answers, else the whole reply.
std::string ask(const std::filesystem::path& path, std::string_view target, Clock::time_point end) {
  const UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path;
  if (text.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  // Nobody there, or not listening yet: the caller waits for that.
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", target);
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
  std::string reply;
  std::array<char, 4096> buffer{};
  while (true) {
    pollfd wait{fd.get(), POLLIN, 0};
    if (::poll(&wait, 1, milliseconds_until(end)) <= 0) return reply;
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got <= 0) return reply;
    reply.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

bool is_ok(const std::string& reply) {
  return reply.starts_with("HTTP/1.1 200") || reply.starts_with("HTTP/1.0 200");
}

Result<void> await_agent(const Id& id, const std::string& node, int directory_events,
                         Clock::time_point end) {
  // Health changes without an event to wait for: it is asked again after this long.
  constexpr int kAskAgain = 50;
  const auto fault = [&](std::string cause) {
    return failure("start", fmt::format("sextantd on {}", node), std::move(cause),
                   last_lines(log_file(id, node)));
  };
  std::string reply;
  while (Clock::now() < end) {
    reply = ask(id.socket(node), "/healthz", end);
    if (is_ok(reply)) return {};
    const pid_t pid = agent_process(id, node);
    if (pid == 0) return fault("it ended");
    const UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    std::array<pollfd, 2> wait{pollfd{directory_events, POLLIN, 0},
                               pollfd{process.get(), POLLIN, 0}};
    const bool there = std::filesystem::exists(id.socket(node));
    const int left = milliseconds_until(end);
    ::poll(wait.data(), wait.size(), there ? std::min(left, kAskAgain) : left);
    std::array<char, 4096> events{};
    while (::read(directory_events, events.data(), events.size()) > 0) {
    }
  }
  const std::size_t body = reply.find("\r\n\r\n");
  return fault(reply.empty() ? "it does not answer on its socket"
                             : "not healthy: " + reply.substr(std::min(body, reply.size())));
}

}  // namespace

pid_t agent_process(const Id& id, std::string_view node) {
  return running_process(pid_file(id, node), id.socket(node).string());
}

std::string ask_agent(const std::filesystem::path& socket, std::string_view target,
                      Clock::time_point end) {
  const std::string reply = ask(socket, target, end);
  const std::size_t head = reply.find("\r\n\r\n");
  return is_ok(reply) && head != std::string::npos ? reply.substr(head + 4) : std::string{};
}

Result<std::vector<std::string>> start_agents(const Id& id, const Topology& lab, bool bgp,
                                              const std::filesystem::path& programs) {
  const auto program = find_program(programs, "sextantd");
  if (!program) return tl::unexpected(program.error());
  std::vector<std::string> started;
  for (const ClusterNode& node : lab.nodes) {
    if (agent_process(id, node.name) != 0) continue;
    std::vector<std::string> arguments{*program,
                                       "--node",
                                       node.name,
                                       "--manifests",
                                       bgp ? bgp_directory(id) / node.name : id.manifests(),
                                       "--socket",
                                       id.socket(node.name),
                                       "--metrics-listen",
                                       kMetrics};
    if (bgp) {
      arguments.insert(arguments.end(), {"--bgp", bgp_directory(id) / (node.name + ".yaml")});
    }
    const auto pid = spawn_daemon({.arguments = std::move(arguments), .netns = id.netns(node.name)},
                                  log_file(id, node.name), pid_file(id, node.name));
    if (!pid) return tl::unexpected(pid.error());
    started.push_back("sextantd on " + node.name);
  }
  return started;
}

Result<void> await_agents(const Id& id, const Topology& lab, std::chrono::milliseconds patience) {
  const auto end = Clock::now() + patience;
  const UniqueFd events{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (::inotify_add_watch(events.get(), id.directory().c_str(), IN_CREATE | IN_MOVED_TO) < 0) {
    return system_error("watch", id.directory().string(), errno);
  }
  for (const ClusterNode& node : lab.nodes) {
    if (auto ready = await_agent(id, node.name, events.get(), end); !ready) return ready;
  }
  return {};
}

}  // namespace sextant::testbed
