// Puts sextant-cni on a node: its program, the plugins that it works with where they are missing,
// and its network configuration. Idempotent; a running program is replaced safely.
//
// What it puts there, uninstalling takes away again (footprint/cni_files.h).
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "installation/conflist.h"

namespace sextant::installation {

/// Files of others that come before it in the runtime's order, which is by name, are refused.
inline constexpr auto kConfigName = "10-sextant.conflist";

struct CniPlaces {
  std::filesystem::path programs = "/opt/cni/bin";
  std::filesystem::path configs = "/etc/cni/net.d";
  /// Given: the configuration lies in this folder, which a reboot empties, and `configs` has a link
  /// to it. A node that has just booted then has no network, and says so, until it is written anew.
  std::filesystem::path volatile_configs;
  /// Where programs are taken from, in this order.
  std::vector<std::filesystem::path> sources;
};
/// Sources: the folder of this program, the image's, Debian's.
[[nodiscard]] CniPlaces default_cni_places();

struct InstallReport {
  std::vector<std::string> written;  // paths
  std::vector<std::string> notes;    // what an operator should know
};

/// The programs. An error: sextant-cni is not to be found, a plugin that every pod needs
/// (host-local, loopback) is neither there nor to be found, or a file cannot be written.
[[nodiscard]] Result<InstallReport> install_programs(const CniPlaces& places);

/// The configuration; portmap and bandwidth stand in it where their programs are there.
/// `beside_others`: also where another network's configuration comes first, and pods get that one.
[[nodiscard]] Result<InstallReport> install_config(const CniPlaces& places, NetworkList list,
                                                   bool beside_others);

}  // namespace sextant::installation
