// Whether each headend selector picks some node, kept up to date.
//
// A selector keeps one node that it picks as its witness; only when that one changes is another
// looked for. So a change of a node costs its own witnesses and the selectors that pick nothing
// (bad ones: few), not all policies.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "overlay/headend.h"

namespace sextant::overlay {

class HeadendIndex {
 public:
  /// Nodes first: `nodes` holds the new state already.
  explicit HeadendIndex(const std::map<std::string, Node>& nodes) : nodes_(nodes) {}

  /// A node came, went or changed (null: is not). Policies whose verdict changes are added to
  /// `changed`.
  void update_node(const Node* old_node, const Node* new_node, std::set<ObjectKey>& changed);
  void add(const HeadendSelector& selector, const ObjectKey& policy);
  void remove(const HeadendSelector& selector, const ObjectKey& policy);
  [[nodiscard]] bool selects_any(const HeadendSelector& selector) const;

 private:
  struct ByContent {
    bool operator()(const HeadendSelector& a, const HeadendSelector& b) const {
      return std::tie(a.names, a.match_labels) < std::tie(b.names, b.match_labels);
    }
  };
  struct Entry {
    std::optional<std::string> witness;
    std::set<ObjectKey> policies;
  };
  using Entries = std::map<HeadendSelector, Entry, ByContent>;

  [[nodiscard]] std::optional<std::string> find_witness(const HeadendSelector& selector) const;
  void set_witness(Entries::value_type& entry, std::optional<std::string> witness);

  const std::map<std::string, Node>& nodes_;
  std::map<std::pair<std::string, std::string>, std::set<std::string>> nodes_by_label_;
  Entries entries_;
  std::map<std::string, std::set<Entries::value_type*>> by_witness_;
  std::set<Entries::value_type*> unmatched_;
};

}  // namespace sextant::overlay
