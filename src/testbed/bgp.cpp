#include "testbed/bgp.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <thread>
#include <utility>

#include "testbed/agents.h"
#include "testbed/files.h"
#include "testbed/manifests.h"
#include "testbed/process.h"

namespace sextant::testbed {
namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr unsigned kAs = 64512;
constexpr std::array kNames{std::pair{Injector::kSextantd, "sextantd"},
                            std::pair{Injector::kGobgpd, "gobgpd"},
                            std::pair{Injector::kNone, "none"}};

const Host& injector_host(const Topology& lab) {
  return *std::ranges::find(lab.hosts, kInjectorMachine, &Host::name);
}

// A machine that starts asks again soon: the testbed waits for it.
std::string peer(const std::string& address, std::string_view name, std::string_view convention) {
  return fmt::format(
      "- {{address: \"{}\", description: {}, convention: {}, connectRetrySeconds: 1}}\n", address,
      name, convention);
}

std::string node_settings(const Topology& lab, const ClusterNode& self) {
  std::string text = fmt::format("asn: {}\npeers:\n", kAs);
  for (const ClusterNode& node : lab.nodes) {
    if (node.name != self.name) text += peer(node.addresses.front(), node.name, "Standard");
  }
  return text + peer(injector_host(lab).addresses.front(), kInjectorMachine, "CalicoVPP");
}

std::string router_id(const Topology& lab) { return injector_host(lab).addresses.back(); }

std::string injector_settings(const Topology& lab) {
  std::string text = fmt::format("asn: {}\nrouterId: {}\npeers:\n", kAs, router_id(lab));
  for (const ClusterNode& node : lab.nodes) {
    text += peer(node.addresses.front(), node.name, "CalicoVPP");
  }
  return text;
}

std::string gobgp_settings(const Topology& lab) {
  std::string text =
      fmt::format("[global.config]\n  as = {}\n  router-id = \"{}\"\n", kAs, router_id(lab));
  for (const ClusterNode& node : lab.nodes) {
    text += fmt::format(
        "\n[[neighbors]]\n  [neighbors.config]\n    neighbor-address = \"{}\"\n    peer-as = {}\n",
        node.addresses.front(), kAs);
    for (const char* family : {"ipv4-unicast", "ipv6-unicast", "ipv6-srpolicy"}) {
      text += fmt::format(
          "  [[neighbors.afi-safis]]\n    [neighbors.afi-safis.config]\n"
          "      afi-safi-name = \"{}\"\n",
          family);
    }
  }
  return text;
}

std::filesystem::path pid_file(const Id& id) { return id.directory() / "injector.pid"; }

/// What the program's command line names.
std::filesystem::path settings_of(const Id& id, Injector injector) {
  return bgp_directory(id) / (injector == Injector::kGobgpd ? "gobgpd.toml" : "injector.yaml");
}

Result<std::vector<std::string>> command_of(const Id& id, Injector injector,
                                            const std::filesystem::path& programs) {
  const std::string settings = settings_of(id, injector);
  if (injector == Injector::kGobgpd) {
    return std::vector<std::string>{"gobgpd", "-f", settings, "--log-plain", "--pprof-disable"};
  }
  const auto program = find_program(programs, "sextantd");
  if (!program) return tl::unexpected(program.error());
  return std::vector<std::string>{*program,
                                  "--injector",
                                  settings,
                                  "--socket",
                                  id.socket(kInjectorMachine),
                                  "--state",
                                  id.directory() / "injector-state"};
}

/// Peers with which `node` has no session; all where its agent does not say.
std::string missing_sessions(const Id& id, const ClusterNode& node, Injector injector) {
  const auto reply = ask_agent(id.socket(node.name), "/v1/bgp/peers", Clock::now() + 1s);
  std::vector<std::string> missing;
  try {
    const json::value answer = json::parse(reply);
    for (const json::value& peer : answer.at("items").as_array()) {
      const json::string& name = peer.at("description").as_string();
      if (peer.at("state").as_string() == "Established") continue;
      if (name == kInjectorMachine && injector == Injector::kNone) continue;
      missing.emplace_back(name);
    }
  } catch (const std::exception& fault) {  // an answer that is cut short, or none yet
    return fault.what();
  }
  return fmt::format("{}", fmt::join(missing, ", "));
}

}  // namespace

std::string_view to_string(Injector injector) {
  return std::ranges::find(kNames, injector, &std::pair<Injector, const char*>::first)->second;
}

std::optional<Injector> parse_injector(std::string_view text) {
  for (const auto& [injector, name] : kNames) {
    if (text == name) return injector;
  }
  return std::nullopt;
}

std::filesystem::path bgp_directory(const Id& id) { return id.directory() / "bgp"; }

std::map<std::string, std::string> bgp_files(const Topology& lab) {
  std::map<std::string, std::string> files;
  for (const ClusterNode& node : lab.nodes) {
    files[node.name + "/node.yaml"] = node_manifest(lab, node);
    files[node.name + ".yaml"] = node_settings(lab, node);
  }
  files["injector.yaml"] = injector_settings(lab);
  files["gobgpd.toml"] = gobgp_settings(lab);
  return files;
}

pid_t injector_process(const Id& id, Injector injector) {
  return running_process(pid_file(id), settings_of(id, injector).string());
}

Result<std::vector<std::string>> start_injector(const Id& id, Injector injector,
                                                const std::filesystem::path& programs) {
  for (const auto& [other, name] : kNames) {
    if (other == injector || other == Injector::kNone) continue;
    const pid_t pid = injector_process(id, other);
    if (pid == 0) continue;
    if (auto ended = end_processes(std::array{pid}, 5s); !ended)
      return tl::unexpected(ended.error());
  }
  if (injector == Injector::kNone || injector_process(id, injector) != 0) return {};
  auto command = command_of(id, injector, programs);
  if (!command) return tl::unexpected(command.error());
  const auto pid = spawn_daemon(
      {.arguments = std::move(*command), .netns = id.netns(kInjectorMachine)},
      id.directory() / fmt::format("injector-{}.log", to_string(injector)), pid_file(id));
  if (!pid) {
    Error error = pid.error();
    if (injector == Injector::kGobgpd && error.hint.empty())
      error.hint = "Debian has it: apt-get install gobgpd";
    return tl::unexpected(std::move(error));
  }
  return std::vector{fmt::format("{} on {}", to_string(injector), kInjectorMachine)};
}

Result<void> await_bgp(const Id& id, const Topology& lab, Injector injector,
                       std::chrono::milliseconds patience) {
  // Sessions come up without an event to wait for: agents are asked again after this long.
  constexpr auto kAskAgain = 100ms;
  const auto end = Clock::now() + patience;
  for (const ClusterNode& node : lab.nodes) {
    while (true) {
      const std::string missing = missing_sessions(id, node, injector);
      if (missing.empty()) break;
      if (Clock::now() >= end) {
        return failure("bring up BGP in", id.title(), node.name + " has no session with " + missing,
                       "logs: " + id.directory().string() + "/*.log");
      }
      std::this_thread::sleep_for(kAskAgain);
    }
  }
  return {};
}

}  // namespace sextant::testbed
