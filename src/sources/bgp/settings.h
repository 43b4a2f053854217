// The agent's BGP configuration file, YAML: docs/reference-bgp.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bgp/config.h"
#include "overlay/intent.h"
#include "sources/finding.h"

namespace sextant::bgp_source {

struct BgpSettings {
  /// `peers` are those of the file. A router identifier of 0.0.0.0: the node's first IPv4 address.
  bgp::SpeakerConfig speaker;
  /// A peer like this one for each other node that the other source knows, by its address.
  std::optional<bgp::PeerConfig> mesh;
  /// Calico's objects say peers too (calico_peers.h); what they leave open is as in this one. An AS
  /// number of 0 in `speaker`, and `listens_by_default`: theirs.
  std::optional<bgp::PeerConfig> calico;
  /// Internal peers that are no nodes hear what becomes of SR Policies, as those of `peers` do.
  bool calico_tells_injectors = false;
  bool listens_by_default = false;
  /// How nodes are reached that only BGP knows.
  overlay::LocatorReach reach = overlay::LocatorReach::kFabric;
  /// What load_settings() found in the file and did not understand: misspelled fields.
  std::vector<sources::Finding> warnings = {};
};

struct SettingsReading {
  std::optional<BgpSettings> settings;  // none: there are errors
  std::vector<sources::Finding> findings;
};

/// What a node's peers are told where `families` is not given.
[[nodiscard]] const std::vector<bgp::Family>& node_families();

/// `source` names the file in messages. Files that it names (passwords) are read too.
/// `usual`: the families of peers whose settings name none.
[[nodiscard]] SettingsReading read_settings(
    std::string_view text, std::string_view source,
    const std::vector<bgp::Family>& usual = node_families());

/// The file's settings, with `warnings`. Error: it cannot be read, or all that is wrong in it.
[[nodiscard]] Result<BgpSettings> load_settings(
    const std::string& path, const std::vector<bgp::Family>& usual = node_families());

}  // namespace sextant::bgp_source
