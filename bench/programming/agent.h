// What a running agent needs: memory and idle processor time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "common/child.h"
#include "common/scratch.h"

namespace sextant::bench {

/// `sextantd` on a node of its own with manifests of that many prefixes a family; gone with this
/// object.
class Agent {
 public:
  /// Returns when all is programmed.
  explicit Agent(std::uint32_t prefixes);

  /// Resident set size, in megabytes (1,000,000 bytes).
  [[nodiscard]] double memory() const;
  /// Share of one processor that it takes while nothing happens, in per cent.
  [[nodiscard]] double idle_load() const;

 private:
  [[nodiscard]] std::filesystem::path socket() const { return directory_.path() / "socket"; }
  void await_programmed(std::uint32_t prefixes) const;

  Space node_;
  ScratchDirectory directory_;
  std::optional<Child> process_;
};

}  // namespace sextant::bench
