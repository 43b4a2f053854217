// Delegation to an IPAM plugin (CNI specification, section 4): found in CNI_PATH, run with the same
// environment and standard input as this plugin.
//
// The plugin may speak older versions than we do (Debian's host-local 1.1.1 ends at 1.0.0): then it
// gets the configuration with the highest version that it says it supports (VERSION).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "cni/attachment_result.h"
#include "cni/network_config.h"
#include "cni/outcome.h"

namespace sextant::cni {

class Ipam {
 public:
  [[nodiscard]] static Outcome<Ipam> find(const NetworkConfig& config,
                                          const std::vector<std::string>& plugin_path);

  /// A run of the plugin under way. Whoever starts one finishes it.
  struct Run {
    std::string command;
    pid_t child = -1;
    UniqueFd output = {};
  };
  /// Returns at once, so that the kernel can be set up meanwhile.
  [[nodiscard]] Outcome<Run> start_add() { return start("ADD"); }
  [[nodiscard]] Outcome<Run> start_del() { return start("DEL"); }
  /// At least one address. A lease that is half made is given back where this fails.
  [[nodiscard]] Outcome<AttachmentResult> finish_add(Run run);
  [[nodiscard]] Outcome<void> finish_del(Run run);

  [[nodiscard]] Outcome<AttachmentResult> add();
  [[nodiscard]] Outcome<void> del();
  /// Of an attachment other than the one that this plugin was called for.
  [[nodiscard]] Outcome<void> del(const Owner& owner);
  [[nodiscard]] Outcome<void> check();
  /// GC and STATUS: nothing happens where the plugin does not speak 1.1.0, which brought them.
  [[nodiscard]] Outcome<void> forward(const std::string& command);
  [[nodiscard]] bool speaks_gc() const { return version_ == "1.1.0"; }

 private:
  Ipam(std::string program, const NetworkConfig& config)
      : program_(std::move(program)),
        config_(&config),
        version_(config.cni_version),
        input_(config.text) {}

  /// `variables`: "NAME=value", in place of ours of those names.
  [[nodiscard]] Outcome<Run> start(const std::string& command,
                                   std::vector<std::string> variables = {}) const;
  /// Standard output of a run that ended well; the plugin's own error otherwise.
  [[nodiscard]] Outcome<std::string> finish(Run run) const;
  /// The same; once more with a version that the plugin supports where it refused ours.
  [[nodiscard]] Outcome<std::string> finish_or_retry(Run run);
  [[nodiscard]] Outcome<std::string> run(const std::string& command);
  [[nodiscard]] Outcome<void> negotiate();
  [[nodiscard]] Outcome<AttachmentResult> read_addresses(const Outcome<std::string>& output) const;

  std::string program_;
  const NetworkConfig* config_;
  std::string version_;  // that the plugin is spoken to in
  std::string input_;    // the configuration in that version
  bool negotiated_ = false;
};

}  // namespace sextant::cni
