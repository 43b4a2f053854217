#include "cli/place_options.h"

#include <CLI/CLI.hpp>

namespace sextant::cli {

void add_place_options(CLI::App& command, PlaceOptions& options) {
  command.add_option("--socket", options.socket, "The agent's Unix socket")
      ->type_name("PATH")
      ->envname("SEXTANT_SOCKET")
      ->capture_default_str();
  command
      .add_option("--cni-conf-dir", options.cni_configs,
                  "Where the runtime looks for network configurations (default /etc/cni/net.d)")
      ->type_name("DIR")
      ->allow_extra_args(false);
  command
      .add_option("--cni-bin-dir", options.cni_programs,
                  "Where the runtime looks for plugins (default /opt/cni/bin, /usr/lib/cni)")
      ->type_name("DIR")
      ->allow_extra_args(false);
}

void take_places(const PlaceOptions& options, footprint::Places& places) {
  places.socket = options.socket;
  if (!options.cni_configs.empty())
    places.cni_configs = {options.cni_configs.begin(), options.cni_configs.end()};
  if (!options.cni_programs.empty())
    places.cni_programs = {options.cni_programs.begin(), options.cni_programs.end()};
}

}  // namespace sextant::cli
