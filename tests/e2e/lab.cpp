#include "e2e/lab.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "agent/http_client.h"
#include "base/unique_fd.h"
#include "testbed/files.h"
#include "testbed/manifests.h"
#include "testbed/process.h"

namespace sextant::e2e {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::milliseconds kAskAgain{10};

const testbed::Topology& full() { return testbed::topology(testbed::Kind::kFull); }

std::string command_line(const std::filesystem::path& process) {
  std::ifstream in(process / "cmdline", std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

std::filesystem::path programs() { return SEXTANT_PROGRAMS; }
std::filesystem::path other_build() { return SEXTANT_OTHER_BUILD; }
std::filesystem::path clock_jump() { return SEXTANT_CLOCK_JUMP; }

Result<std::unique_ptr<Lab>> Lab::start(testbed::Kind kind) {
  const bool routers = kind == testbed::Kind::kFull;
  auto id = testbed::Id::make(kind, fmt::format("{}{}", routers ? "e" : "n", ::getpid()));
  if (!id) return tl::unexpected(id.error());
  std::unique_ptr<Lab> lab(new Lab(std::move(*id)));
  const auto report = testbed::up(lab->id_, {.pods = 1, .programs = programs(), .progress = {}});
  if (!report) return tl::unexpected(report.error());
  if (routers) {
    if (auto taken = lab->take(kNorth); !taken) return tl::unexpected(taken.error());
  }
  return lab;
}

Lab::~Lab() {
  if (const auto ended = testbed::down(id_); !ended) {
    fmt::print(stderr, "{}\n", ended.error().message());
  }
}

Result<std::vector<std::string>> Lab::repair() const {
  auto report = testbed::up(id_, {.pods = {}, .programs = programs(), .progress = {}});
  if (!report) return tl::unexpected(report.error());
  return report->repaired;
}

Result<void> Lab::take(const Path& path) const {
  std::vector<testbed::PolicyRow> rows = full().policies;
  for (testbed::PolicyRow& row : rows) {
    if (row.headend == "master" && row.endpoint == "worker2") row.segments = path.segments;
  }
  return testbed::write_file(id_.config_map("master"),
                             testbed::config_map(full(), *full().node("master"), rows));
}

Result<IpAddress> Lab::pod_address(std::string_view node, Family family) const {
  const std::string pod = netns(testbed::Id::pod(node, 1));
  const auto output =
      testbed::run({.arguments = {"ip", "-n", pod, family == Family::kIpv4 ? "-4" : "-6", "-o",
                                  "address", "show", "dev", "eth0", "scope", "global"}},
                   kPatience);
  if (!output) return tl::unexpected(output.error());
  std::istringstream words(output->out);
  for (std::string word; words >> word;) {
    if (word != "inet" && word != "inet6") continue;
    words >> word;
    return IpAddress::parse(word.substr(0, word.find('/')));
  }
  return failure("find a pod's address", pod, "eth0 has none of " + std::string(to_string(family)));
}

Result<testbed::Stream> Lab::stream(Family family, std::uint32_t packets_per_second) const {
  const auto destination = pod_address("worker2", family);
  if (!destination) return tl::unexpected(destination.error());
  return testbed::Stream::start({.from_netns = netns(testbed::Id::pod("master", 1)),
                                 .to_netns = netns(testbed::Id::pod("worker2", 1)),
                                 .destination = *destination,
                                 .port = family == Family::kIpv4 ? kPort4 : kPort6,
                                 .packets_per_second = packets_per_second});
}

pid_t Lab::agent(std::string_view node) const {
  const std::string socket = id_.socket(node).string();
  std::error_code gone;  // processes come and go while we look
  for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
    const std::string name = entry.path().filename().string();
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || end != name.data() + name.size()) continue;
    const std::string line = command_line(entry.path());
    if (line.find("sextantd") != std::string::npos && line.find(socket) != std::string::npos) {
      return pid;
    }
  }
  return 0;
}

Result<std::string> Lab::shell(std::string_view machine, const std::string& commands) const {
  const auto output =
      testbed::run({.arguments = {"sh", "-ec", commands}, .netns = netns(machine)}, kPatience);
  if (!output) return tl::unexpected(output.error());
  if (output->status != 0) {
    return failure("run", fmt::format("{} on {}", commands, machine),
                   fmt::format("exit status {}", output->status), output->out + output->err);
  }
  return output->out;
}

Result<pid_t> Lab::start_agent(std::string_view node, const Agent& agent) const {
  const auto manifests = agent.manifests.empty() ? id_.manifests() : agent.manifests;
  const auto socket = agent.socket.empty() ? id_.socket(node) : agent.socket;
  std::vector<std::string> arguments{agent.program.string(), "--node",           std::string(node),
                                     "--manifests",          manifests.string(), "--socket",
                                     socket.string(),        "--metrics-listen", ":9617"};
  if (!agent.bgp.empty()) arguments.insert(arguments.end(), {"--bgp", agent.bgp.string()});
  return testbed::spawn_daemon(
      {.arguments = std::move(arguments), .netns = netns(node), .environment = agent.environment},
      id_.directory() / fmt::format("{}.log", node), id_.directory() / fmt::format("{}.pid", node));
}

Result<void> Lab::end_agent(std::string_view node, int signal) const {
  const auto pid = testbed::read_file(id_.directory() / fmt::format("{}.pid", node));
  if (!pid) return tl::unexpected(pid.error());
  return kill_and_wait(static_cast<pid_t>(std::stol(*pid)), signal);
}

std::string Lab::log(std::string_view node, std::size_t from) const {
  const auto text = testbed::read_file(id_.directory() / fmt::format("{}.log", node)).value_or("");
  return text.substr(std::min(from, text.size()));
}

std::string Lab::await_log(std::string_view node, std::size_t from, std::string_view text) const {
  (void)await([&] { return log(node, from).find(text) != std::string::npos; });
  return log(node, from);
}

Result<std::string> Lab::ask(std::string_view node, const std::string& target) const {
  const auto reply = agent::http_get(id_.socket(node).string(), target, kPatience);
  if (!reply) return tl::unexpected(reply.error());
  return reply->body;
}

std::string Lab::await_status(std::string_view node, std::string_view text, bool present) const {
  std::string last;
  (void)await([&] {
    const auto status = ask(node, "/v1/status");
    last = status ? *status : status.error().message();
    return (last.find(text) != std::string::npos) == present;
  });
  return last;
}

std::filesystem::path Lab::manifest(const std::string& name) const {
  return id_.manifests() / name;
}

bool await(const std::function<bool()>& so) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!so()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kAskAgain);  // what is asked for has no event to wait for
  }
  return true;
}

Result<void> kill_and_wait(pid_t process, int signal) {
  const std::string object = fmt::format("process {}", process);
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (!handle) return system_error("open", object, errno);
  if (::kill(process, signal) != 0) return system_error("kill", object, errno);
  pollfd polled{handle.get(), POLLIN, 0};
  constexpr int kTimeoutMs = 10'000;
  if (::poll(&polled, 1, kTimeoutMs) != 1) return failure("kill", object, "it did not end in 10 s");
  return {};
}

}  // namespace sextant::e2e
