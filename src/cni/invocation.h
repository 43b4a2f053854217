// What the runtime passes in environment variables (CNI specification, section 2, "Parameters").
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cni/outcome.h"

namespace sextant::cni {

enum class Command { kAdd, kDel, kCheck, kGc, kStatus, kVersion };

struct Invocation {
  Command command = Command::kVersion;
  std::string container_id;  // this and the next two: of ADD, DEL and CHECK only
  std::string netns;         // path; may be empty for DEL
  std::string ifname;        // inside of the container
  std::vector<std::string> plugin_path;
};

/// `getenv`-like: nothing where the variable is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// Checks what the command needs; the error names every variable that is missing or wrong.
[[nodiscard]] Outcome<Invocation> read_invocation(const Environment& environment);

}  // namespace sextant::cni
