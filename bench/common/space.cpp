#include "common/space.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "common/program.h"
#include "testbed/process.h"

namespace sextant::bench {
namespace {

constexpr std::string_view kNamePrefix = "sx-bench-";
constexpr std::chrono::seconds kPatience{120};

}  // namespace

Space::Space(const std::string& role)
    : name_(fmt::format("{}{}-{}", kNamePrefix, ::getpid(), role)),
      netns_(must(netlink::Netns::create(name_))) {
  ip("link set lo up\n");
}

Space::Space(Space&& other) noexcept
    : name_(std::exchange(other.name_, {})), netns_(std::move(other.netns_)) {}

Space::~Space() {
  // A name that cannot be removed is removed by the next benchmark.
  if (name_.empty()) return;
  (void)netlink::Netns::remove(name_ + "-gw");
  (void)netlink::Netns::remove(name_);
}

std::string Space::run(const std::vector<std::string>& command, std::string_view input) const {
  check_interruption();
  const auto output = must(
      testbed::run({.arguments = command, .netns = name_, .input = std::string(input)}, kPatience));
  if (output.status != 0) {
    throw std::runtime_error(fmt::format("{} in {}: exit status {}: {}{}\nof:\n{}",
                                         fmt::join(command, " "), name_, output.status, output.err,
                                         output.out, input));
  }
  return output.out;
}

void Space::ip(std::string_view lines) const { run({"ip", "-batch", "-"}, lines); }

void Space::nft(std::string_view script) const { run({"nft", "-f", "-"}, script); }

void Space::sysctl(const std::vector<std::string>& settings) const {
  std::vector<std::string> command{"sysctl", "-q", "-w"};
  command.insert(command.end(), settings.begin(), settings.end());
  run(command);
}

DeviceCount received_by(const Space& space, const std::string& device) {
  return must(space.netns().run([&]() -> Result<DeviceCount> {
    std::ifstream file("/proc/thread-self/net/dev");
    for (std::string line; std::getline(file, line);) {
      const auto colon = line.find(':');
      if (colon == std::string::npos) continue;
      std::istringstream name(line.substr(0, colon)), numbers(line.substr(colon + 1));
      std::string word;
      DeviceCount count;
      if (name >> word && word == device && numbers >> count.bytes >> count.packets) return count;
    }
    return failure("count packets of", device, "no such device");
  }));
}

void remove_abandoned_spaces() {
  const auto names = netlink::Netns::list();
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

}  // namespace sextant::bench
