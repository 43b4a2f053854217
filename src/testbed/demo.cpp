#include "testbed/demo.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "testbed/demo_traffic.h"
#include "testbed/files.h"
#include "testbed/interruption.h"
#include "testbed/manifests.h"
#include "testbed/paths.h"
#include "testbed/picture.h"
#include "testbed/testbed.h"

namespace sextant::testbed {
namespace {

using Clock = std::chrono::steady_clock;
using Path = DemoTraffic::Path;

constexpr const char* kHeadend = "master";
constexpr const char* kEndpoint = "worker2";
constexpr std::uint64_t kPacketsToSee = 500;  // a flow, before and after the edit

/// The other way round the ring than the testbed's policy.
const std::vector<std::string>& new_segments() {
  static const std::vector<std::string> segments{"fcff:2::1", "fcff:7::1", "fcff:8::1"};
  return segments;
}

class Demo {
 public:
  Demo(const Id& id, const DemoOptions& options)
      : id_(id), options_(options), lab_(topology(id.kind())), policies_(lab_.policies) {}

  Result<void> run();
  /// Captures and streams hold the namespaces: they end first.
  Result<void> take_down();

 private:
  using Step = Result<void> (Demo::*)();

  template <typename... Args>
  void say(fmt::format_string<Args...> format, Args&&... args) const {
    options_.print(fmt::format(format, std::forward<Args>(args)...));
  }
  Progress progress() const;
  Result<void> fail(std::string object, std::string cause, std::string hint = {}) const {
    return failure(step_, std::move(object), std::move(cause), std::move(hint));
  }
  void title(std::string text);

  Result<void> bring_up();
  Result<void> send();
  Result<void> look_before();
  Result<void> edit();
  Result<void> look_after();
  Result<void> count_losses();
  Result<void> draw_picture();

  /// The one path that all packets of both flows sent in the time took, if it is what the segments
  /// ask for; the packets are added to `packets`.
  Result<Path> common_path(DemoTraffic::Time from, DemoTraffic::Time to,
                           const std::vector<std::string>& segments, std::size_t& packets);
  std::vector<std::string> segments() const;
  PicturePath picture_path(const Path& routers, std::string when, std::size_t packets) const;

  const Id& id_;
  const DemoOptions& options_;
  const Topology& lab_;
  Interruption interruption_;
  std::string step_;
  int number_ = 0;
  std::vector<PolicyRow> policies_;  // as the manifests have them now
  std::vector<Pod> pods_;
  std::optional<DemoTraffic> traffic_;
  DemoTraffic::Time started_, moved_;
  Path before_, after_;
  std::size_t packets_before_ = 0, packets_after_ = 0;
};

void Demo::title(std::string text) {
  step_ = std::move(text);
  say("\n{}. {}", ++number_, step_);
}

Progress Demo::progress() const {
  const auto start = Clock::now();
  return [this, start](std::string_view text) {
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    say("   [{:4.1f} s] {}", elapsed.count(), text);
  };
}

std::vector<std::string> Demo::segments() const {
  for (const PolicyRow& policy : policies_) {
    if (policy.headend == kHeadend && policy.endpoint == kEndpoint) return policy.segments;
  }
  return {};
}

Result<void> Demo::bring_up() {
  title("Bring up the full testbed");
  say("   3 Kubernetes nodes around 8 routers that run FRR IS-IS, each in a network namespace");
  constexpr unsigned kPods = 2;
  if (auto gone = down(id_); !gone) return fail(id_.title(), gone.error().message());
  const auto report =
      up(id_, {.pods = kPods, .programs = options_.programs, .progress = progress()});
  if (!report) return fail(id_.title(), report.error().message());
  auto pods = list_pods(id_, lab_, kPods);
  if (!pods) return fail(id_.title(), pods.error().message());
  pods_ = std::move(*pods);
  return {};
}

Result<void> Demo::send() {
  title(fmt::format("Send traffic from a pod on {} to a pod on {}", kHeadend, kEndpoint));
  const auto pod = [this](const char* node) -> const Pod& {
    return *std::ranges::find(pods_, Id::pod(node, 1), &Pod::name);
  };
  started_ = std::chrono::system_clock::now();
  auto traffic = DemoTraffic::start(id_, lab_, pod(kHeadend), pod(kEndpoint));
  if (!traffic) return fail("UDP streams", traffic.error().message());
  traffic_.emplace(std::move(*traffic));
  for (const auto& flow : traffic_->flows()) {
    say("   {}: {} to {}, 1000 packets a second", to_string(flow.family), flow.source.to_string(),
        flow.destination.to_string());
  }
  if (!traffic_->await(kPacketsToSee)) return fail("UDP streams", "packets do not arrive");
  return {};
}

Result<Path> Demo::common_path(DemoTraffic::Time from, DemoTraffic::Time to,
                               const std::vector<std::string>& segments, std::size_t& packets) {
  std::optional<Path> result;
  for (const auto& flow : traffic_->flows()) {
    const std::string name{to_string(flow.family)};
    const auto paths = traffic_->paths(flow, from, to);
    for (const auto& [path, count] : paths) {
      const std::string fault =
          path_fault(lab_, *lab_.node(kHeadend), *lab_.node(kEndpoint), segments, path);
      if (!fault.empty()) {
        return failure(step_, fmt::format("{} of {} packets", count, name), fault);
      }
      packets += count;
      result = path;
      say("   {} crosses {} ({} packets captured)", name, fmt::join(path, " -> "), count);
    }
    if (paths.empty()) return failure(step_, name, "no packet was captured");
    if (const auto packet = traffic_->example(flow, result->at(1))) {
      say("      {}", to_string(*packet));
    }
  }
  if (traffic_->missed() > 0) {
    return failure(step_, "the captures", fmt::format("{} packets missed", traffic_->missed()));
  }
  return *result;
}

Result<void> Demo::look_before() {
  title("Look on the wire, in every router");
  // What was sent in the last moment may still be on its way.
  const auto now = std::chrono::system_clock::now() - std::chrono::milliseconds{100};
  auto path = common_path(started_, now, segments(), packets_before_);
  if (!path) return tl::unexpected(path.error());
  before_ = std::move(*path);
  return {};
}

Result<void> Demo::edit() {
  title(fmt::format("Edit the policy: ConfigMap srv6-config-{}", kHeadend));
  for (PolicyRow& policy : policies_) {
    if (policy.headend != kHeadend || policy.endpoint != kEndpoint) continue;
    say("   {} to {}: {} becomes {}", to_string(policy.family), kEndpoint,
        fmt::join(policy.segments, ", "), fmt::join(new_segments(), ", "));
    policy.segments = new_segments();
  }
  // The first packet of either flow in a router that was on no path before marks the change.
  std::string fresh;
  for (const std::string& segment : new_segments()) {
    const auto router = std::ranges::find(lab_.routers, segment, &Router::end_sid);
    if (router != lab_.routers.end() && std::ranges::find(before_, router->name) == before_.end()) {
      fresh = router->name;
      break;
    }
  }
  traffic_->clear();
  const auto begin = std::chrono::system_clock::now();
  const auto content = config_map(lab_, *lab_.node(kHeadend), policies_);
  if (auto written = write_file(id_.config_map(kHeadend), content); !written) {
    return fail(id_.config_map(kHeadend), written.error().message());
  }
  moved_ = begin;
  for (const auto& flow : traffic_->flows()) {
    const auto packet = traffic_->first_at(flow, fresh, std::chrono::seconds{5});
    if (!packet) {
      return fail(std::string{to_string(flow.family)},
                  fmt::format("no packet came to {} within 5 s", fresh));
    }
    const std::chrono::duration<double, std::milli> delay = packet->at - begin;
    say("   {}: first packet on the new path {:.1f} ms after the file was written",
        to_string(flow.family), delay.count());
    moved_ = std::max(moved_, packet->at);
  }
  return {};
}

Result<void> Demo::look_after() {
  title("Look on the wire again");
  if (!traffic_->await(kPacketsToSee)) return fail("UDP streams", "packets do not arrive");
  const auto now = std::chrono::system_clock::now() - std::chrono::milliseconds{100};
  auto path = common_path(moved_, now, segments(), packets_after_);
  if (!path) return tl::unexpected(path.error());
  after_ = std::move(*path);
  if (after_ == before_) return fail("the path", "it is the same as before");
  return {};
}

Result<void> Demo::count_losses() {
  title("Count what was lost meanwhile");
  for (auto& flow : traffic_->flows()) {
    const StreamReport report = flow.stream.stop();
    say("   {}: {}", to_string(flow.family), report.to_string());
    if (!report.lossless()) return fail(std::string{to_string(flow.family)}, "packets were lost");
  }
  return {};
}

PicturePath Demo::picture_path(const Path& routers, std::string when, std::size_t packets) const {
  PicturePath result{
      .machines = {Id::pod(kHeadend, 1), kHeadend},
      .title = std::move(when),
      .detail = fmt::format("IPv4 and IPv6, {} packets captured in these routers", packets)};
  result.machines.insert(result.machines.end(), routers.begin(), routers.end());
  result.machines.emplace_back(kEndpoint);
  result.machines.push_back(Id::pod(kEndpoint, 1));
  return result;
}

Result<void> Demo::draw_picture() {
  title("Draw the picture");
  const std::string svg = draw(lab_, pods_,
                               {picture_path(before_, "before the edit", packets_before_),
                                picture_path(after_, "after the edit", packets_after_)});
  const auto directory = options_.picture.parent_path();
  if (!directory.empty()) {
    if (auto made = make_directory(directory); !made) {
      return fail(directory, made.error().message());
    }
  }
  if (auto written = write_file(options_.picture, svg); !written) {
    return fail(options_.picture, written.error().message());
  }
  say("   {}", options_.picture.string());
  return {};
}

Result<void> Demo::run() {
  for (const Step step : {&Demo::bring_up, &Demo::send, &Demo::look_before, &Demo::edit,
                          &Demo::look_after, &Demo::count_losses, &Demo::draw_picture}) {
    auto done = (this->*step)();
    if (interruption_.asked()) return fail("the demonstration", "interrupted");
    if (!done) return done;
  }
  return {};
}

Result<void> Demo::take_down() {
  traffic_.reset();
  title("Take everything down");
  const auto report = down(id_, progress());
  if (!report) return fail(id_.title(), report.error().message());
  return {};
}

}  // namespace

Result<void> run_demo(const DemoOptions& options) {
  const auto id = Id::make(Kind::kFull, options.name);
  if (!id) return tl::unexpected(id.error());
  Demo demo{*id, options};
  auto done = demo.run();
  auto gone = demo.take_down();
  return done ? gone : done;
}

}  // namespace sextant::testbed
