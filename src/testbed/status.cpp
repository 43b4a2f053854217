#include "testbed/status.h"

#include <algorithm>
#include <boost/json.hpp>

#include "testbed/agents.h"
#include "testbed/bgp.h"
#include "testbed/frr.h"
#include "testbed/pods.h"
#include "testbed/state.h"

namespace sextant::testbed {
namespace {

namespace json = boost::json;

json::array texts(const std::vector<std::string>& values) {
  return json::array(values.begin(), values.end());
}

json::object machine_json(const Id& id, const MachineStatus& machine) {
  const Topology& lab = topology(id.kind());
  json::object object{{"name", machine.name},
                      {"netns", machine.netns},
                      {"addresses", texts(machine.addresses)},
                      {"present", machine.present}};
  if (machine.role == "node" || machine.role == "router") {
    object["stopped"] = texts(machine.stopped);
  }
  if (!machine.attached_to.empty()) {
    object[machine.role == "pod" ? "node" : "router"] = machine.attached_to;
  }
  if (const ClusterNode* node = lab.node(machine.name); node != nullptr) {
    object["locator"] = node->locator;
    object["sids"] = json::object{{"End.DT4", node->dt4}, {"End.DT6", node->dt6}};
    object["podPrefixes"] = texts(node->pod_prefixes);
    object["socket"] = id.socket(node->name).string();
    object["configMap"] = id.config_map(node->name).string();
  }
  if (const Router* router = lab.router(machine.name); router != nullptr) {
    object["endSID"] = router->end_sid;
    object["vtySocket"] = frr_directory(id, router->name).string();
  }
  return object;
}

}  // namespace

Result<Status> status(const Id& id) {
  const Topology& lab = topology(id.kind());
  const auto names = existing_namespaces(id);
  if (!names) return tl::unexpected(names.error());
  std::optional<State> state = read_state(id);
  if (state && state->kind != id.kind()) {
    return failure("show", id.title(), "what is up under that name is the other kind of testbed");
  }
  Status result;
  const auto add = [&](std::string name, std::string role, std::vector<std::string> addresses,
                       std::string attached_to) {
    const std::string netns = id.netns(name);
    const bool present = std::ranges::find(*names, netns) != names->end();
    result.machines.push_back({.name = std::move(name),
                               .role = std::move(role),
                               .netns = netns,
                               .addresses = std::move(addresses),
                               .attached_to = std::move(attached_to),
                               .present = present,
                               .stopped = {}});
  };
  result.agents = state ? state->agents : true;
  if (state) result.bgp = state->bgp;
  for (const ClusterNode& node : lab.nodes) {
    add(node.name, "node", node.addresses, node.router);
    if (result.agents && agent_process(id, node.name) == 0) {
      result.machines.back().stopped.emplace_back("sextantd");
    }
  }
  const unsigned pods = state ? state->pods : 0;
  // Pods of an `up` that was interrupted may have no result yet: they are shown without addresses.
  const auto known = list_pods(id, lab, pods);
  for (const ClusterNode& node : lab.nodes) {
    for (unsigned n = 1; n <= pods; ++n) {
      std::vector<std::string> addresses;
      for (const Pod& pod : known ? *known : std::vector<Pod>{}) {
        if (pod.name != Id::pod(node.name, n)) continue;
        for (const IpAddress& address : pod.addresses) addresses.push_back(address.to_string());
      }
      add(Id::pod(node.name, n), "pod", std::move(addresses), node.name);
    }
  }
  const std::vector<std::string> stopped = stopped_frr(id, lab);
  for (const Router& router : lab.routers) {
    std::vector<std::string> loopbacks;
    for (const std::string& text : router.loopbacks) loopbacks.push_back(without_length(text));
    add(router.name, "router", std::move(loopbacks), "");
    for (const std::string& label : stopped) {  // "isisd on r3"
      const std::string suffix = " on " + router.name;
      if (!label.ends_with(suffix)) continue;
      result.machines.back().stopped.push_back(label.substr(0, label.size() - suffix.size()));
    }
  }
  for (const Host& host : lab.hosts) {
    add(host.name, "host", host.addresses, host.router);
    if (host.name != kInjectorMachine || !state || !state->bgp) continue;
    if (*state->bgp != Injector::kNone && injector_process(id, *state->bgp) == 0) {
      result.machines.back().stopped.emplace_back(to_string(*state->bgp));
    }
  }
  if (!lab.bridge.empty()) add(lab.bridge, "switch", {}, "");

  const bool whole = std::ranges::all_of(
      result.machines, [](const auto& each) { return each.present && each.stopped.empty(); });
  if (state && state->complete && whole) {
    result.state = "up";
  } else {
    result.state = !state && names->empty() ? "down" : "partial";
  }
  return result;
}

std::filesystem::path configuration(const Id& id, const Status& status) {
  return status.bgp ? bgp_directory(id) : id.manifests();
}

boost::json::object to_json(const Id& id, const Status& status) {
  json::object object{{"kind", to_string(id.kind())},
                      {"name", id.name()},
                      {"state", status.state},
                      {"directory", id.directory().string()},
                      {"manifests", configuration(id, status).string()}};
  for (const auto& [role, key] :
       {std::pair{"node", "nodes"}, {"pod", "pods"}, {"router", "routers"}, {"host", "hosts"}}) {
    json::array list;
    for (const MachineStatus& machine : status.machines) {
      if (machine.role == role) list.push_back(machine_json(id, machine));
    }
    object[key] = std::move(list);
  }
  return object;
}

}  // namespace sextant::testbed
