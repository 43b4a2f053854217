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
struct Image {
  std::vector<std::string> names;
  std::vector<std::string> command;
  std::vector<std::string>
      layout;  // a program that lays out the root file system in the folder named last
  std::map<std::string, std::filesystem::path> files =
      {};                                         // place in the image -> file of the machine
  std::map<std::string, std::string> links = {};  // place in the image -> target
};

[[nodiscard]] Image pod_image();

/// What the DaemonSet of deploy/ runs, under its name there and as localhost/sextant:dev: the
/// programs in `folder`, laid out as deploy/image does it, but without buildah.
[[nodiscard]] Image sextant_image(const std::filesystem::path& folder,
                                  const std::filesystem::path& deploy);

/// Writes the docker archive `archive`, by way of a scratch folder beside it.
[[nodiscard]] Result<void> write_archive(const Image& image, const std::filesystem::path& archive);

}  // namespace sextant::cluster
