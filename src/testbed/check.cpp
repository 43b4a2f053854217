#include "testbed/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "testbed/paths.h"
#include "testbed/pods.h"
#include "testbed/process.h"
#include "testbed/sniffer.h"
#include "testbed/state.h"

namespace sextant::testbed {
namespace {

using namespace std::chrono_literals;

/// Who can ping and be pinged.
struct Party {
  std::string machine;
  std::string node;  // where it is
  bool pod = false;
  std::vector<IpAddress> addresses;
};

const IpAddress* address_of(const Party& party, Family family) {
  const auto found = std::ranges::find(party.addresses, family, &IpAddress::family);
  return found == party.addresses.end() ? nullptr : &*found;
}

/// "rtt min/avg/max/mdev = 0.1/0.2/0.3/0.1 ms" -> "0.2 ms"
std::string average(const std::string& text) {
  const std::size_t equals = text.find("mdev = ");
  if (equals == std::string::npos) return {};
  const std::size_t from = text.find('/', equals + 7) + 1;
  return text.substr(from, text.find('/', from) - from) + " ms";
}

Check ping(const Id& id, std::string what, const Party& from, const Party& to, Family family) {
  Check result{.what = std::move(what),
               .from = from.machine,
               .to = to.machine,
               .family = family,
               .passed = false,
               .detail = {}};
  const IpAddress* target = address_of(to, family);
  if (target == nullptr) {
    result.detail = "no such address";
    return result;
  }
  const auto output = run(
      {.arguments = {"ping", "-n", "-q", "-c", "2", "-i", "0.01", "-W", "2", target->to_string()},
       .netns = id.netns(from.machine)},
      10s);
  if (!output) {
    result.detail = output.error().message();
    return result;
  }
  result.passed = output->status == 0 && output->out.find(" 0% packet loss") != std::string::npos;
  result.detail = result.passed ? average(output->out)
                                : fmt::format("no reply from {}{}{}", target->to_string(),
                                              output->err.empty() ? "" : ": ", output->err);
  std::erase(result.detail, '\n');
  return result;
}

/// Captures the requests of one ping in all routers.
Result<Check> follow(const Id& id, const Topology& lab, const PolicyRow& policy, const Party& from,
                     const Party& to) {
  Check result{.what = "path",
               .from = from.machine,
               .to = to.machine,
               .family = policy.family,
               .passed = false,
               .detail = {}};
  const IpAddress* target = address_of(to, policy.family);
  if (target == nullptr) {
    result.detail = "no such address";
    return result;
  }
  std::vector<Sniffer> sniffers;
  for (const Router& router : lab.routers) {
    auto sniffer = Sniffer::start(
        {.netns = id.netns(router.name), .outgoing = false, .filter = echo_to(*target)});
    if (!sniffer) return tl::unexpected(sniffer.error());
    sniffers.push_back(std::move(*sniffer));
  }
  const Check sent = ping(id, "", from, to, policy.family);
  std::vector<CapturedPacket> packets;
  for (Sniffer& sniffer : sniffers) {
    sniffer.stop();
    for (CapturedPacket& packet : sniffer.packets()) packets.push_back(std::move(packet));
  }
  std::vector<std::string> seen;
  const std::string prefix = id.netns("");
  for (const std::string& netns : path_of(packets)) seen.push_back(netns.substr(prefix.size()));
  const std::string fault =
      path_fault(lab, *lab.node(policy.headend), *lab.node(policy.endpoint), policy.segments, seen);
  result.passed = sent.passed && fault.empty();
  result.detail = !fault.empty()
                      ? fault
                      : (sent.passed ? fmt::format("{}", fmt::join(seen, " ")) : sent.detail);
  return result;
}

std::vector<Party> parties(const Topology& lab, const std::vector<Pod>& pods) {
  std::vector<Party> result;
  for (const Pod& pod : pods) result.push_back({pod.name, pod.node, true, pod.addresses});
  for (const ClusterNode& node : lab.nodes) {
    Party party{node.name, node.name, false, {}};
    for (const std::string& text : node.addresses) {
      party.addresses.push_back(IpAddress::parse(text).value());
    }
    result.push_back(std::move(party));
  }
  return result;
}

}  // namespace

Result<std::vector<Check>> check(const Id& id) {
  const auto state = read_state(id);
  if (!state || !state->complete || state->kind != id.kind()) {
    return failure("test", id.title(), "it is not up", id.command("up"));
  }
  const Topology& lab = topology(id.kind());
  const auto pods = list_pods(id, lab, state->pods);
  if (!pods) return tl::unexpected(pods.error());
  const std::vector<Party> all = parties(lab, *pods);
  const auto is_first = [](const Party& party) {
    return !party.pod || party.machine == Id::pod(party.node, 1);
  };

  std::vector<Check> checks;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    for (const Party& from : all) {
      for (const Party& to : all) {
        // One pod a node speaks for it; its second one is pinged on the same node.
        const bool local_pair = from.pod && to.pod && from.node == to.node;
        if (&from == &to || !is_first(from) || (!is_first(to) && !local_pair)) continue;
        const std::string what =
            fmt::format("{} to {}", from.pod ? "pod" : "node", to.pod ? "pod" : "node");
        checks.push_back(ping(id, what, from, to, family));
      }
    }
  }
  for (const PolicyRow& policy : lab.policies) {
    if (state->pods == 0 || state->bgp) break;  // with BGP there are those that were injected
    const auto party = [&](const std::string& node) {
      return *std::ranges::find(all, Id::pod(node, 1), &Party::machine);
    };
    auto followed = follow(id, lab, policy, party(policy.headend), party(policy.endpoint));
    if (!followed) return tl::unexpected(followed.error());
    checks.push_back(std::move(*followed));
  }
  return checks;
}

}  // namespace sextant::testbed
