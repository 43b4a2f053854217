// What a node's agent says of the policies, as the leader reads it from the status of an SRv6Node,
// for HeadendBoard.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sources/kubernetes/node_status.h"

namespace sextant::kubernetes {

/// Numbers for policies' names, for as long as the process runs: as many as there ever were.
class PolicyNames {
 public:
  [[nodiscard]] std::uint32_t number(const std::string& name);
  [[nodiscard]] std::optional<std::uint32_t> find(const std::string& name) const;
  [[nodiscard]] const std::string& name(std::uint32_t number) const { return *names_[number]; }

 private:
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<const std::string*> names_;
};

/// Why a headend does not have a policy.
struct Trouble {
  std::string reason;
  std::string message;
  friend bool operator==(const Trouble&, const Trouble&) = default;
};

/// One SRv6Node's status, as far as policies go.
struct HeadendReport {
  struct Entry {
    std::uint32_t policy = 0;
    std::uint32_t uid = 0;  // the first 32 bits
    std::uint32_t generation = 0;
    bool programmed = false;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };
  std::vector<Entry> entries;                // sorted by policy
  std::map<std::uint32_t, Trouble> trouble;  // of those that are not programmed
  friend bool operator==(const HeadendReport&, const HeadendReport&) = default;
};

[[nodiscard]] std::uint32_t uid_number(std::string_view uid);

/// An SRv6Node without a status yields no report: no agent has spoken for that node yet.
[[nodiscard]] std::optional<HeadendReport> read_headend_report(const boost::json::object& srv6_node,
                                                               PolicyNames& names);

}  // namespace sextant::kubernetes
