#include "testbed/cluster/daemons.h"

#include <fmt/format.h>

#include <array>

#include "testbed/files.h"

namespace sextant::cluster {

pid_t process_of(const Places& places, const std::string& node, const std::string& daemon) {
  return testbed::running_process(places.pid(node, daemon), places.state().string() + "/");
}

Result<bool> start(const Places& places, const Daemon& daemon) {
  if (process_of(places, daemon.node, daemon.name) != 0) return false;
  for (const auto& folder :
       {places.logs(daemon.node), places.pid(daemon.node, daemon.name).parent_path()}) {
    if (auto made = testbed::make_directory(folder); !made) return tl::unexpected(made.error());
  }
  const auto pid = testbed::spawn_daemon(daemon.command, places.log(daemon.node, daemon.name),
                                         places.pid(daemon.node, daemon.name));
  if (!pid) return tl::unexpected(pid.error());
  return true;
}

Result<bool> stop(const Places& places, const std::string& node, const std::string& daemon) {
  constexpr std::chrono::seconds kGrace{10};
  const pid_t pid = process_of(places, node, daemon);
  if (pid == 0) return false;
  const std::array processes{pid};
  if (auto ended = testbed::end_processes(processes, kGrace); !ended) {
    return tl::unexpected(ended.error());
  }
  return true;
}

std::string end_of_log(const Places& places, const std::string& node, const std::string& daemon) {
  constexpr std::size_t kShown = 800;
  const auto path = places.log(node, daemon);
  const std::string text = testbed::read_file(path).value_or("");
  return fmt::format("{}:\n{}", path.string(),
                     text.size() <= kShown ? text : "..." + text.substr(text.size() - kShown));
}

}  // namespace sextant::cluster
