#include "snapshot.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <sstream>

namespace sextant::conformance {

namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool kernel_makes_it(const std::string& line) {
  for (const std::string_view mark : {"fe80:", "ff00::/8", "multicast", "anycast"}) {
    if (line.find(mark) != std::string::npos) return true;
  }
  return false;
}

/// A line without what changes by itself: indexes, MAC addresses, lifetimes, carrier.
std::string stable(const std::string& kind, const std::string& line) {
  std::vector<std::string> words = words_of(line);
  if (words.empty()) return {};
  if (kind == "link") return words[0].substr(0, words[0].find('@'));
  if (kind == "address") {
    std::vector<std::string> kept(words.begin() + 1, words.end());
    const auto lifetime = std::find(kept.begin(), kept.end(), "valid_lft");
    if (lifetime != kept.end()) kept.erase(lifetime - (lifetime[-1] == "\\" ? 1 : 0), kept.end());
    return join(kept);
  }
  static const std::set<std::string> passing = {"linkdown", "dead", "offload", "trap"};
  std::erase_if(words, [](const std::string& word) { return passing.contains(word); });
  return join(words);
}

void add_lines(Snapshot& snapshot, const std::string& netns, const std::string& kind,
               const std::string& text) {
  std::istringstream stream(text);
  std::string table;
  bool dynamic = false;  // inside of a set that packets fill
  for (std::string line; std::getline(stream, line);) {
    if (kind == "nft") {
      if (line.starts_with("table ")) table = line;
      if (dynamic && line != "\t}") continue;
      dynamic = line.find("flags dynamic") != std::string::npos;
      line = table + " " + line;
    } else if (kernel_makes_it(line)) {
      continue;
    }
    if (std::string text_of_object = stable(kind, line); !text_of_object.empty()) {
      snapshot.push_back({netns, kind, std::move(text_of_object)});
    }
  }
}

}  // namespace

namespace {

void add_namespace(Snapshot& snapshot, const std::string& name) {
  struct Listing {
    std::string_view kind;
    std::vector<std::string> command;
  };
  static const std::vector<Listing> listings = {
      {"link", {"ip", "-br", "link"}},
      {"address", {"ip", "-o", "address"}},
      {"-4 route", {"ip", "-4", "route", "show", "table", "all"}},
      {"-6 route", {"ip", "-6", "route", "show", "table", "all"}},
      {"-4 rule", {"ip", "-4", "rule"}},
      {"-6 rule", {"ip", "-6", "rule"}},
      {"nexthop", {"ip", "nexthop"}},
      {"neighbour", {"ip", "neighbour", "show", "nud", "permanent"}},
      {"qdisc", {"tc", "qdisc", "show"}},
      {"nft", {"nft", "--stateless", "list", "ruleset"}},
  };
  const netlink::Netns netns = must(netlink::Netns::open(name));
  snapshot.push_back({name, "netns", name});
  for (const Listing& listing : listings) {
    add_lines(snapshot, name, std::string(listing.kind), run_in(netns, listing.command).text);
  }
}

}  // namespace

Snapshot take_snapshot(const LabNetns& node) {
  Snapshot snapshot;
  for (const std::string& name : must(netlink::Netns::list())) {
    if (name == node.name() || name.starts_with(node.name() + "-")) add_namespace(snapshot, name);
  }
  std::sort(snapshot.begin(), snapshot.end());
  return snapshot;
}

Snapshot added(const Snapshot& before, const Snapshot& after) {
  Snapshot result;
  std::set_difference(after.begin(), after.end(), before.begin(), before.end(),
                      std::back_inserter(result));
  return result;
}

Snapshot without_handles(const Snapshot& snapshot) {
  // "<namespace> <id>" -> what the nexthop does
  std::map<std::string, std::string> meaning;
  for (const KernelObject& object : snapshot) {
    if (object.kind == "nexthop") {
      const std::string id = word_after(object.line, "id");
      meaning[object.netns + " " + id] = object.line.substr(("id " + id).size());
    }
  }
  // A group names its members "6/7", or "6,3/7" with weights; members are no groups.
  for (auto& [key, does] : meaning) {
    const std::string members = word_after(does, "group");
    if (members.empty()) continue;
    const std::string netns = key.substr(0, key.find(' '));
    std::set<std::string> named;
    std::istringstream parts(members);
    for (std::string part; std::getline(parts, part, '/');) {
      const std::size_t comma = std::min(part.find(','), part.size());
      named.insert(meaning[netns + " " + part.substr(0, comma)] + part.substr(comma));
    }
    does = " group of";
    for (const std::string& member : named) does += " [" + member + " ]";
  }
  Snapshot result = snapshot;
  for (KernelObject& object : result) {
    if (object.kind == "nexthop") {
      object.line = meaning[object.netns + " " + word_after(object.line, "id")];
    } else if (const std::string id = word_after(object.line, "nhid"); !id.empty()) {
      const std::string handle = "nhid " + id;
      object.line.replace(object.line.find(handle), handle.size(),
                          "by [" + meaning[object.netns + " " + id] + " ]");
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::string to_string(const Snapshot& snapshot) {
  std::string text;
  for (const KernelObject& object : snapshot) {
    text += "  " + object.netns + " " + object.kind + ": " + object.line + "\n";
  }
  return text.empty() ? "  nothing\n" : text;
}

std::string word_after(const std::string& line, std::string_view key) {
  const std::vector<std::string> words = words_of(line);
  const auto found = std::find(words.begin(), words.end(), key);
  return found != words.end() && found + 1 != words.end() ? found[1] : std::string();
}

}  // namespace sextant::conformance
