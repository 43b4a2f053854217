// What nftables is told, as text: tables of named sets, counters and chains, written the way
// `nft -t list` prints them, so that what is wanted can be compared with what is there.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/ip.h"

namespace sextant::dataplane {

/// No two prefixes of a set overlap.
using PrefixSet = std::set<IpPrefix>;

struct Ruleset {
  std::string text;                       // the tables as `nft -t list` prints them, white space
                                          // aside: named sets have no elements
  std::map<std::string, PrefixSet> sets;  // by "ip6 sextant sid_domain"
};

/// One table's text and its sets; the ruleset has it when this object ends. nft lists counters
/// first, then sets, then chains, so they are added in that order.
class NftTable {
 public:
  NftTable(Ruleset& ruleset, std::string_view name) : ruleset_(ruleset), name_(name) {}
  NftTable(const NftTable&) = delete;
  NftTable& operator=(const NftTable&) = delete;
  ~NftTable() { ruleset_.text += fmt::format("table {} {{\n{}}}\n", name_, body_); }

  void add_counters(std::initializer_list<std::string_view> counters) {
    for (const auto counter : counters) body_ += fmt::format("counter {} {{\n}}\n", counter);
  }
  /// Of addresses of the table's family (IPv6, where it has both). Host prefixes only go without
  /// intervals, which makes the look-up O(1).
  void add_set(std::string_view set, const PrefixSet& elements, bool intervals = true) {
    body_ += fmt::format("set {} {{\ntype {}\n{}}}\n", set,
                         name_.starts_with("ip ") ? "ipv4_addr" : "ipv6_addr",
                         intervals ? "flags interval\n" : "");
    ruleset_.sets[fmt::format("{} {}", name_, set)] = elements;
  }
  /// Filled by rules; what is in it is nobody's business but theirs.
  void add_cache(std::string_view set, std::string_view key) {
    body_ += fmt::format(
        "set {} {{\ntypeof {}\nsize 65535\nflags dynamic,timeout\ntimeout 1m\n}}\n", set, key);
  }
  void add_chain(std::string_view name, std::string_view rules) {
    body_ += fmt::format("chain {} {{\n{}}}\n", name, rules);
  }

 private:
  Ruleset& ruleset_;
  std::string_view name_;
  std::string body_;
};

}  // namespace sextant::dataplane
