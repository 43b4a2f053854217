// Delegation to an IPAM plugin (CNI specification, section 4): found in CNI_PATH, run with the same
// environment and standard input as this plugin.
#pragma once

#include <string>
#include <vector>

#include "cni/attachment_result.h"
#include "cni/outcome.h"

namespace sextant::cni {

class Ipam {
 public:
  /// `config`: the whole configuration as it came in.
  [[nodiscard]] static Outcome<Ipam> find(const std::string& type,
                                          const std::vector<std::string>& plugin_path,
                                          std::string config);

  /// At least one address. A lease that is half made is given back where this fails.
  [[nodiscard]] Outcome<AttachmentResult> add() const;
  [[nodiscard]] Outcome<void> del() const;
  [[nodiscard]] Outcome<void> check() const;

 private:
  Ipam(std::string program, std::string config)
      : program_(std::move(program)), config_(std::move(config)) {}
  /// Standard output of a run that ended well; the plugin's own error otherwise.
  [[nodiscard]] Outcome<std::string> run(const std::string& command) const;
  [[nodiscard]] Outcome<AttachmentResult> request_addresses() const;

  std::string program_;
  std::string config_;
};

}  // namespace sextant::cni
