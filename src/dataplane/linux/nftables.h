// libnftables: commands in, text out, in the calling thread's network namespace.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/dataplane.h"

namespace sextant::dataplane {

enum class NftListing : std::uint8_t {
  kWhole,
  kTerse,  // named sets without elements, counters without values
};

/// One transaction. What `list` commands print.
[[nodiscard]] Result<std::string> run_nft(const std::string& commands,
                                          NftListing listing = NftListing::kWhole);
/// Elements of a set of addresses; `set` as "ip6 sextant sids". Those that are no prefixes are
/// left out.
[[nodiscard]] Result<std::set<IpPrefix>> nft_elements(const std::string& set);
/// The named counters of a table; none where there is no such table.
[[nodiscard]] std::map<std::string, Count> nft_counters(std::string_view table);

/// `nft list` wraps and indents as it likes: only the words count.
[[nodiscard]] std::string words_of(std::string_view text);

}  // namespace sextant::dataplane
