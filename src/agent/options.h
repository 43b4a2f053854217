// The command line of sextantd.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/defaults.h"
#include "agent/listen_address.h"
#include "base/ip.h"
#include "sources/kubernetes/locator_claim.h"
#include "sources/kubernetes/settings.h"
#include "srv6/segment_list.h"

namespace CLI {
class App;
}

namespace sextant::agent {

enum class LogFormat : std::uint8_t { kText, kJson };

struct KubernetesOptions {
  std::string kubeconfig;  // empty: none
  std::string context;     // empty: the file's current one
  bool in_cluster = false;
  kubernetes::SourceSettings read;
  std::string ns = kDefaultNamespace;  // Sextant's own: of the aggregator's Lease
  std::string daemon_set;  // NAMESPACE/NAME of the one that runs this agent; empty: none
  std::optional<kubernetes::LocatorPool> locator_pool;
  struct {  // the pool as it is written
    std::string prefix;
    int length = 64;
    overlay::LocatorReach reach = overlay::LocatorReach::kOnLink;
  } pool_text;
  [[nodiscard]] bool wanted() const { return in_cluster || !kubeconfig.empty(); }
};

struct Options {
  std::string node;
  std::string manifests{kDefaultManifests};  // where kubernetes is not wanted
  KubernetesOptions kubernetes;
  std::string socket{kDefaultSocket};
  std::size_t max_segments = 6;
  srv6::EncapMode encap = srv6::EncapMode::kEncaps;
  std::vector<IpPrefix> sid_prefixes;  // closed to pods besides what the manifests name
  std::vector<IpPrefix> sid_sources;   // none: any outer source but a pod's
  std::string bgp;                     // the file of BGP's settings; empty: no BGP
  std::string cni_config_folder;       // empty: the network configuration is not the agent's
  std::vector<std::string> uplinks;    // names, `*` at the end for any; none: found by themselves
  bool nat_outgoing = false;
  std::string dataplane = "linux";
  std::string log_level = "info";
  LogFormat log_format = LogFormat::kText;
  std::optional<ListenAddress> metrics_listen;  // none: metrics on the socket only
  bool metrics_per_node = false;
  bool remove = false;
  std::string injector;  // the settings of the policy injector, which this is then; empty: an agent
  std::string state{kDefaultInjectorState};  // of the injector
};

struct CommandLine {
  std::optional<Options> options;  // none: the program ends, help or the error is printed
  int exit_status = 0;
};

/// Gives `app` sextantd's description, options and footer; parsing it sets `options`. For the
/// manual page too.
void describe_command_line(CLI::App& app, Options& options);

/// Every value is checked; --node falls back to $SEXTANT_NODE, then to the host's name.
[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace sextant::agent
