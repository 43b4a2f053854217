#include "testbed/cluster/overlay.h"

#include <fmt/format.h>

#include "testbed/cluster/images.h"
#include "testbed/cluster/kubectl.h"
#include "testbed/cluster/node.h"
#include "testbed/files.h"
#include "testbed/manifests.h"
#include "testbed/pods.h"

namespace sextant::cluster {

namespace fs = std::filesystem;

Result<std::vector<fs::path>> prepare_images(const Plan& plan, const fs::path& given) {
  const fs::path pods = plan.places.images() / "pod.tar";
  if (auto written = write_archive(pod_image(), pods); !written) {
    return tl::unexpected(written.error());
  }
  if (!plan.settings.overlay) return std::vector{pods};
  if (!given.empty()) return std::vector{pods, given};
  const fs::path sextant = plan.places.images() / "sextant.tar";
  const auto image = sextant_image({});
  if (!image) return tl::unexpected(image.error());
  if (auto written = write_archive(*image, sextant); !written) {
    return tl::unexpected(written.error());
  }
  return std::vector{pods, sextant};
}

Result<void> install_overlay(const Plan& plan, const fs::path&) {
  const auto program = testbed::find_program({}, "sextantd");
  if (!program) return tl::unexpected(program.error());
  const auto plugin = testbed::find_program({}, "sextant-cni");
  if (!plugin) return tl::unexpected(plugin.error());
  for (const auto& node : plan.lab().nodes) {
    const fs::path root = fmt::format("/proc/{}/root", first_process(plan.places, node.name));
    const fs::path manifests = root / "etc/sextant/manifests";
    if (auto made = testbed::make_directory(manifests); !made) return made;
    for (const auto& [name, content] : testbed::manifests(plan.lab())) {
      if (auto written = testbed::write_file(manifests / name, content); !written) return written;
    }
    std::error_code error;
    fs::copy_file(*plugin, root / "opt/cni/bin/sextant-cni", fs::copy_options::overwrite_existing,
                  error);
    if (error) return system_error("copy", plugin->string(), error.value());
    const auto command =
        on_node(plan.places, node.name,
                {*program, "--node", node.name, "--manifests", "/etc/sextant/manifests"});
    if (!command) return tl::unexpected(command.error());
    auto started = start(plan.places, {.node = node.name, .name = "sextantd", .command = *command});
    if (!started) return tl::unexpected(started.error());
    auto written = testbed::write_file(root / "etc/cni/net.d/10-sextant.conflist",
                                       testbed::cni_conflist(plan.places.id(), node));
    if (!written) return written;
    const auto taint = kubectl(plan, {"taint", "node", node.name, "sextant.dev/not-ready-"});
    if (!taint) return tl::unexpected(taint.error());
  }
  return {};
}

Result<void> await_overlay(const Plan& plan, std::chrono::seconds patience) {
  const auto ready = kubectl(plan,
                             {"wait", "--for=condition=Ready", "node", "--all",
                              fmt::format("--timeout={}s", patience.count())},
                             {}, patience + std::chrono::seconds{10});
  if (!ready) return tl::unexpected(ready.error());
  return {};
}

}  // namespace sextant::cluster
