#include "sources/kubernetes/headend_board.h"

#include <algorithm>
#include <limits>

namespace sextant::kubernetes {
namespace {

/// What of a node matters to which policies are whose.
std::size_t fingerprint(const overlay::Node& node) {
  const std::hash<std::string> hash;
  std::size_t value = 1;
  const auto add = [&](std::size_t part) { value = value * 1'000'003 ^ part; };
  for (const auto& [key, label] : node.labels) add(hash(key) ^ (hash(label) << 1));
  for (const auto& address : node.addresses) add(std::hash<IpAddress>{}(address));
  return value;
}

}  // namespace

HeadendBoard::Headend HeadendBoard::number(const std::string& node) {
  const auto fresh = free_.empty() ? static_cast<Headend>(headends_.size()) : free_.back();
  const auto [at, is_new] = numbers_.try_emplace(node, fresh);
  if (!is_new) return at->second;
  if (free_.empty())
    headends_.emplace_back();
  else
    free_.pop_back();
  headends_[fresh] = {.name = node};
  return fresh;
}

bool HeadendBoard::set_nodes(const NodesByName& nodes) {
  nodes_ = &nodes;
  bool changed = nodes.size() != node_count_;
  for (const auto& [name, node] : nodes) {
    auto& known = headends_[number(name)];
    const auto print = fingerprint(node);
    changed = changed || !known.exists || known.print != print;
    known.exists = true;
    known.print = print;
  }
  if (!changed) return false;
  indexed_ = false;
  node_count_ = nodes.size();
  for (Headend headend = 0; headend < headends_.size(); ++headend) {
    auto& known = headends_[headend];
    known.exists = nodes.contains(known.name);
    if (known.exists || known.speaks || known.name.empty()) continue;
    numbers_.erase(known.name);
    known = {};
    free_.push_back(headend);
  }
  return true;
}

void HeadendBoard::index() {
  if (std::exchange(indexed_, true)) return;
  speakers_.clear();
  by_address_.clear();
  for (const auto& [name, node] : *nodes_) {
    const auto headend = find(name);
    if (!headend) continue;  // came since set_nodes(), which is to follow
    if (headends_[*headend].speaks) speakers_.push_back(*headend);
    for (const auto& address : node.addresses) by_address_.try_emplace(address, *headend);
  }
}

std::optional<HeadendBoard::Headend> HeadendBoard::find(const std::string& node) const {
  const auto found = numbers_.find(node);
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

const std::vector<HeadendBoard::Headend>& HeadendBoard::speakers() {
  index();
  return speakers_;
}

std::optional<HeadendBoard::Headend> HeadendBoard::find(const IpAddress& address) {
  index();
  const auto found = by_address_.find(address);
  if (found == by_address_.end()) return std::nullopt;
  return found->second;
}

const HeadendBoard::Said* HeadendBoard::said(std::uint32_t policy, Headend headend) const {
  if (policy >= columns_.size() || headend >= columns_[policy].said.size()) return nullptr;
  const auto& column = columns_[policy];
  const auto code = column.said[headend];
  return code == 0 ? nullptr : &column.versions[code - 1].said;
}

const Trouble* HeadendBoard::trouble(std::uint32_t policy, Headend headend) const {
  if (policy >= columns_.size()) return nullptr;
  const auto& troubles = columns_[policy].trouble;
  const auto found = troubles.find(headend);
  return found == troubles.end() ? nullptr : &found->second;
}

std::size_t HeadendBoard::held() const {
  std::size_t sum = 0;
  for (const auto& column : columns_) sum += column.said.size();
  return sum;
}

/// Of a version that is there already, a place that nobody uses, or a new one. More versions than
/// there are codes would need 65,535 headends: the one too many has said nothing then.
HeadendBoard::Code HeadendBoard::code_of(Column& column, const Said& said) {
  auto& versions = column.versions;
  auto at = std::ranges::find_if(
      versions, [&](const Version& version) { return version.users > 0 && version.said == said; });
  if (at == versions.end()) at = std::ranges::find(versions, 0U, &Version::users);
  if (at == versions.end()) {
    if (versions.size() == std::numeric_limits<Code>::max()) return 0;
    at = versions.insert(versions.end(), Version{});
  }
  at->said = said;
  ++at->users;
  return static_cast<Code>(at - versions.begin() + 1);
}

/// Whether that is news.
bool HeadendBoard::put(Column& column, Headend headend, const Said* said, const Trouble* trouble) {
  const Code before = headend < column.said.size() ? column.said[headend] : Code{0};
  bool news = false;
  const bool same =
      before == 0 ? said == nullptr : said != nullptr && column.versions[before - 1].said == *said;
  if (!same) {
    news = true;
    if (headend >= column.said.size()) column.said.resize(headend + 1);
    if (before != 0) --column.versions[before - 1].users;
    const Code after = said == nullptr ? Code{0} : code_of(column, *said);
    column.said[headend] = after;
    column.entries += after != 0 ? 1U : 0U;
    column.entries -= before != 0 ? 1U : 0U;
    if (column.entries == 0) {  // policies come and go for as long as this leads
      column.said = {};
      column.versions = {};
    }
  }
  if (trouble != nullptr) {
    auto& known = column.trouble[headend];
    news = news || known != *trouble;
    known = *trouble;
  } else if (!column.trouble.empty()) {
    column.trouble.erase(headend);
  }
  return news;
}

std::vector<std::uint32_t> HeadendBoard::take_changed() {
  for (const auto policy : changed_) columns_[policy].changed = false;
  return std::exchange(changed_, {});
}

void HeadendBoard::take(const std::string& node, const HeadendReport* report) {
  if (report == nullptr && !numbers_.contains(node)) return;
  const auto headend = number(node);
  auto& known = headends_[headend];
  if (std::exchange(known.speaks, report != nullptr) != (report != nullptr)) {
    speakers_changed_ = true;
    indexed_ = false;
  }
  static const HeadendReport kNothing;
  const auto& entries = (report == nullptr ? kNothing : *report).entries;
  if (!entries.empty() && entries.back().policy >= columns_.size())
    columns_.resize(entries.back().policy + 1);
  auto entry = entries.begin();
  for (std::uint32_t policy = 0; policy < columns_.size(); ++policy) {
    const bool told = entry != entries.end() && entry->policy == policy;
    Said said;
    const Trouble* trouble = nullptr;
    if (told) {
      said = {.uid = entry->uid, .generation = entry->generation, .programmed = entry->programmed};
      if (!entry->programmed) {
        const auto why = report->trouble.find(policy);
        if (why != report->trouble.end()) trouble = &why->second;
      }
      ++entry;
    }
    auto& column = columns_[policy];
    if (!put(column, headend, told ? &said : nullptr, trouble)) continue;
    if (!std::exchange(column.changed, true)) changed_.push_back(policy);
  }
}

}  // namespace sextant::kubernetes
