#include "dataplane/linux/nftables.h"

#include <fmt/format.h>
#include <nftables/libnftables.h>

#include <algorithm>
#include <memory>
#include <sstream>

namespace sextant::dataplane {

Result<std::string> run_nft(const std::string& commands, NftListing listing) {
  // A context of its own for each call: what a terse listing has cached is no good for others.
  const std::unique_ptr<nft_ctx, decltype(&nft_ctx_free)> context(nft_ctx_new(NFT_CTX_DEFAULT),
                                                                  nft_ctx_free);
  if (!context) return failure("open nftables", "", "libnftables gave no context");
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  // Names of protocols depend on /etc/protocols, which a container may not have.
  unsigned flags = NFT_CTX_OUTPUT_NUMERIC_PROTO;
  if (listing == NftListing::kTerse) flags |= NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_TERSE;
  nft_ctx_output_set_flags(context.get(), flags);
  if (nft_run_cmd_from_buffer(context.get(), commands.c_str()) != 0) {
    std::string cause = nft_ctx_get_error_buffer(context.get());
    std::ranges::replace(cause, '\n', ' ');
    return failure("write nftables", "table sextant", cause,
                   "the kernel needs nf_tables with dup, fwd and fib (nft_dup_ipv6, "
                   "nft_fwd_netdev, nft_fib_ipv4, nft_fib_ipv6, nft_fib_netdev), and for "
                   "--nat-outgoing nft_chain_nat and nft_masq");
  }
  return std::string(nft_ctx_get_output_buffer(context.get()));
}

Result<std::set<IpPrefix>> nft_elements(const std::string& set) {
  const auto listed = run_nft("list set " + set);
  if (!listed) return tl::unexpected(listed.error());
  std::set<IpPrefix> elements;
  constexpr std::string_view kBegin = "elements = {";
  const auto begin = listed->find(kBegin);
  if (begin == std::string::npos) return elements;
  auto text = listed->substr(begin + kBegin.size());
  text.resize(std::min(text.find('}'), text.size()));
  std::ranges::replace(text, ',', ' ');
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (const auto prefix = IpPrefix::parse(word)) {
      elements.insert(*prefix);
    } else if (const auto address = IpAddress::parse(word)) {
      elements.insert(IpPrefix::host(*address));
    }
  }
  return elements;
}

std::map<std::string, Count> nft_counters(std::string_view table) {
  std::map<std::string, Count> counters;
  const auto listed = run_nft(fmt::format("list counters table {}", table));
  if (!listed) return counters;
  std::istringstream words(*listed);
  std::string name;
  for (std::string word; words >> word;) {
    if (word == "counter") {
      words >> name;
    } else if (word == "packets") {
      words >> counters[name].packets;
    } else if (word == "bytes") {
      words >> counters[name].bytes;
    }
  }
  return counters;
}

std::string words_of(std::string_view text) {
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

}  // namespace sextant::dataplane
