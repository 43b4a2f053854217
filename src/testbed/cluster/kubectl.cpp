#include "testbed/cluster/kubectl.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <thread>

#include "testbed/cluster/pki.h"

namespace sextant::cluster {

testbed::Command kubectl_command(const Plan& plan, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), plan.programs.kubectl);
  return {.arguments = std::move(arguments),
          .netns = plan.places.id().netns(control_node(plan.settings).name),
          .environment = {{"KUBECONFIG", plan.places.kubeconfig(kAdmin)},
                          // Discovery is kept for this cluster alone, and goes with it.
                          {"KUBECACHEDIR", plan.places.state() / "kubectl"},
                          // The machine's proxy must not come between.
                          {"NO_PROXY", "*"},
                          {"no_proxy", "*"}}};
}

Result<std::string> kubectl(const Plan& plan, std::vector<std::string> arguments, std::string input,
                            std::chrono::seconds limit) {
  testbed::Command command = kubectl_command(plan, std::move(arguments));
  command.input = std::move(input);
  const auto done = testbed::run(command, limit);
  if (!done) return tl::unexpected(done.error());
  if (done->status == 0) return done->out;
  return failure("run", fmt::format("{}", fmt::join(command.arguments, " ")), done->err);
}

Result<std::string> kubectl_until(const Plan& plan, const std::vector<std::string>& arguments,
                                  std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kAgain{100};
  const auto end = std::chrono::steady_clock::now() + patience;
  while (true) {
    auto done = kubectl(plan, arguments);
    if (done || std::chrono::steady_clock::now() >= end) return done;
    std::this_thread::sleep_for(kAgain);
  }
}

}  // namespace sextant::cluster
