#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <cstdlib>
#include <exception>

#include "doctor/cluster.h"
#include "kube/client.h"
#include "kube/config.h"
#include "sources/kubernetes/node_readiness.h"
#include "sources/kubernetes/resources.h"

namespace sextant::doctor {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds kPatience{5};

struct Right {
  const char *verb, *group, *resource, *subresource;
  const char* name = "";  // not empty: of this one, in the agents' namespace
  const char* ns = "";    // not empty: there
};
// What deploy/base gives, as far as the agent cannot do without it.
constexpr std::array kRights{
    Right{"watch", "", "nodes", ""},
    Right{"patch", "", "nodes", ""},
    Right{"patch", "", "nodes", "status"},
    Right{"watch", "sextant.dev", "srv6nodes", ""},
    Right{"create", "sextant.dev", "srv6nodes", ""},
    Right{"patch", "sextant.dev", "srv6nodes", "status"},
    Right{"watch", "sextant.dev", "srv6policies", ""},
    Right{"patch", "sextant.dev", "srv6policies", "status"},
    Right{"watch", "sextant.dev", "srv6locators", ""},
    Right{"create", "sextant.dev", "srv6locators", ""},
    Right{"create", "", "events", "", "", "default"},
    Right{"create", "coordination.k8s.io", "leases", "", "sextant-aggregator"},
    Right{"update", "coordination.k8s.io", "leases", "", "sextant-aggregator"},
};

std::string to_string(const Right& right) {
  std::string text = std::string(right.verb) + " " + right.resource;
  if (*right.subresource != '\0') text += std::string("/") + right.subresource;
  if (*right.group != '\0') text += std::string(" (") + right.group + ")";
  return text;
}

/// A SelfSubjectAccessReview a right, and a look at the Node.
boost::asio::awaitable<void> ask(kube::Client& client, std::string ns, std::string node,
                                 ClusterFacts& facts) {
  const kube::Resource reviews{"authorization.k8s.io", "v1", "selfsubjectaccessreviews"};
  const std::string cluster_scoped;
  for (const auto& right : kRights) {
    json::value review{{"apiVersion", "authorization.k8s.io/v1"},
                       {"kind", "SelfSubjectAccessReview"},
                       {"spec",
                        {{"resourceAttributes",
                          {{"verb", right.verb},
                           {"group", right.group},
                           {"resource", right.resource},
                           {"subresource", right.subresource},
                           {"namespace", *right.name == '\0' ? std::string(right.ns) : ns},
                           {"name", right.name}}}}}};
    const auto answer = co_await client.create(reviews, cluster_scoped, std::move(review));
    if (!answer) co_return;
    facts.asked = true;
    const auto* status = answer->as_object().if_contains("status");
    const auto* allowed = status != nullptr && status->is_object()
                              ? status->get_object().if_contains("allowed")
                              : nullptr;
    if (allowed == nullptr || !allowed->is_bool() || !allowed->get_bool())
      facts.denied.push_back(to_string(right));
  }
  const kube::ObjectRef ref{kubernetes::kNodes, "", std::move(node)};
  const auto object = co_await client.get(ref);
  if (!object) co_return;
  const auto found = kubernetes::read_node_facts(*object);
  facts.tainted = found.tainted;
  facts.network_unavailable = found.network_unavailable && found.network_unavailable->status ==
                                                               kubernetes::ConditionStatus::kTrue;
}

}  // namespace

ClusterFacts ask_cluster(const std::string& node) {
  ClusterFacts facts;
  if (std::getenv("KUBERNETES_SERVICE_HOST") == nullptr) return facts;
  auto config = kube::in_cluster_config();
  if (!config) return facts;
  boost::asio::io_context io{1};
  const auto ns = config->ns;
  kube::Client client(io, std::move(*config));
  boost::asio::co_spawn(io, ask(client, ns, node, facts),
                        [&io](const std::exception_ptr&) { io.stop(); });
  io.run_for(kPatience);
  return facts;
}

}  // namespace sextant::doctor
