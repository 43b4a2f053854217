#include "doctor/firewall.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <optional>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace sextant::doctor {
namespace {

namespace json = boost::json;

std::string text(const json::object& object, std::string_view key) {
  const auto* member = object.if_contains(key);
  return member != nullptr && member->is_string() ? std::string(member->get_string()) : "";
}

/// IANA protocol numbers by the names that nft and iptables print.
std::optional<unsigned> protocol_number(std::string name) {
  static const std::map<std::string, unsigned, std::less<>> kNames{
      {"ipencap", 4},    {"ipip", 4},  {"ipv4", 4}, {"ip", 4},          {"tcp", 6},
      {"udp", 17},       {"ipv6", 41}, {"41", 41},  {"ipv6-route", 43}, {"icmpv6", 58},
      {"ipv6-icmp", 58}, {"4", 4},     {"43", 43},  {"icmp", 1}};
  const auto found = kNames.find(name);
  if (found == kNames.end()) return std::nullopt;
  return found->second;
}

/// Every leaf of a right-hand side: a value, {"set": [...]}, {"prefix": ...}, {"range": ...}.
template <typename Visit>
void for_each_value(const json::value& value, const Visit& visit) {
  if (const auto* array = value.if_array()) {
    for (const auto& element : *array) for_each_value(element, visit);
    return;
  }
  if (const auto* object = value.if_object()) {
    if (const auto* set = object->if_contains("set")) return for_each_value(*set, visit);
    if (const auto* element = object->if_contains("elem")) {
      if (element->is_object())
        if (const auto* inner = element->get_object().if_contains("val"))
          return for_each_value(*inner, visit);
    }
  }
  visit(value);
}

void take_prefix(const json::value& value, FirewallRule& rule) {
  std::string words;
  if (const auto* object = value.if_object()) {
    const auto* prefix = object->if_contains("prefix");
    if (prefix == nullptr || !prefix->is_object()) {
      rule.narrow = true;
      return;
    }
    const auto& parts = prefix->get_object();
    const auto* length = parts.if_contains("len");
    words = text(parts, "addr");
    if (length != nullptr && length->is_int64()) words += "/" + std::to_string(length->get_int64());
  } else if (value.is_string()) {
    words = value.get_string();
  }
  if (const auto parsed = IpPrefix::parse(words)) {
    rule.prefixes.push_back(*parsed);
  } else {
    rule.narrow = true;  // a named set, a range
  }
}

void take_protocol(const json::value& value, FirewallRule& rule) {
  std::optional<unsigned> number;
  if (value.is_int64() && value.get_int64() >= 0) number = static_cast<unsigned>(value.get_int64());
  if (value.is_string()) number = protocol_number(std::string(value.get_string()));
  if (number) {
    rule.protocols.insert(*number);
  } else {
    rule.narrow = true;
  }
}

void take_match(const json::object& match, FirewallRule& rule) {
  const auto* left = match.if_contains("left");
  const auto* right = match.if_contains("right");
  const auto operation = text(match, "op");
  if (left == nullptr || right == nullptr || !left->is_object()) {
    rule.narrow = true;
    return;
  }
  const auto& what = left->get_object();
  const bool equal = operation == "==" || operation == "in";
  if (const auto* exthdr = what.if_contains("exthdr"); exthdr && exthdr->is_object()) {
    if (text(exthdr->get_object(), "name") == "rt") {
      rule.routing_header = true;
    } else {
      rule.narrow = true;
    }
    return;
  }
  if (const auto* fib = what.if_contains("fib")) {
    (void)fib;
    rule.reverse_path = true;
    return;
  }
  if (!equal) {  // "anything but": it takes what it does not name
    rule.narrow = true;
    return;
  }
  const auto* meta = what.if_contains("meta");
  const auto* payload = what.if_contains("payload");
  const auto key = meta != nullptr && meta->is_object() ? text(meta->get_object(), "key") : "";
  const auto field =
      payload != nullptr && payload->is_object() ? text(payload->get_object(), "field") : "";
  if (key == "iifname" || key == "oifname" || key == "iif" || key == "oif") {
    for_each_value(*right, [&rule](const json::value& value) {
      if (value.is_string()) rule.devices.emplace(value.get_string());
    });
  } else if (key == "l4proto" || field == "nexthdr" || field == "protocol") {
    for_each_value(*right, [&rule](const json::value& value) { take_protocol(value, rule); });
  } else if (field == "saddr" || field == "daddr") {
    for_each_value(*right, [&rule](const json::value& value) { take_prefix(value, rule); });
  } else if (key == "nfproto") {
    // the family, which the chain says too
  } else {
    rule.narrow = true;
  }
}

FirewallRule read_rule(const json::array& expressions) {
  FirewallRule rule;
  for (const auto& expression : expressions) {
    const auto* object = expression.if_object();
    if (object == nullptr || object->empty()) continue;
    const auto& [name, value] = *object->begin();
    if (name == "match" && value.is_object()) {
      take_match(value.get_object(), rule);
    } else if (name == "accept") {
      rule.fate = Fate::kAccept;
    } else if (name == "drop" || name == "reject") {
      rule.fate = Fate::kDrop;
    } else if ((name == "jump" || name == "goto") && value.is_object()) {
      rule.fate = Fate::kJump;
      rule.target = text(value.get_object(), "target");
    } else if (name != "counter" && name != "log" && name != "comment") {
      rule.narrow = true;  // xt matches, limits, maps
    }
  }
  return rule;
}

/// Chains by their titles; grows with them. There may be thousands, each with rules.
class Chains {
 public:
  void add(FirewallChain chain) {
    index_.emplace(chain.title(), all_.size());
    all_.push_back(std::move(chain));
  }
  [[nodiscard]] FirewallChain* find(const std::string& family, const std::string& table,
                                    const std::string& name) {
    const auto found = index_.find(family + " " + table + " " + name);
    return found == index_.end() ? nullptr : &all_[found->second];
  }
  [[nodiscard]] std::vector<FirewallChain> release() { return std::move(all_); }

 private:
  std::vector<FirewallChain> all_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// One line of iptables-save: "-A FORWARD -i eth0 -d 10.0.0.0/8 -j ACCEPT".
FirewallRule read_iptables_rule(std::istringstream& words) {
  FirewallRule rule;
  bool negated = false;
  for (std::string word, value; words >> word;) {
    if (word == "!") {
      negated = true;
      continue;
    }
    if (word == "-j" || word == "-g") {
      words >> value;
      rule.fate = value == "ACCEPT"                      ? Fate::kAccept
                  : value == "DROP" || value == "REJECT" ? Fate::kDrop
                                                         : Fate::kJump;
      if (rule.fate == Fate::kJump) rule.target = value;
      if (value == "REJECT") return rule;  // --reject-with is no condition
      continue;
    }
    if (negated) {
      rule.narrow = true;
      negated = false;
    } else if (word == "-i" || word == "-o") {
      words >> value;
      if (value.ends_with('+')) value.back() = '*';
      rule.devices.insert(value);
    } else if (word == "-s" || word == "-d") {
      words >> value;
      if (const auto prefix = IpPrefix::parse(value)) rule.prefixes.push_back(*prefix);
    } else if (word == "-p") {
      words >> value;
      if (const auto number = protocol_number(value)) {
        rule.protocols.insert(*number);
      } else {
        rule.narrow = true;
      }
    } else if (word == "-m") {
      words >> value;
      if (value == "rt" || value == "ipv6header" || value == "srh") rule.routing_header = true;
      if (value == "rpfilter") rule.reverse_path = true;
      if (value == "comment") {
        std::string comment;
        words >> word >> comment;  // --comment TEXT; a quoted one ends at its quote
        while (comment.starts_with('"') && !comment.ends_with('"') && words >> comment)
          comment.insert(0, "\"");
      } else if (!rule.routing_header && !rule.reverse_path) {
        rule.narrow = true;
      }
    } else if (!rule.routing_header && !rule.reverse_path) {
      rule.narrow = true;
    }
  }
  return rule;
}

std::string lower(std::string name) {
  for (auto& byte : name) byte = static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
  return name;
}

}  // namespace

Result<std::vector<FirewallChain>> parse_nft(const std::string& body) {
  json::error_code error;
  const auto value = json::parse(body, error);
  const auto* object = error ? nullptr : value.if_object();
  const auto* items = object == nullptr ? nullptr : object->if_contains("nftables");
  if (items == nullptr || !items->is_array())
    return failure("read nftables", "ruleset", "not the JSON of nft");
  Chains chains;
  for (const auto& item : items->get_array()) {  // chains come before their rules
    const auto* entry = item.if_object();
    if (entry == nullptr) continue;
    if (const auto* chain = entry->if_contains("chain"); chain && chain->is_object()) {
      const auto& from = chain->get_object();
      if (text(from, "table") == "sextant") continue;
      chains.add({.family = text(from, "family"),
                  .table = text(from, "table"),
                  .name = text(from, "name"),
                  .hook = text(from, "hook"),
                  .drops_by_policy = text(from, "policy") == "drop",
                  .rules = {}});
    } else if (const auto* rule = entry->if_contains("rule"); rule && rule->is_object()) {
      const auto& from = rule->get_object();
      auto* owner = chains.find(text(from, "family"), text(from, "table"), text(from, "chain"));
      const auto* expressions = from.if_contains("expr");
      if (owner != nullptr && expressions != nullptr && expressions->is_array())
        owner->rules.push_back(read_rule(expressions->get_array()));
    }
  }
  return chains.release();
}

std::vector<FirewallChain> parse_iptables_save(const std::string& body, const std::string& family) {
  Chains chains;
  std::istringstream lines(body);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first, second;
    words >> first;
    if (first.starts_with(':')) {  // ":FORWARD DROP [0:0]", ":KUBE-FORWARD - [0:0]"
      words >> second;
      chains.add({.family = family,
                  .table = "filter",
                  .name = first.substr(1),
                  .hook = second == "-" ? "" : lower(first.substr(1)),
                  .drops_by_policy = second == "DROP",
                  .rules = {}});
    } else if (first == "-A") {
      words >> second;
      if (auto* owner = chains.find(family, "filter", second))
        owner->rules.push_back(read_iptables_rule(words));
    }
  }
  return chains.release();
}

}  // namespace sextant::doctor
