// CNI ADD and DEL, sextant-cni against Debian's bridge plugin, at 1 and at 200 pods on the node.
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>

#include "common/program.h"
#include "common/rotation.h"
#include "common/scratch.h"
#include "common/space.h"
#include "testbed/process.h"

namespace sextant::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kPlugins = "/usr/lib/cni";  // where Debian puts them
constexpr int kPairsARun = 10;                         // ADD and DEL; their median is the run's
constexpr std::chrono::seconds kPatience{60};
constexpr std::array kPods{1, 200};

/// A node with one plugin and its pods.
class Node {
 public:
  Node(const std::string& name, fs::path program, const std::string& type)
      : name_(name), program_(std::move(program)), space_(name), measured_(name + "-pod") {
    space_.sysctl({"net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"});
    space_.ip(
        "link add ul index 100 type veth peer name far index 101\naddress add fd00::a/64 dev ul "
        "nodad\naddress add 192.168.0.1/24 dev ul\nlink set ul up\nlink set far up\n");
    // One configuration for both; `bridge` and `isGateway` mean nothing to sextant-cni.
    config_ = fmt::format(
        R"({{"cniVersion":"1.0.0","name":"bench","type":"{}","bridge":"cni0","isGateway":true,
"ipam":{{"type":"host-local","dataDir":"{}","ranges":[[{{"subnet":"172.16.0.0/24"}}],
[{{"subnet":"fdfb:af47:32af::/120"}}]],"routes":[{{"dst":"0.0.0.0/0"}},{{"dst":"::/0"}}]}}}})",
        type, leases_.path().string());
  }

  [[nodiscard]] const std::string& name() const { return name_; }

  /// Until there are so many, the one that is measured left out.
  void fill(int pods) {
    while (static_cast<int>(others_.size()) < pods - 1) {
      others_.emplace_back(fmt::format("{}-pod{}", name_, others_.size() + 1));
      call("ADD", others_.back());
    }
  }
  /// Milliseconds of an ADD and the DEL after it.
  [[nodiscard]] double add_and_delete() const {
    std::vector<double> times;
    for (int pair = 0; pair < kPairsARun; ++pair) {
      const auto begun = Clock::now();
      call("ADD", measured_);
      call("DEL", measured_);
      times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
    }
    return median(times);
  }

 private:
  void call(const std::string& command, const Space& pod) const {
    check_interruption();
    const auto output =
        must(testbed::run({.arguments = {program_.string()},
                           .netns = space_.name(),
                           .environment = {{"CNI_COMMAND", command},
                                           {"CNI_CONTAINERID", pod.name()},
                                           {"CNI_NETNS", "/run/netns/" + pod.name()},
                                           {"CNI_IFNAME", "eth0"},
                                           {"CNI_PATH", std::string(kPlugins)}},
                           .input = config_},
                          kPatience));
    if (output.status != 0) {
      throw std::runtime_error(fmt::format("{} {}: {}{}", name_, command, output.out, output.err));
    }
  }

  std::string name_;
  fs::path program_;
  Space space_;
  Space measured_;
  ScratchDirectory leases_;
  std::string config_;
  std::vector<Space> others_;
};

std::vector<Row> run(const Options& options) {
  const auto case_of = [](int pods) {
    return fmt::format("add-del-{}-pod{}", pods, pods == 1 ? "" : "s");
  };
  if (std::ranges::none_of(kPods, [&](int pods) { return options.wants(case_of(pods)); }))
    return {};
  Node ours("sextant", must(testbed::find_program({}, "sextant-cni")), "sextant-cni");
  Node bridge("bridge", fs::path(kPlugins) / "bridge", "bridge");
  std::vector<Row> rows;
  for (const int pods : kPods) {
    if (!options.wants(case_of(pods))) continue;
    progress(fmt::format("{} pods on the node", pods));
    ours.fill(pods);
    bridge.fill(pods);
    std::map<const Node*, std::vector<double>> times;
    for (int run = 0; run < options.runs; ++run) {
      std::string line = fmt::format("run {} of {}:", run + 1, options.runs);
      for (const Node* node : rotated(std::vector<const Node*>{&ours, &bridge}, run)) {
        times[node].push_back(node->add_and_delete());
        line += fmt::format(" {} {:.1f} ms", node->name(), times[node].back());
      }
      progress(line);
    }
    rows.push_back({.bench = "cni",
                    .name = case_of(pods),
                    .unit = "ms",
                    .better = Better::kLess,
                    .ours = median_of(times.at(&ours)),
                    .peer = Row::Peer{"bridge", median_of(times.at(&bridge))}});
  }
  return rows;
}

}  // namespace
}  // namespace sextant::bench

int main(int argc, char** argv) {
  using namespace sextant::bench;
  return run_program(argc, argv,
                     {.name = "cni",
                      .text = "ADD plus DEL of a dual-stack pod, in milliseconds: sextant-cni "
                              "against Debian's bridge plugin, both with host-local"},
                     run);
}
