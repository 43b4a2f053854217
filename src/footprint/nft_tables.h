// nftables as libnftables prints it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace sextant::footprint {

/// "ip6 sextant", "netdev sextant": the tables of that name, whatever the family.
[[nodiscard]] Result<std::vector<std::string>> own_nft_tables();
[[nodiscard]] Result<void> delete_nft_table(const std::string& table);

/// Commands in nft's language; gives what they print.
[[nodiscard]] Result<std::string> run_nft(const std::string& commands);

/// `nft -j list ruleset`, numbers as names, without element lists of sets.
[[nodiscard]] Result<std::string> nft_ruleset_json();

}  // namespace sextant::footprint
