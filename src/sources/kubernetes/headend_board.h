// Which headend says what of which policy: what the aggregator judges policies by. Pure.
//
//   SRv6Nodes' status -> HeadendReport -> take()       one column a policy, one entry a headend
//   nodes of the intent                -> set_nodes()  who there is, by name and address
//
// 5,000 headends with 1,000 policies each are 5 million entries. Headends and policies are numbers
// here, and an entry is two bytes: where its version stands in its policy's short list of versions
// (object and generation, programmed or not) that anybody reports. Judging a policy is then a walk
// along one array.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "overlay/intent.h"
#include "sources/kubernetes/headend_reports.h"

namespace sextant::kubernetes {

using NodesByName = std::map<std::string, overlay::Node>;

class HeadendBoard {
 public:
  using Headend = std::uint32_t;

  /// What a headend says of a policy.
  struct Said {
    std::uint32_t uid = 0;
    std::uint32_t generation = 0;
    bool programmed = false;
    friend bool operator==(const Said&, const Said&) = default;
  };

  /// The nodes there are now; they outlive this, or the next call. Whether any of what matters here
  /// is another one: names, labels, addresses.
  bool set_nodes(const NodesByName& nodes);
  /// What the agent of that node says now; null: it says nothing, or its SRv6Node is gone.
  void take(const std::string& node, const HeadendReport* report);

  /// Policies of which somebody says something else since the last call.
  [[nodiscard]] std::vector<std::uint32_t> take_changed();
  /// Whether some agent spoke for the first time or fell silent: it is a headend of many.
  [[nodiscard]] bool take_speakers_changed() { return std::exchange(speakers_changed_, false); }

  [[nodiscard]] PolicyNames& names() { return names_; }
  [[nodiscard]] const NodesByName& nodes() const { return *nodes_; }
  [[nodiscard]] const std::string& name(Headend headend) const { return headends_[headend].name; }
  /// None: neither a node nor a speaker.
  [[nodiscard]] std::optional<Headend> find(const std::string& node) const;
  [[nodiscard]] bool speaks(Headend headend) const { return headends_[headend].speaks; }
  /// Nodes whose agents have spoken, by name.
  [[nodiscard]] const std::vector<Headend>& speakers();
  /// The node that has it.
  [[nodiscard]] std::optional<Headend> find(const IpAddress& address);
  /// Null: nothing.
  [[nodiscard]] const Said* said(std::uint32_t policy, Headend headend) const;
  /// Why it is not programmed; null: programmed, or no word of it.
  [[nodiscard]] const Trouble* trouble(std::uint32_t policy, Headend headend) const;
  /// Entries that memory is held for: none of policies that nobody speaks of any more.
  [[nodiscard]] std::size_t held() const;

 private:
  using Code = std::uint16_t;  // 0: nothing said; else a version's place, plus one
  struct Version {
    Said said;
    std::uint32_t users = 0;
  };
  struct Column {
    std::vector<Code> said;  // by headend; shorter where the last ones say nothing
    std::vector<Version> versions;
    std::map<Headend, Trouble> trouble;
    std::uint32_t entries = 0;  // of `said` that are not 0; at none it is empty
    bool changed = false;       // and in changed_
  };
  struct Known {
    std::string name;
    std::size_t print = 0;  // of the node
    bool exists = false;    // as a node
    bool speaks = false;
  };

  [[nodiscard]] Headend number(const std::string& node);
  void index();
  [[nodiscard]] static Code code_of(Column& column, const Said& said);
  static bool put(Column& column, Headend headend, const Said* said, const Trouble* trouble);

  const NodesByName* nodes_ = nullptr;
  PolicyNames names_;
  std::unordered_map<std::string, Headend> numbers_;
  std::vector<Known> headends_;
  std::vector<Headend> free_;    // numbers of nobody
  std::vector<Column> columns_;  // by policy
  std::vector<std::uint32_t> changed_;
  bool speakers_changed_ = false;
  std::size_t node_count_ = 0;
  // Made by index().
  bool indexed_ = false;
  std::vector<Headend> speakers_;
  std::unordered_map<IpAddress, Headend> by_address_;
};

}  // namespace sextant::kubernetes
