#include <fmt/format.h>

#include <boost/json.hpp>
#include <map>

#include "testbed/cluster/cluster.h"
#include "testbed/cluster/kubectl.h"
#include "testbed/cluster/node.h"
#include "testbed/cluster/workload.h"
#include "testbed/state.h"

namespace sextant::cluster {
namespace {

namespace json = boost::json;

struct DemoPod {
  std::string name;
  std::vector<std::string> addresses;
};

Result<std::vector<DemoPod>> demo_pods(const Plan& plan) {
  const auto text = kubectl(plan, {"get", "pods", "-l", "app=demo", "-o", "json"});
  if (!text) return tl::unexpected(text.error());
  std::vector<DemoPod> pods;
  try {
    const json::value list = json::parse(*text);
    for (const json::value& item : list.at("items").as_array()) {
      DemoPod pod{.name = std::string{item.at("metadata").at("name").as_string()}, .addresses = {}};
      if (const json::value* ips = item.at("status").as_object().if_contains("podIPs")) {
        for (const json::value& ip : ips->as_array()) {
          pod.addresses.emplace_back(ip.at("ip").as_string());
        }
      }
      pods.push_back(std::move(pod));
    }
  } catch (const std::exception& error) {
    return failure("read", "the pods", error.what());
  }
  return pods;
}

}  // namespace

Result<Plan> running(const std::string& name) {
  const auto id = testbed::Id::make(testbed::Kind::kBasic, name);
  if (!id) return tl::unexpected(id.error());
  const auto settings = read_settings(Places{*id});
  if (!settings) {
    return failure(
        "find", fmt::format("the cluster '{}'", name), "it is not up",
        fmt::format("sextant testbed cluster up{}", name == kDefaultName ? "" : " --name " + name));
  }
  const auto programs = find_programs();
  if (!programs) return tl::unexpected(programs.error());
  return Plan{Places{testbed::Id::make(settings->underlay, name).value()}, *settings, *programs};
}

std::vector<DaemonStatus> status(const Plan& plan) {
  std::vector<DaemonStatus> result;
  const auto add = [&](const std::string& node, const std::string& name) {
    result.push_back({.node = node,
                      .daemon = name,
                      .process = process_of(plan.places, node, name),
                      .log = plan.places.log(node, name)});
  };
  for (const Daemon& each : control_plane(plan)) add(each.node, each.name);
  for (const auto& node : plan.lab().nodes) {
    add(node.name, "init");
    for (const std::string& each : node_daemon_names(plan.settings)) add(node.name, each);
  }
  return result;
}

Result<std::vector<Check>> check(const Plan& plan) {
  const auto pods = demo_pods(plan);
  if (!pods) return tl::unexpected(pods.error());
  std::vector<Check> checks;
  for (const DemoPod& from : *pods) {
    for (const DemoPod& to : *pods) {
      if (from.name == to.name) continue;
      for (const std::string& address : to.addresses) {
        const auto done = testbed::run(
            kubectl_command(plan, {"exec", from.name, "--", "ping", "-c", "1", "-W", "2", address}),
            std::chrono::seconds{20});
        if (!done) return tl::unexpected(done.error());
        checks.push_back({.what = "ping",
                          .from = from.name,
                          .to = fmt::format("{} {}", to.name, address),
                          .passed = done->status == 0,
                          .detail = done->status == 0 ? "" : done->out + done->err});
      }
    }
  }
  return checks;
}

}  // namespace sextant::cluster
