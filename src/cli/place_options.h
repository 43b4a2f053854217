// --socket, --cni-conf-dir, --cni-bin-dir: where doctor and uninstall look for what is on the node.
#pragma once

#include <string>
#include <vector>

#include "footprint/inventory.h"

namespace CLI {
class App;
}

namespace sextant::cli {

struct PlaceOptions {
  std::string socket{footprint::default_places().socket};
  std::vector<std::string> cni_configs, cni_programs;  // empty: the defaults
};

/// `options` outlives the parsing.
void add_place_options(CLI::App& command, PlaceOptions& options);
void take_places(const PlaceOptions& options, footprint::Places& places);

}  // namespace sextant::cli
