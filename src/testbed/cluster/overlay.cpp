#include "testbed/cluster/overlay.h"

#include <fmt/format.h>

#include <thread>

#include "testbed/cluster/images.h"
#include "testbed/cluster/kubectl.h"

namespace sextant::cluster {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNamespace = "sextant-system";
constexpr const char* kTaint = "sextant.dev/not-ready";

/// This tree's deploy/, seen from build/bin.
Result<fs::path> deploy_folder() {
  const auto program = testbed::find_program({}, "sextant");
  if (!program) return tl::unexpected(program.error());
  const fs::path folder = program->parent_path().parent_path().parent_path() / "deploy";
  if (fs::exists(folder / "overlays")) return folder;
  return failure("find", folder.string(), "not there",
                 "run sextant from build/bin of its tree, or give --image and --manifests");
}

Result<fs::path> own_manifests(const Plan& plan) {
  const auto deploy = deploy_folder();
  if (!deploy) return deploy;
  return *deploy / "overlays" /
         (plan.settings.underlay == testbed::Kind::kBasic ? "standalone" : "full-testbed");
}

/// What an operator would look at, for an error's hint.
std::string findings(const Plan& plan) {
  std::string text;
  for (const std::vector<std::string>& look :
       {std::vector<std::string>{"get", "nodes", "-o", "wide"},
        {"get", "pods", "-n", kNamespace, "-o", "wide"},
        {"logs", "-n", kNamespace, "daemonset/sextant", "--all-containers", "--tail=5"}}) {
    const auto found = kubectl(plan, look);
    text += "\n" + (found ? *found : found.error().cause);
  }
  return text;
}

Error with_findings(const Plan& plan, Error error) {
  error.hint = findings(plan);
  return error;
}

}  // namespace

Result<std::vector<fs::path>> prepare_images(const Plan& plan, const fs::path& given) {
  const fs::path pods = plan.places.images() / "pod.tar";
  if (auto written = write_archive(pod_image(), pods); !written) {
    return tl::unexpected(written.error());
  }
  if (!given.empty()) return std::vector{pods, given};
  const auto deploy = deploy_folder();
  if (!deploy) return tl::unexpected(deploy.error());
  const auto program = testbed::find_program({}, "sextantd");
  if (!program) return tl::unexpected(program.error());
  const fs::path sextant = plan.places.images() / "sextant.tar";
  const Image image = sextant_image(program->parent_path(), *deploy);
  if (auto written = write_archive(image, sextant); !written) {
    return tl::unexpected(written.error());
  }
  return std::vector{pods, sextant};
}

Result<void> install_overlay(const Plan& plan, const fs::path& given) {
  const auto folder = given.empty() ? own_manifests(plan) : Result<fs::path>{given};
  if (!folder) return tl::unexpected(folder.error());
  auto applied = kubectl(plan, {"apply", "-k", *folder});
  if (!applied) return tl::unexpected(applied.error());
  // Objects of kinds that the first half defines.
  if (!fs::exists(*folder / "pools")) return {};
  const auto known = kubectl(plan, {"wait", "--for=condition=Established", "crd", "--all"});
  if (!known) return tl::unexpected(known.error());
  // Established, but each API server finds that out for itself.
  applied = kubectl_until(plan, {"apply", "-k", *folder / "pools"}, std::chrono::seconds{20});
  if (!applied) return tl::unexpected(applied.error());
  return {};
}

Result<void> await_overlay(const Plan& plan, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  const std::string timeout = fmt::format("--timeout={}s", patience.count());
  const auto limit = patience + std::chrono::seconds{10};
  const auto rolled_out = kubectl(
      plan, {"rollout", "status", "-n", kNamespace, "daemonset/sextant", timeout}, {}, limit);
  if (!rolled_out) return tl::unexpected(with_findings(plan, rolled_out.error()));
  const auto ready =
      kubectl(plan, {"wait", "--for=condition=Ready", "node", "--all", timeout}, {}, limit);
  if (!ready) return tl::unexpected(with_findings(plan, ready.error()));
  while (true) {
    const auto taints =
        kubectl(plan, {"get", "nodes", "-o", "jsonpath={.items[*].spec.taints[*].key}"});
    if (!taints) return tl::unexpected(taints.error());
    if (taints->find(kTaint) == std::string::npos) return {};
    if (std::chrono::steady_clock::now() > end) {
      return failure("wait for", fmt::format("the taint {} to go", kTaint),
                     fmt::format("still there after {} s", patience.count()), findings(plan));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
  }
}

}  // namespace sextant::cluster
