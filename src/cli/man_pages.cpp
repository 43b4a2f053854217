#include "cli/man_pages.h"

#include <CLI/CLI.hpp>

#include "agent/options.h"
#include "cli/man.h"
#include "cli/program.h"

namespace sextant::cli {
namespace {

ManPage sextant_page() {
  return {.name = "sextant",
          .number = 1,
          .purpose = "look at, check and try out the SRv6 overlay of a Kubernetes node",
          .after = {{"Environment",
                     {"  SEXTANT_SOCKET           the agent's Unix socket",
                      "  SEXTANT_INJECTOR_SOCKET  the policy injector's"}},
                    {"Files",
                     {"  /run/sextant/sextantd.sock  the agent's HTTP API",
                      "  /run/sextant/injector.sock  the policy injector's"}},
                    {"See also",
                     {"sextantd(8), sextant-cni(8), ip-route(8), ip-netns(8).", "",
                      "RFC 8402, RFC 8754, RFC 8986, RFC 9256."}}}};
}

ManPage sextantd_page() {
  return {
      .name = "sextantd",
      .number = 8,
      .purpose = "the agent of a node: makes its SRv6 overlay forwarding what the manifests say",
      .after = {
          {"Files",
           {"  /etc/sextant/manifests       what is wanted: Kubernetes YAML, watched",
            "  /run/sextant/sextantd.sock   the HTTP API (GET /healthz, /v1/status, ...)",
            "  /run/sextant/injector.sock   the policy injector's HTTP API (--injector)",
            "  /var/lib/sextant/injector    the policies that it announces",
            "  /run/netns/sextant           the gateway: the network namespace in which",
            "                               packets are encapsulated and decapsulated"}},
          {"Notes",
           {"Forwarding lives in the kernel. An agent that ends, however it ends, leaves it as "
            "it is; the next one reads it back, adopts it, and writes only what differs.",
            "",
            "On the host the agent owns the devices sextant0 and sextant1, routes and "
            "rules of protocol 200, and the nftables tables named sextant. It touches "
            "nothing else. These show what it made:",
            "  ip route show proto 200; ip -6 route show proto 200",
            "  ip -n sextant nexthop; ip -n sextant -6 route",
            "  nft list ruleset | grep -A99 'table.* sextant'"}},
          {"See also", {"sextant(1), sextant-cni(8), ip-sr(8), systemd.unit(5)."}}}};
}

ManPage sextant_cni_page() {
  return {
      .name = "sextant-cni",
      .number = 8,
      .purpose = "CNI plugin that gives a pod its place in Sextant's overlay",
      .before =
          {{"Synopsis", {"  CNI_COMMAND=ADD ... sextant-cni < NETWORK-CONFIGURATION"}},
           {"Description",
            {"A container runtime runs this program, not a person. It follows the Container "
             "Network "
             "Interface specification: the command and the container stand in the environment, the "
             "network configuration comes on standard input, and the result or a CNI error object "
             "goes to standard output.",
             "",
             "The pod gets a veth pair (its host end is named sxp and 11 hexadecimal digits), "
             "addresses from an IPAM plugin, default routes through 169.254.1.1 and fe80::1, and "
             "permanent neighbor entries, so that its first packet passes. The host gets a route "
             "to each address of the pod, of protocol 201."}},
           {"Configuration",
            {"A file in /etc/cni/net.d, for instance 10-sextant.conflist:", "  {",
             "    \"cniVersion\": \"1.0.0\",", "    \"name\": \"pods\",", "    \"plugins\": [{",
             "      \"type\": \"sextant-cni\",", "      \"maxSegments\": 6,", "      \"ipam\": {",
             "        \"type\": \"host-local\",",
             "        \"ranges\": [[{\"subnet\": \"172.16.0.0/26\"}]]", "      }", "    }]", "  }",
             "maxSegments fixes the pods' MTU; give sextantd the same with --max-segments. "
             "The other fields are in docs/reference-cni.md."}}},
      .after = {
          {"Environment",
           {"  CNI_COMMAND      ADD, DEL, CHECK, GC, STATUS or VERSION (CNI 1.1.0)",
            "  CNI_CONTAINERID  the container", "  CNI_NETNS        path of its network namespace",
            "  CNI_IFNAME       the interface's name in the pod",
            "  CNI_PATH         folders with plugins: where the IPAM plugin is looked for"}},
          {"Exit status",
           {"  0  done; the result is on standard output",
            "  1  failed; a CNI error object is on standard output"}},
          {"Files",
           {"  /opt/cni/bin/sextant-cni  the program",
            "  /etc/cni/net.d            the configuration"}},
          {"See also", {"sextant(1), sextantd(8).", "", "https://www.cni.dev/docs/spec/"}}}};
}

}  // namespace

std::string manual(const std::string& page) {
  if (page == "sextantd") {
    agent::Options options;  // the page is not about the machine that prints it
    CLI::App program;
    agent::describe_command_line(program, options);
    return man_page(sextantd_page(), &program);
  }
  if (page == "sextant-cni") return man_page(sextant_cni_page(), nullptr);
  const auto program = make_program();
  return man_page(sextant_page(), program.get());
}

}  // namespace sextant::cli
