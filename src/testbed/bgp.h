// A full testbed whose nodes know each other over BGP alone: the manifests of each name nothing but
// itself, and policies come from the injector behind r3. docs/walkthrough-bgp.md.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "testbed/testbed.h"

namespace sextant::testbed {

inline constexpr std::string_view kInjectorMachine = "injector";

/// "sextantd", "gobgpd", "none"
[[nodiscard]] std::string_view to_string(Injector injector);
[[nodiscard]] std::optional<Injector> parse_injector(std::string_view text);

/// Below bgp_directory(): of each node the manifests NODE/node.yaml and BGP's settings NODE.yaml;
/// of the injector injector.yaml and gobgpd.toml, the same for both programs.
[[nodiscard]] std::map<std::string, std::string> bgp_files(const Topology& lab);
[[nodiscard]] std::filesystem::path bgp_directory(const Id& id);

/// 0 where it does not run.
[[nodiscard]] pid_t injector_process(const Id& id, Injector injector);

/// Starts the wanted injector where it does not run, and ends the other one. Names what it started.
[[nodiscard]] Result<std::vector<std::string>> start_injector(
    const Id& id, Injector injector, const std::filesystem::path& programs);

/// Until all sessions of the nodes are up, with each other and with the injector.
[[nodiscard]] Result<void> await_bgp(const Id& id, const Topology& lab, Injector injector,
                                     std::chrono::milliseconds patience);

}  // namespace sextant::testbed
