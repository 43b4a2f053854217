// A Kubernetes API server as a source of Intent.
//
// Flow: informers (one a kind) -> batches of objects -> ObjectSet -> IntentStore -> one
// IntentChange a batch. One thread, the loop's. docs/reference-kubernetes.md tells what is read.
//
// Nothing is told before each kind was listed completely: what is missing then is not wanted, and
// what cannot be known yet leaves the standing forwarding as it is.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "overlay/intent.h"
#include "sources/kubernetes/object_set.h"
#include "sources/kubernetes/settings.h"
#include "sources/source.h"

namespace boost::asio {
class io_context;
}

namespace sextant::kube {
class Client;
}

namespace sextant::kubernetes {

class KubernetesSource final : public sources::Source {
 public:
  /// `io` must outlive it.
  KubernetesSource(boost::asio::io_context& io, std::unique_ptr<kube::Client> client,
                   SourceSettings settings);
  ~KubernetesSource() override;

  /// Before start(): an earlier agent's forwarding stands on this node.
  ///
  /// SRv6Nodes are read from the API server's memory: to leave out the thousands that only carry a
  /// status, it would read all of them from etcd, for each agent that starts. Its memory may be
  /// behind. Where nothing forwards yet, that can take nothing away, and the watch that follows
  /// brings what is newer. Where forwarding stands, an older state might: there the agent first
  /// writes to its own SRv6Node, and the list must hold that write, and with it all that was
  /// written before (docs/decisions/0006).
  void forwarding_stands(const std::string& node);
  void start(Listener listener) override;
  void reload() override;
  [[nodiscard]] const overlay::Intent& intent() const override;
  [[nodiscard]] const sources::Peering& peering() const override;
  [[nodiscard]] std::vector<sources::Finding> findings() const override;
  [[nodiscard]] bool loaded() const override;
  [[nodiscard]] bool in_doubt(const std::string& node) const override;
  [[nodiscard]] std::string kind() const override { return "kubernetes"; }
  [[nodiscard]] std::string place() const override;
  [[nodiscard]] std::optional<sources::ServerState> server() const override;

  /// Of Nodes, SRv6Nodes, SRv6Policies, SRv6Locators and ConfigMaps as the API server has them now,
  /// whether they can be read or not; null: there is no such object. A ConfigMap's policy
  /// ("srv6-config-w1[0]") is asked for by the ConfigMap's name.
  [[nodiscard]] const ObjectMeta* meta(const overlay::ObjectKey& object) const;
  /// All of a kind, by name.
  [[nodiscard]] std::map<std::string, ObjectMeta> metas(const std::string& kind) const;
  /// What was found wrong with one object; empty: nothing.
  [[nodiscard]] std::vector<sources::Finding> findings_of(const overlay::ObjectKey& object) const;

  /// The object that the node's locator comes from; an empty key where it has none.
  [[nodiscard]] overlay::ObjectKey locator_object(const std::string& node) const;

  /// For whoever writes back: the same connections, the same counters.
  [[nodiscard]] kube::Client& client();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sextant::kubernetes
