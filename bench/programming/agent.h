// What a running agent needs: memory and idle processor time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "common/child.h"

namespace sextant::bench {

/// `sextantd` on a node of its own with manifests of that many prefixes a family; gone with this
/// object.
class Agent {
 public:
  /// Returns when all is programmed.
  explicit Agent(std::uint32_t prefixes);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  /// Resident set size, in megabytes (1,000,000 bytes).
  [[nodiscard]] double memory() const;
  /// Share of one processor that it takes while nothing happens, in per cent.
  [[nodiscard]] double idle_load() const;

 private:
  void await_programmed(std::uint32_t prefixes) const;

  Space node_;
  std::filesystem::path directory_;
  std::unique_ptr<Child> process_;
};

}  // namespace sextant::bench
