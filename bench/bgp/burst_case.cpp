#include "bgp/burst_case.h"

#include <fmt/format.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "agent/http_client.h"
#include "bgp/headend_feed.h"
#include "bgp/wire_peer.h"
#include "common/child.h"
#include "common/kernel.h"
#include "common/process.h"
#include "common/program.h"
#include "common/scratch.h"
#include "common/space.h"
#include "testbed/files.h"
#include "testbed/process.h"

namespace sextant::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::milliseconds kLookAgain{20};  // the API has no way to wait for a change
constexpr Ipv4Address kHeadend({10, 0, 0, 1});
const Ipv6Address kNode({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a});
const Ipv6Address kInjector({0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b});

constexpr auto kManifest = R"(apiVersion: sextant.dev/v1alpha1
kind: SRv6Node
metadata: {name: self}
spec:
  locator: fcbb::/64
  addresses: ["fd00::a", 10.0.0.1]
  podPrefixes: [{prefix: 172.16.0.0/26}, {prefix: "fd20::/64"}]
)";
constexpr auto kSettings = R"(asn: 64512
peers:
- address: fd00::b
  mode: Passive
  families: [ipv6-unicast, ipv6-srpolicy]
)";

/// sextantd with the injector's address in its own namespace; gone with this object.
class Headend {
 public:
  Headend() : space_("burst") {
    space_.sysctl({"net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"});
    space_.ip(
        "link add ul type veth peer name far\naddress add fd00::a/64 dev ul nodad\n"
        "address add fd00::b/64 dev ul nodad\naddress add 10.0.0.1/24 dev ul\n"
        "link set ul up\nlink set far up\nroute add default via fd00::c\n");
    const auto manifests = directory_.path() / "manifests";
    std::filesystem::create_directory(manifests);
    must(testbed::write_file(manifests / "self.yaml", kManifest));
    must(testbed::write_file(directory_.path() / "bgp.yaml", kSettings));
    const auto program = must(testbed::find_program({}, "sextantd"));
    process_.emplace(space_,
                     std::vector<std::string>{program.string(), "--node", "self", "--manifests",
                                              manifests.string(), "--socket", socket(), "--bgp",
                                              (directory_.path() / "bgp.yaml").string()},
                     directory_.path() / "log");
  }

  [[nodiscard]] const Space& space() const { return space_; }

  [[nodiscard]] double processor_seconds() const {
    return bench::processor_seconds(process_->pid());
  }
  /// Of its log, the end: for messages.
  [[nodiscard]] std::string log_end() const {
    constexpr std::size_t kShown = 3000;
    const auto log = testbed::read_file(directory_.path() / "log").value_or("");
    return "\nits log:\n" + log.substr(log.size() - std::min(kShown, log.size()));
  }

  /// Serves the injector until the agent has applied what `so` asks of its status.
  void await(WirePeer& injector, const std::function<bool(const boost::json::value&)>& so) const {
    std::string last = "no answer";
    for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
      check_interruption();
      process_->check();
      if (const auto reply = agent::http_get(socket(), "/v1/status", kPatience)) {
        last = reply->body;
        const auto status = boost::json::parse(last);
        if (!status.at("lastApply").is_null() && so(status)) return;
      }
      const auto again = Clock::now() + kLookAgain;
      do {
        serve_once({&injector}, 5);
      } while (Clock::now() < again);
    }
    throw std::runtime_error("sextantd does not come to what it was told: " + last);
  }

 private:
  [[nodiscard]] std::string socket() const { return directory_.path() / "socket"; }
  Space space_;
  ScratchDirectory directory_;
  std::optional<Child> process_;
};

std::size_t count_of(const boost::json::value& status, const char* what) {
  return status.at("counts").at(what).to_number<std::size_t>();
}

/// A group of nexthops replaced: a policy's path.
bool is_group(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWNEXTHOP) return false;
  const auto* header = static_cast<const nhmsg*>(NLMSG_DATA(&message));
  auto* attribute = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(header) +
                                                    NLMSG_ALIGN(sizeof *header));
  auto left = static_cast<int>(message.nlmsg_len - NLMSG_LENGTH(sizeof *header));
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if ((attribute->rta_type & NLA_TYPE_MASK) == NHA_GROUP) return true;
  }
  return false;
}

void expect_paths(const Headend& headend, std::uint8_t generation) {
  const auto lists = segment_lists(headend.space().name());
  for (std::size_t endpoint = 0; endpoint < kEndpoints; ++endpoint) {
    for (std::size_t color = 0; color < kColors; ++color) {
      const auto prefix = steered_prefix(endpoint, color);
      const auto found = lists.find(prefix);
      if (found == lists.end() || found->second.size() != 3 ||
          found->second.front() != first_segment(generation)) {
        throw std::runtime_error(prefix.to_string() + " does not take its policy's path");
      }
    }
  }
}

BurstCosts measure_burst_at(const Headend& headend) {
  constexpr std::uint8_t kBefore = 1, kAfter = 2;
  const auto prefixes = steered_prefixes();
  const auto before = steering_policies(kHeadend, kBefore),
             after = steering_policies(kHeadend, kAfter);
  WirePeer injector = must(headend.space().netns().run(
      [] { return WirePeer(kInjector, kNode, 2, bgp::kSrPolicyIpv6, {bgp::kIpv6Unicast}); }));
  injector.send(prefixes);
  headend.await(injector,
                [](const auto& status) { return count_of(status, "routes") >= kHeadendPolicies; });
  injector.send(before);
  headend.await(injector, [](const auto& status) {
    return count_of(status, "policies") >= kHeadendPolicies && status.at("healthy").as_bool();
  });
  expect_paths(headend, kBefore);

  KernelEvents events(headend.space().name());
  const auto worked = headend.processor_seconds();
  injector.send(after);
  const auto begun = Clock::now();
  while (injector.sending()) serve_once({&injector}, 1);
  const auto ended = events.await(is_group, kHeadendPolicies, kPatience);
  const auto processor = 1e3 * (headend.processor_seconds() - worked);
  expect_paths(headend, kAfter);
  return {.programmed = std::chrono::duration<double, std::milli>(ended - begun).count(),
          .processor = processor};
}

}  // namespace

BurstCosts measure_burst() {
  const Headend headend;
  try {
    return measure_burst_at(headend);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(error.what() + headend.log_end());
  }
}

}  // namespace sextant::bench
