#include "testbed/cluster/workload.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "testbed/cluster/images.h"

namespace sextant::cluster {
namespace {

namespace json = boost::json;

json::object pod_object(const std::string& node, const std::string& name) {
  const std::string script =
      "echo $(hostname) >/tmp/index.html; trap 'exit 0' TERM; httpd -p '[::]:80' -h /tmp; "
      "while :; do sleep 3600 & wait $!; done";
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", json::object{{"name", name},
                                    {"namespace", "default"},
                                    {"labels", json::object{{"app", "demo"}}}}},
          {"spec",
           json::object{
               {"nodeSelector", json::object{{"kubernetes.io/hostname", node}}},
               {"terminationGracePeriodSeconds", 1},
               {"enableServiceLinks", false},
               // Stay where they are while a test has a node's power off.
               {"tolerations", json::array{json::object{{"key", "node.kubernetes.io/unreachable"},
                                                        {"operator", "Exists"},
                                                        {"effect", "NoExecute"}},
                                           json::object{{"key", "node.kubernetes.io/not-ready"},
                                                        {"operator", "Exists"},
                                                        {"effect", "NoExecute"}}}},
               {"containers", json::array{json::object{
                                  {"name", "demo"},
                                  {"image", kPodImage},
                                  {"imagePullPolicy", "Never"},
                                  {"command", json::array{"/bin/sh", "-c", script}},
                                  {"ports", json::array{json::object{{"containerPort", 80}}}}}}}}}};
}

json::object service_object(const Settings& settings) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", json::object{{"name", "demo"}, {"namespace", "default"}}},
          {"spec", json::object{{"selector", json::object{{"app", "demo"}}},
                                {"ipFamilyPolicy",
                                 settings.dual_stack() ? "RequireDualStack" : "SingleStack"},
                                {"ports", json::array{json::object{{"port", 80}}}}}}};
}

}  // namespace

std::string demo_pod(std::string_view node, unsigned number) {
  return fmt::format("demo-{}-{}", node, number);
}

std::string demo_objects(const Settings& settings) {
  json::array items{service_object(settings)};
  for (const auto& node : testbed::topology(settings.underlay).nodes) {
    for (unsigned number = 1; number <= settings.pods; ++number) {
      items.push_back(pod_object(node.name, demo_pod(node.name, number)));
    }
  }
  return json::serialize(json::object{{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}});
}

std::string node_patch(const Settings& settings, const testbed::ClusterNode& node) {
  json::array prefixes;
  for (const std::string& each : pod_prefixes(settings, node)) prefixes.emplace_back(each);
  json::object metadata;
  if (node.control_plane) {
    metadata["labels"] = json::object{{"node-role.kubernetes.io/control-plane", ""}};
  }
  // Without routers nobody else carries the locator. In the full testbed locators come from
  // IPPools, as in the paper, and the fabric carries them.
  if (node.router.empty()) {
    metadata["annotations"] = json::object{{"sextant.dev/locator", node.locator},
                                           {"sextant.dev/locator-reach", "on-link"}};
  }
  return json::serialize(
      json::object{{"metadata", metadata},
                   {"spec", json::object{{"podCIDR", prefixes.front()}, {"podCIDRs", prefixes}}}});
}

}  // namespace sextant::cluster
