#include "programming/agent.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "agent/http_client.h"
#include "common/process.h"
#include "common/program.h"
#include "programming/cluster.h"
#include "testbed/files.h"
#include "testbed/process.h"

namespace sextant::bench {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{300};
constexpr std::chrono::milliseconds kLookAgain{50};  // the API has no way to wait for a change
constexpr std::chrono::seconds kIdle{5};

}  // namespace

Agent::Agent(std::uint32_t prefixes) : node_("agent") {
  const fs::path program = must(testbed::find_program({}, "sextantd"));
  const fs::path folder = directory_.path() / "manifests";
  fs::create_directory(folder);
  must(testbed::write_file(folder / "cluster.yaml", manifests(prefixes)));
  node_.ip(
      "link add ul index 100 type veth peer name far index 101\naddress add fd00::a/64 dev ul "
      "nodad\nlink set ul up\nlink set far up\nroute add default via fd00::b\n");
  process_.emplace(node_,
                   std::vector<std::string>{program.string(), "--node", "self", "--manifests",
                                            folder.string(), "--socket", socket().string()});
  await_programmed(prefixes);
}

void Agent::await_programmed(std::uint32_t prefixes) const {
  constexpr std::uint32_t kOwnRoutes = 3;  // locator, a pod prefix a family
  const auto end = Clock::now() + kPatience;
  std::string last = "no answer";
  while (Clock::now() < end) {
    check_interruption();
    process_->check();
    if (const auto reply = agent::http_get(socket().string(), "/v1/status", kPatience)) {
      last = reply->body;
      const auto status = boost::json::parse(last);
      if (!status.at("lastApply").is_null() && status.at("healthy").as_bool() &&
          status.at("counts").at("routes").to_number<std::uint32_t>() >=
              2 * prefixes + kOwnRoutes) {
        return;
      }
    }
    std::this_thread::sleep_for(kLookAgain);
  }
  throw std::runtime_error("sextantd has not programmed its routes: " + last);
}

double Agent::memory() const { return resident_megabytes(process_->pid()); }

double Agent::idle_load() const {
  const double before = processor_seconds(process_->pid());
  const auto begun = Clock::now();
  while (Clock::now() < begun + kIdle) {
    check_interruption();
    std::this_thread::sleep_for(kLookAgain);  // what is measured is that nothing happens
  }
  process_->check();
  const std::chrono::duration<double> passed = Clock::now() - begun;
  return 100 * (processor_seconds(process_->pid()) - before) / passed.count();
}

}  // namespace sextant::bench
