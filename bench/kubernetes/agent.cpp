#include "kubernetes/agent.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "agent/http_client.h"
#include "common/program.h"
#include "testbed/files.h"
#include "testbed/process.h"

namespace sextant::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{120};
constexpr std::chrono::milliseconds kLookAgain{10};  // the API has no way to wait for a change

}  // namespace

AgentNode::AgentNode(const Space& fabric) : space_("node") {
  space_.sysctl({"net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"});
  space_.ip(
      fmt::format("link add ul index 100 type veth peer name fabric netns {}\n"
                  "address add {}/64 dev ul nodad\nlink set ul up\n",
                  fabric.name(), node_address(0).to_string()));
  fabric.ip(
      fmt::format("address add {}/64 dev fabric nodad\nlink set fabric up\n", server_address()));
  space_.ip(fmt::format("route add default via {}\n", server_address()));
}

std::string AgentNode::server_address() { return "fd00::ffff"; }

unsigned long long AgentNode::traffic() const {
  const auto counts = space_.run({"ip", "-j", "-s", "link", "show", "dev", "ul"});
  const auto statistics = boost::json::parse(counts).at(0).at("stats64");
  return statistics.at("rx").at("bytes").to_number<unsigned long long>() +
         statistics.at("tx").at("bytes").to_number<unsigned long long>();
}

KubernetesAgent::KubernetesAgent(const AgentNode& node, const std::filesystem::path& kubeconfig) {
  const auto program = must(testbed::find_program({}, "sextantd"));
  process_.emplace(
      node.space(),
      std::vector<std::string>{program.string(), "--node", node_name(0), "--kubeconfig",
                               kubeconfig.string(), "--socket", directory_.path() / "socket",
                               "--config-map-namespace", "sextant-system", "--uplink", "ul"},
      directory_.path() / "log");
}

boost::json::value KubernetesAgent::status() const {
  const auto reply = must(agent::http_get(directory_.path() / "socket", "/v1/status", kPatience));
  return boost::json::parse(reply.body);
}

void KubernetesAgent::await_programmed(std::size_t routes) const {
  std::string last = "no answer";
  for (const auto end = Clock::now() + kPatience; Clock::now() < end;
       std::this_thread::sleep_for(kLookAgain)) {
    check_interruption();
    check();
    const auto reply = agent::http_get(directory_.path() / "socket", "/v1/status", kPatience);
    if (!reply) continue;
    last = reply->body;
    const auto status = boost::json::parse(last);
    if (!status.at("lastApply").is_null() && status.at("healthy").as_bool() &&
        status.at("counts").at("routes").to_number<std::size_t>() >= routes) {
      return;
    }
  }
  throw std::runtime_error("sextantd has not programmed its routes: " + last + log_end());
}

void KubernetesAgent::check() const {
  try {
    process_->check();
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(error.what() + log_end());
  }
}

std::string KubernetesAgent::log_end() const {
  constexpr std::size_t kShown = 3000;
  const auto log = testbed::read_file(directory_.path() / "log");
  if (!log) return {};
  return "\nits log:\n" + (log->size() > kShown ? log->substr(log->size() - kShown) : *log);
}

}  // namespace sextant::bench
