#include "installation/pod_prefixes.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>

#include "kube/client.h"
#include "kube/informer.h"

namespace sextant::installation {
namespace {

namespace json = boost::json;

struct NodePrefixes {
  std::vector<IpPrefix> prefixes;
  std::string damage;  // what cannot be read
};

void take(const json::value& text, NodePrefixes& node) {
  if (!text.is_string() || text.get_string().empty()) return;
  const auto prefix = IpPrefix::parse(std::string(text.get_string()));
  if (prefix)
    node.prefixes.push_back(*prefix);
  else
    node.damage = prefix.error().message();
}

NodePrefixes read(const json::object& object) {
  NodePrefixes node;
  const auto* spec = object.if_contains("spec");
  if (spec == nullptr || !spec->is_object()) return node;
  if (const auto* all = spec->get_object().if_contains("podCIDRs"); all && all->is_array())
    for (const auto& each : all->get_array()) take(each, node);
  if (const auto* one = spec->get_object().if_contains("podCIDR"); one && node.prefixes.empty())
    take(*one, node);
  return node;
}

}  // namespace

Result<std::vector<IpPrefix>> wait_for_pod_prefixes(
    const kube::Config& config, const std::string& node, std::chrono::seconds patience,
    const std::function<void(const std::string&)>& on_wait) {
  boost::asio::io_context io;
  kube::Client client(io, config);
  std::optional<NodePrefixes> found;  // none: there is no such Node
  bool told = false;
  kube::Informer<NodePrefixes> nodes(
      client, {"", "v1", "nodes"}, {.selectors = {.field = "metadata.name=" + node}}, read,
      [&](std::span<const kube::Change<NodePrefixes>> changes) {
        for (const auto& change : changes)
          found = change.now ? std::optional(*change.now) : std::nullopt;
        if (found && !found->prefixes.empty()) return io.stop();
        if (told) return;
        told = true;
        on_wait(found ? "Node " + node + " has no podCIDRs yet; waiting for them"
                      : "there is no Node " + node + " yet; waiting for it");
      });
  boost::asio::steady_timer timer(io, patience);
  timer.async_wait([&](const boost::system::error_code& error) {
    if (!error) io.stop();
  });
  nodes.start();
  io.run();

  constexpr auto kOperation = "find the pod prefixes of";
  if (found && !found->prefixes.empty()) return found->prefixes;
  const auto waited = " within " + std::to_string(patience.count()) + " s";
  if (!nodes.synced()) {
    const auto& last = nodes.health().last_error;
    return failure(kOperation, "node " + node,
                   last ? last->error.message() : client.server() + " did not answer" + waited);
  }
  if (!found)
    return failure(kOperation, "node " + node, "there is no such Node" + waited,
                   "is --node right?");
  if (!found->damage.empty()) return failure(kOperation, "node " + node, found->damage);
  return failure(kOperation, "node " + node, "it was given no podCIDRs" + waited,
                 "run the controller manager with --allocate-node-cidrs and --cluster-cidr, or "
                 "write spec.podCIDRs");
}

}  // namespace sextant::installation
