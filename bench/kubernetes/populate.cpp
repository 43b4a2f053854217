#include "kubernetes/populate.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/json.hpp>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "common/program.h"

namespace sextant::bench {
namespace {

constexpr std::size_t kConnections = 16;

}  // namespace

void in_parallel(const ApiAccess& access, std::size_t count,
                 const std::function<void(Api&, std::size_t)>& each) {
  std::atomic<std::size_t> next = 0;
  std::exception_ptr failed;
  std::mutex failed_guard;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < std::min(kConnections, count); ++i) {
    threads.emplace_back([&] {
      try {
        Api api(access);
        for (std::size_t index = next++; index < count && !interrupted(); index = next++) {
          each(api, index);
        }
      } catch (...) {
        next = count;
        const std::lock_guard lock(failed_guard);
        failed = std::current_exception();
      }
    });
  }
  threads.clear();  // joins
  check_interruption();
  if (failed) std::rethrow_exception(failed);
}

std::string srv6_node_status_path(std::size_t node) {
  return fmt::format("{}/{}/status?fieldManager=sextant&force=true", kSrv6NodesPath,
                     node_name(node));
}

void populate(const ApiAccess& access, const ClusterSize& size) {
  // Another node's agent is the aggregator, as for all nodes but one.
  Api(access).expect("POST", kLeasesPath, serialize(held_lease()));
  in_parallel(access, size.policies, [&](Api& api, std::size_t policy) {
    api.expect("POST", kPoliciesPath,
               serialize(policy_object(size, policy, usual_segment(policy))));
  });
  in_parallel(access, size.nodes + 1, [&](Api& api, std::size_t node) {
    const auto made =
        boost::json::parse(api.expect("POST", kNodesPath, serialize(node_object(node))));
    if (node == 0) return;
    const std::string uid(made.at("metadata").at("uid").as_string());
    api.expect("POST", kSrv6NodesPath, serialize(srv6_node_object(node, uid)));
    api.expect("PATCH", srv6_node_status_path(node), serialize(srv6_node_status(size, node, 1)),
               kApplyPatch);
  });
}

}  // namespace sextant::bench
