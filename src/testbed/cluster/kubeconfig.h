// The kubeconfig files of the cluster's programs.
#pragma once

#include <filesystem>
#include <string>

#include "testbed/cluster/settings.h"

namespace sextant::cluster {

/// Where the program that reads it finds what it names.
struct Credentials {
  std::filesystem::path authority;
  std::filesystem::path certificate;
  std::filesystem::path key;
};

[[nodiscard]] std::string kubeconfig_text(const Settings& settings, const std::string& user,
                                          const Credentials& credentials);

}  // namespace sextant::cluster
