// Container images made on this machine, as archives that `ctr image import` reads: nothing is
// pulled.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace sextant::cluster {

/// busybox: pods for trying things, and every pod's sandbox.
inline constexpr const char* kPodImage = "localhost/sextant-testbed-pod:1";
/// What the DaemonSet of deploy/ runs.
inline constexpr const char* kSextantImage = "localhost/sextant:dev";

struct Image {
  std::string name;
  std::vector<std::string> command;
  std::map<std::string, std::filesystem::path> files;  // place in the image -> file of the machine
  std::map<std::string, std::string> links;            // place in the image -> target
};

[[nodiscard]] Image pod_image();

/// The programs in `folder` (sextant, sextantd, sextant-cni) with the libraries that they load.
[[nodiscard]] Result<Image> sextant_image(const std::filesystem::path& folder);

/// Writes the docker archive `archive`, by way of a scratch folder beside it.
[[nodiscard]] Result<void> write_archive(const Image& image, const std::filesystem::path& archive);

}  // namespace sextant::cluster
