// The packet filters of this node, reduced to what can be in the overlay's way: chains on hooks,
// their policies, and of each rule where it leads and by what it chooses.
//
// From nftables' JSON (iptables-nft rules appear there too) and from iptables-legacy-save. What a
// rule says beyond that is kept as "narrow": it does not take every packet.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace sextant::doctor {

enum class Fate { kNone, kAccept, kDrop, kJump };

struct FirewallRule {
  Fate fate = Fate::kNone;
  std::string target;              // of kJump
  std::set<std::string> devices;   // that it names; a trailing `*` stands for any ending
  std::vector<IpPrefix> prefixes;  // that it names
  std::set<unsigned> protocols;    // IANA numbers that it names
  bool routing_header = false;     // it chooses packets with a routing header
  bool reverse_path = false;       // it chooses by the route back to the source
  bool narrow = false;             // it has conditions beyond these
};

struct FirewallChain {
  std::string family, table, name;  // "ip6", "filter", "FORWARD"
  std::string hook;                 // "forward"; empty for a chain that others jump to
  bool drops_by_policy = false;
  std::vector<FirewallRule> rules;
  [[nodiscard]] std::string title() const { return family + " " + table + " " + name; }
};

struct Firewall {
  std::string unread;  // why it, or a part of it, could not be read; empty where it was
  std::vector<FirewallChain> chains;
};

/// `nft -j list ruleset`. Sextant's own tables are left out.
[[nodiscard]] Result<std::vector<FirewallChain>> parse_nft(const std::string& json);
/// `iptables-legacy-save -t filter`; `family` is "ip" or "ip6".
[[nodiscard]] std::vector<FirewallChain> parse_iptables_save(const std::string& text,
                                                             const std::string& family);

}  // namespace sextant::doctor
