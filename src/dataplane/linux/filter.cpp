#include "dataplane/linux/filter.h"

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <algorithm>
#include <array>
#include <memory>

#include "dataplane/linux/names.h"

namespace sextant::dataplane {
namespace {

constexpr std::array<std::string_view, 2> kTables = {"ip6 sextant", "netdev sextant"};

struct FreeContext {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};
using Context = std::unique_ptr<nft_ctx, FreeContext>;

// One libnftables context with buffered output, in the calling thread's network namespace.
Context make_context() {
  Context context(nft_ctx_new(NFT_CTX_DEFAULT));
  if (context) {
    nft_ctx_buffer_output(context.get());
    nft_ctx_buffer_error(context.get());
    nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_STATELESS);
  }
  return context;
}

Result<std::string> run(nft_ctx* context, const std::string& commands) {
  if (nft_run_cmd_from_buffer(context, commands.c_str()) != 0) {
    std::string cause = nft_ctx_get_error_buffer(context);
    std::ranges::replace(cause, '\n', ' ');
    return failure("write nftables", "table sextant", cause,
                   "the kernel needs nf_tables with dup and fwd (nft_dup_ipv6, nft_fwd_netdev)");
  }
  return std::string(nft_ctx_get_output_buffer(context));
}

// `nft list` wraps and indents as it likes: only the words count.
std::string normalized(std::string_view text) {
  std::string words;
  bool space = false;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\n') {
      space = !words.empty();
      continue;
    }
    if (space) words += ' ';
    space = false;
    words += c;
  }
  return words;
}

std::string set_text(std::string_view name, const std::set<IpPrefix>& prefixes) {
  std::string elements;
  for (const auto& prefix : prefixes) {
    if (!elements.empty()) elements += ", ";
    elements += prefix.is_host() ? prefix.address().to_string() : prefix.to_string();
  }
  const std::string line = elements.empty() ? "" : fmt::format("elements = {{ {} }}\n", elements);
  return fmt::format("set {} {{\n type ipv6_addr\n flags interval\n {}}}\n", name, line);
}

// What is there now; tables that are not give nothing.
std::string present(nft_ctx* context) {
  std::string text;
  for (const auto table : kTables) {
    const auto listed = run(context, fmt::format("list table {}", table));
    if (listed) text += *listed;
  }
  return normalized(text);
}

std::string removal() {
  std::string commands;
  for (const auto table : kTables) {  // `add` first, so that `delete` finds one
    commands += fmt::format("add table {0}\ndelete table {0}\n", table);
  }
  return commands;
}

}  // namespace

std::string host_ruleset(const FilterInput& input) {
  const std::string sets =
      set_text("gateway_sids", input.gateway_sids) + set_text("host_sids", input.host_sids);
  std::string text = "table ip6 sextant {\n" + sets;
  text += "chain prerouting {\n type filter hook prerouting priority -450; policy accept;\n";
  text += fmt::format("iifname \"{}\" dup to ip6 daddr drop\n", kHostOuter);
  text += fmt::format("iifname \"{}*\" ip6 daddr @gateway_sids drop\n", kPodDevicePrefix);
  text += fmt::format("iifname \"{}*\" exthdr rt exists drop\n", kPodDevicePrefix);
  text += "ip6 daddr @host_sids accept\n";
  text += fmt::format("ip6 daddr @gateway_sids dup to {} device \"{}\" drop\n",
                      kGatewaySide.to_string(), kHostOuter);
  text += "}\n}\n";
  // nft's language cannot say a name with a quotation mark: PREROUTING has to do for such a device.
  auto uplinks = input.uplinks;
  std::erase_if(uplinks,
                [](const Uplink& uplink) { return uplink.name.find('"') != std::string::npos; });
  if (uplinks.empty()) return text;
  text += "table netdev sextant {\n" + sets;
  for (const auto& uplink : uplinks) {
    text += fmt::format("chain uplink{} {{\n", uplink.index);
    text += fmt::format("type filter hook ingress device \"{}\" priority 100; policy accept;\n",
                        uplink.name);
    text += "ip6 daddr @host_sids accept\n";
    text += fmt::format("ip6 daddr @gateway_sids ether daddr set {} fwd to \"{}\"\n",
                        kGatewayOuterMac.to_string(), kHostOuter);
    text += "}\n";
  }
  return text + "}\n";
}

std::string gateway_ruleset(const std::set<srv6::Sid>& dual_stack_sids) {
  if (dual_stack_sids.empty()) return {};
  std::set<IpPrefix> prefixes;
  for (const auto& sid : dual_stack_sids) prefixes.insert(IpPrefix::host(sid.address()));
  return fmt::format(
      "table netdev sextant {{\n{}chain outer {{\n"
      "type filter hook ingress device \"{}\" priority filter; policy accept;\n"
      "ip6 daddr @dual_stack_sids meta l4proto ipencap meta mark set 0x{:08x}\n}}\n}}\n",
      set_text("dual_stack_sids", prefixes), kGatewayOuter, kInnerIpv4Mark);
}

Result<bool> sync_ruleset(const std::string& ruleset) {
  const auto context = make_context();
  if (!context) return failure("open nftables", "", "libnftables gave no context");
  if (present(context.get()) == normalized(ruleset)) return false;
  if (auto done = run(context.get(), removal() + ruleset); !done) {
    return tl::unexpected(done.error());
  }
  return true;
}

Result<void> remove_ruleset() {
  const auto context = make_context();
  if (!context) return failure("open nftables", "", "libnftables gave no context");
  const auto done = run(context.get(), removal());
  if (!done) return tl::unexpected(done.error());
  return {};
}

}  // namespace sextant::dataplane
