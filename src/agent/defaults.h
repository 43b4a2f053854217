// Where things are unless the command line says otherwise: shared by the agent and the CLI.
#pragma once

#include <string_view>

namespace sextant::agent {

inline constexpr auto kDefaultNamespace = "sextant-system";
inline constexpr std::string_view kDefaultSocket = "/run/sextant/sextantd.sock";
inline constexpr std::string_view kDefaultInjectorSocket = "/run/sextant/injector.sock";
inline constexpr std::string_view kDefaultInjectorState = "/var/lib/sextant/injector";
inline constexpr std::string_view kDefaultManifests = "/etc/sextant/manifests";

}  // namespace sextant::agent
