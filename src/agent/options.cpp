#include "agent/options.h"

#include <sys/un.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <iostream>
#include <map>
#include <memory>

#include "agent/help_format.h"
#include "agent/option_words.h"
#include "base/version.h"
#include "overlay/validation.h"

namespace sextant::agent {
namespace {

constexpr auto kDescription =
    "sextantd, the agent of one node: makes the node's SRv6 overlay forwarding what Kubernetes "
    "objects say.\n"
    "\n"
    "It reads them (Node, ConfigMap srv6-config-<node>, SRv6Node, SRv6Policy) from a folder of "
    "manifests, or from\n"
    "a cluster's API server, follows every edit at once, and repairs what others change. Ending or "
    "restarting it\n"
    "leaves forwarding as it is; --remove takes everything away. `sextant status` shows what it "
    "does.\n";

constexpr auto kFooter =
    "\nExamples:\n"
    "  sextantd --node worker1 --manifests /etc/sextant/manifests\n"
    "  sextantd --node worker1 --kubeconfig /etc/sextant/kubeconfig\n"
    "  sextantd --node worker1 --max-segments 3     # a bigger pod MTU, shorter segment lists\n"
    "  sextantd --node worker1 --bgp /etc/sextant/bgp.yaml    # nodes and SR Policies over BGP "
    "too\n"
    "  sextantd --metrics-listen 127.0.0.1:9617     # http://127.0.0.1:9617/metrics for "
    "Prometheus\n"
    "  sextantd --remove                            # remove all forwarding of Sextant\n"
    "  sextantd --injector /etc/sextant/injector.yaml    # no agent: the policy injector, for "
    "`sextant pi`\n"
    "\n"
    "Environment:\n"
    "  SEXTANT_...  each option but --remove: SEXTANT_MAX_SEGMENTS=3; the command line goes "
    "before\n"
    "\n"
    "Signals:\n"
    "  TERM, INT  end it; forwarding stays, and the next agent adopts it\n"
    "  HUP        read all manifests and BGP's settings again (a cluster's objects are followed "
    "without it)\n"
    "  An injector that ends leaves its policies with its peers, for the time of graceful "
    "restart.\n"
    "\n"
    "Privileges:\n"
    "  root, or CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN; the injector needs none where its "
    "ports, socket and state allow\n"
    "\n"
    "Exit status:\n"
    "  0  ended by a signal, or removed\n"
    "  1  could not start, or failed\n"
    "  2  a wrong command line\n"
    "\n"
    "Read on:\n"
    "  sextant status         what the agent does, and what it could not do\n"
    "  sextant doctor         what is wrong with the node and its underlay\n"
    "  sextant uninstall      remove everything of Sextant, not only the forwarding";

/// What a kubelet calls this machine: the host's name in lower case.
std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  std::string text(name.data());
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  return text;
}

/// Kubernetes' names of nodes: DNS subdomains (RFC 1123).
std::string check_node_name(const std::string& name) {
  const auto alphanumeric = [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
  };
  const bool good = !name.empty() && name.size() <= 253 && alphanumeric(name.front()) &&
                    alphanumeric(name.back()) &&
                    std::all_of(name.begin(), name.end(), [&](char byte) {
                      return alphanumeric(byte) || byte == '-' || byte == '.';
                    });
  return good ? "" : "'" + name + "' is not a node's name (a-z, 0-9, '-' and '.')";
}

std::string check_socket(const std::string& path) {
  return !path.empty() && path.size() < sizeof(sockaddr_un::sun_path)
             ? ""
             : "a Unix socket's path has 1 to 107 bytes";
}

/// Appends the IPv6 prefix; an address is one of its full length.
std::string add_prefix(const std::string& text, std::vector<IpPrefix>& prefixes) {
  const auto address = Ipv6Address::parse(text);
  const auto prefix = address ? Result<IpPrefix>(IpPrefix::host(*address)) : IpPrefix::parse(text);
  if (!prefix || prefix->family() != Family::kIpv6) return "'" + text + "' is not an IPv6 prefix";
  if (const auto fault = overlay::prefix_fault(*prefix); !fault.empty()) {
    return prefix->to_string() + " " + fault;
  }
  prefixes.push_back(*prefix);
  return {};
}

/// An option that may be given several times, each with prefixes separated by commas.
void add_prefixes(CLI::App& app, const std::string& name, std::vector<IpPrefix>& prefixes,
                  const std::string& description) {
  app.add_option_function<std::vector<std::string>>(
         name,
         [name, &prefixes](const std::vector<std::string>& texts) {
           for (const auto& text : texts) {
             if (const auto wrong = add_prefix(text, prefixes); !wrong.empty()) {
               throw CLI::ValidationError(name, wrong);
             }
           }
         },
         description)
      ->type_name("PREFIX")
      ->delimiter(',')
      ->take_all();
}

/// nftables' patterns: a name, or the beginning of one and `*`.
std::string check_device(const std::string& name) {
  const bool good = !name.empty() && name.size() <= 15 && name != "*" &&
                    name.find_first_of("\"/\\ ") == std::string::npos &&
                    name.find('*') >= name.size() - 1;
  return good ? "" : "'" + name + "' is not a device's name or its beginning and '*'";
}

/// --max-segments is $SEXTANT_MAX_SEGMENTS too, and so on: a DaemonSet's ConfigMap is its
/// configuration. An empty variable is none.
void take_from_environment(CLI::App& app) {
  for (auto* option : app.get_options()) {
    const auto name = option->get_lnames().empty() ? "" : option->get_lnames().front();
    if (name.empty() || name == "help" || name == "version" || name == "remove") continue;
    std::string variable = "SEXTANT_" + name;
    std::transform(variable.begin(), variable.end(), variable.begin(), [](unsigned char byte) {
      return byte == '-' ? '_' : static_cast<char>(std::toupper(byte));
    });
    option->envname(variable);
  }
}

std::string check_namespace(const std::string& name) {
  const auto wrong = check_node_name(name);
  return wrong.empty() && name.size() <= 63 && name.find('.') == std::string::npos
             ? ""
             : "'" + name + "' is not a namespace (a-z, 0-9 and '-')";
}

/// NAMESPACE/NAME
std::string check_object(const std::string& text) {
  const auto slash = text.find('/');
  if (slash != std::string::npos && check_namespace(text.substr(0, slash)).empty() &&
      check_node_name(text.substr(slash + 1)).empty())
    return {};
  return "'" + text + "' is not NAMESPACE/NAME";
}

/// What is written to the API server. parse_command_line() puts the pool together.
void describe_writing(CLI::App& app, KubernetesOptions& options) {
  auto& pool = options.pool_text;
  app.add_option("--namespace", options.ns, "Sextant's own, where agents elect one of them")
      ->type_name("NAMESPACE")
      ->check(CLI::Validator(check_namespace, ""))
      ->capture_default_str();
  app.add_option("--daemonset", options.daemon_set,
                 "The DaemonSet that runs this agent: when it was deleted, SIGTERM removes "
                 "everything from the node; with --in-cluster: sextant in --namespace")
      ->type_name("NAMESPACE/NAME")
      ->check(CLI::Validator(check_object, ""));
  auto* prefix =
      app.add_option("--locator-pool", pool.prefix,
                     "Claim a locator from this IPv6 prefix where neither an annotation, Calico's "
                     "IPPool nor an SRv6Node gives the node one")
          ->type_name("PREFIX");
  app.add_option("--locator-length", pool.length, "The length of the locators in that pool")
      ->type_name("BITS")
      ->needs(prefix)
      ->capture_default_str();
  const std::map<std::string, overlay::LocatorReach> reaches{
      {"on-link", overlay::LocatorReach::kOnLink}, {"fabric", overlay::LocatorReach::kFabric}};
  app.add_option("--locator-reach", pool.reach,
                 "Who carries claimed locators. on-link: each node routes the others' by their "
                 "addresses, on one link; fabric: the underlay's routing knows them")
      ->transform(one_of(reaches, "{on-link,fabric}"))
      ->needs(prefix)
      ->default_str("on-link");
}

void take_pool(KubernetesOptions& options) {
  const auto& from = options.pool_text;
  if (from.prefix.empty()) return;
  const auto prefix = IpPrefix::parse(from.prefix);
  if (!prefix) throw CLI::ValidationError("--locator-pool", prefix.error().message());
  auto pool = kubernetes::LocatorPool::make(*prefix, from.length, from.reach);
  if (!pool) throw CLI::ValidationError("--locator-pool", pool.error().message());
  options.locator_pool = *pool;
}

/// A cluster's API server in place of a folder.
void describe_kubernetes(CLI::App& app, CLI::Option* manifests, KubernetesOptions& options) {
  auto* kubeconfig =
      app.add_option("--kubeconfig", options.kubeconfig,
                     "Read the objects from the API server that this file names, not manifests")
          ->type_name("FILE")
          ->check(CLI::Validator(
              [](const std::string& path) { return path.empty() ? "a file's name" : ""; }, ""))
          ->excludes(manifests);
  app.add_option("--context", options.context, "The context in it; default: its current one")
      ->type_name("NAME")
      ->needs(kubeconfig);
  app.add_flag("--in-cluster", options.in_cluster,
               "The same for a pod: with its service account, at the API server of its cluster")
      ->excludes(manifests)
      ->excludes(kubeconfig);
  app.add_option("--config-map-namespace", options.read.config_map_namespace,
                 "Where the ConfigMaps srv6-config-<node> and calico-vpp-config are")
      ->type_name("NAMESPACE")
      ->check(CLI::Validator(check_namespace, ""))
      ->capture_default_str();
  using sources::Ipam;
  const std::map<std::string, Ipam> allocators{
      {"auto", Ipam::kAuto}, {"node", Ipam::kNode}, {"calico", Ipam::kCalico}};
  app.add_option("--ipam", options.read.ipam,
                 "Who gives pods their addresses. node: Node.spec.podCIDRs; calico: Calico's block "
                 "affinities and IPAM blocks; auto: calico where there are block affinities")
      ->transform(one_of(allocators, "{auto,node,calico}"))
      ->default_str("auto");
}

}  // namespace

void describe_command_line(CLI::App& app, Options& options) {
  app.description(kDescription);
  app.name("sextantd");
  app.formatter(std::make_shared<HelpFormat>());
  app.footer(kFooter);
  app.set_version_flag("--version", "sextantd " + std::string(version()));
  app.add_option("--node", options.node, "This node's name among the objects; default: host name")
      ->type_name("NODE")
      ->envname("SEXTANT_NODE")
      ->capture_default_str();
  auto* manifests =
      app.add_option("--manifests", options.manifests, "The folder of manifests, watched")
          ->type_name("DIR")
          ->capture_default_str();
  describe_kubernetes(app, manifests, options.kubernetes);
  describe_writing(app, options.kubernetes);
  app.add_option("--socket", options.socket, "The Unix socket of the HTTP API")
      ->type_name("PATH")
      ->check(CLI::Validator(check_socket, ""))
      ->capture_default_str();
  app.add_option(
         "--max-segments", options.max_segments,
         "The longest segment list, service SID included; it fixes the pod MTU, and must be "
         "the same for sextant-cni")
      ->check(CLI::Range(1, 127))
      ->capture_default_str();
  const std::map<std::string, srv6::EncapMode> modes{{"reduced", srv6::EncapMode::kEncapsReduced},
                                                     {"full", srv6::EncapMode::kEncaps}};
  app.add_option(
         "--encap", options.encap,
         "For lists of several SIDs (one SID never needs an SRH). full: H.Encaps; reduced: "
         "H.Encaps.Red, 16 bytes less, but a Linux router that takes segments at an address of its "
         "own (seg6_enabled, no seg6local SID) rejects it")
      ->transform(one_of(modes, "{reduced,full}"))
      ->default_str("full");
  add_prefixes(app, "--sid-prefix", options.sid_prefixes,
               "Holds SIDs too, besides the locators and SIDs that manifests name: closed to pods, "
               "as are those. For example the routers' loopbacks, or a pool of binding SIDs");
  add_prefixes(app, "--sid-source", options.sid_sources,
               "Besides nodes, routers and SIDs, what may send to this node's SIDs; all other "
               "sources are dropped. Without it: any source but a pod's");
  app.add_option(
         "--uplink", options.uplinks,
         "A device of the underlay, where this node's SIDs take packets; `*` at the end for "
         "any. Without it: each device with a global IPv6 address (bridges aside), and each "
         "through which an IPv6 route has a gateway")
      ->type_name("DEVICE")
      ->delimiter(',')
      ->take_all()
      ->check(CLI::Validator(check_device, ""));
  app.add_option("--bgp", options.bgp,
                 "Speaks BGP as this file says (docs/reference-bgp.md): learns other nodes and SR "
                 "Policies, announces this node")
      ->type_name("FILE");
  app.add_option("--cni-conf-dir", options.cni_config_folder,
                 "The container runtime's folder of network configurations: 10-sextant.conflist is "
                 "put there once this node forwards. Without it, that is left to others")
      ->type_name("DIR");
  app.add_flag("--nat-outgoing", options.nat_outgoing,
               "Masquerade what this node's pods send out of the cluster, both families: it leaves "
               "from the node's address. Never what goes to pods or to nodes");
  app.add_option("--dataplane", options.dataplane, "What forwards")
      ->check(CLI::IsMember({"linux"}))
      ->capture_default_str();
  app.add_option("--log-level", options.log_level, "How much to log, on stderr")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}))
      ->capture_default_str();
  const std::map<std::string, LogFormat> formats{{"text", LogFormat::kText},
                                                 {"json", LogFormat::kJson}};
  app.add_option("--log-format", options.log_format,
                 "Lines for people, or one JSON object a line for log collectors")
      ->transform(one_of(formats, "{text,json}"))
      ->default_str("text");
  app.add_option_function<std::string>(
         "--metrics-listen",
         [&options](const std::string& text) {
           const auto address = ListenAddress::parse(text);
           if (!address) throw CLI::ValidationError("--metrics-listen", address.error().message());
           options.metrics_listen = *address;
         },
         "Serve /metrics for Prometheus on this TCP address too, e.g. 127.0.0.1:9617, "
         "[fd11::1000]:9617, or :9617 for every address; without it, on the socket only")
      ->type_name("[ADDRESS]:PORT");
  app.add_flag("--metrics-per-node", options.metrics_per_node,
               "Count the traffic on plain paths node by node too: series grow with the cluster");
  auto* remove =
      app.add_flag("--remove", options.remove,
                   "Remove everything that Sextant's data plane owns on this node, and exit");
  auto* injector =
      app.add_option("--injector", options.injector,
                     "Be the policy injector of `sextant pi` in place of a node's agent, with the "
                     "settings of this file (docs/reference-injector.md). Of the other options "
                     "--socket, --state, --log-... and --metrics-listen apply")
          ->type_name("FILE")
          ->excludes(remove);
  app.add_option("--state", options.state, "Where the injector keeps the announced policies")
      ->type_name("DIR")
      ->needs(injector)
      ->capture_default_str();
  take_from_environment(app);
}

CommandLine parse_command_line(int argc, const char* const* argv) {
  Options options;
  options.node = host_name();
  CLI::App app;
  describe_command_line(app, options);
  try {
    app.parse(argc, argv);
    // Checked here, as the default and the environment are not by CLI11.
    if (const auto wrong = check_node_name(options.node); !wrong.empty())
      throw CLI::ValidationError("--node", wrong);
    if (!options.injector.empty() && app.get_option("--socket")->empty())
      options.socket = kDefaultInjectorSocket;
    take_pool(options.kubernetes);
    if (options.kubernetes.in_cluster && options.kubernetes.daemon_set.empty())
      options.kubernetes.daemon_set = options.kubernetes.ns + "/sextant";
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help, --version
      app.exit(error);
      return {.options = std::nullopt, .exit_status = 0};
    }
    std::cerr << "sextantd: " << error.what() << "\n  see: sextantd --help\n";
    return {.options = std::nullopt, .exit_status = 2};
  }
  return {.options = std::move(options), .exit_status = 0};
}

}  // namespace sextant::agent
