// Delegation to an IPAM plugin (CNI specification, section 4): found in CNI_PATH, run with the same
// environment and standard input as this plugin.
//
// The plugin may speak older versions than we do (Debian's host-local 1.1.1 ends at 1.0.0): then it
// gets the configuration with the highest version that it says it supports (VERSION).
#pragma once

#include <string>
#include <vector>

#include "cni/attachment_result.h"
#include "cni/network_config.h"
#include "cni/outcome.h"

namespace sextant::cni {

class Ipam {
 public:
  [[nodiscard]] static Outcome<Ipam> find(const NetworkConfig& config,
                                          const std::vector<std::string>& plugin_path);

  /// At least one address. A lease that is half made is given back where this fails.
  [[nodiscard]] Outcome<AttachmentResult> add();
  [[nodiscard]] Outcome<void> del();
  /// Of an attachment other than the one that this plugin was called for.
  [[nodiscard]] Outcome<void> del(const Owner& owner);
  [[nodiscard]] Outcome<void> check();
  /// GC or STATUS; false where the plugin does not speak 1.1.0, which brought them.
  [[nodiscard]] Outcome<bool> forward(const std::string& command);

 private:
  Ipam(std::string program, const NetworkConfig& config)
      : program_(std::move(program)),
        config_(&config),
        version_(config.cni_version),
        input_(config.text) {}

  /// Standard output of a run that ended well; the plugin's own error otherwise. `variables`:
  /// "NAME=value", in place of ours of those names.
  [[nodiscard]] Outcome<std::string> run_once(const std::string& command,
                                              std::vector<std::string> variables) const;
  /// The same in a version that the plugin supports.
  [[nodiscard]] Outcome<std::string> run(const std::string& command,
                                         const std::vector<std::string>& variables = {});
  [[nodiscard]] Outcome<void> negotiate();
  [[nodiscard]] Outcome<AttachmentResult> request_addresses();

  std::string program_;
  const NetworkConfig* config_;
  std::string version_;  // that the plugin is spoken to in
  std::string input_;    // the configuration in that version
  bool negotiated_ = false;
};

}  // namespace sextant::cni
