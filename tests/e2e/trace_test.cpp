// `sextant trace` on the testbed: its hops are those that the packets of the pods take, by policy,
// in both directions, and it shows how far they come where a router drops them.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <thread>

#include "e2e/shared_lab.h"
#include "testbed/files.h"
#include "testbed/manifests.h"
#include "testbed/process.h"
#include "testbed/sniffer.h"

namespace sextant::e2e {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using Names = std::vector<std::string>;

struct Traced {
  int status = 0;
  json::value report;
  std::string err;

  [[nodiscard]] const json::value& direction(std::size_t at) const {
    return report.at("directions").as_array().at(at);
  }
  [[nodiscard]] const json::value& list(std::size_t direction_at, std::size_t at = 0) const {
    return direction(direction_at).at("segmentLists").as_array().at(at);
  }
};

/// Routers that answered, "*" for silent ones, and the node that decapsulated.
Names path_of_list(const json::value& list) {
  Names names;
  for (const auto& hop : list.at("hops").as_array())
    names.emplace_back(hop.at("address").is_null() ? "*" : std::string(hop.at("node").as_string()));
  if (!list.at("decapsulated").is_null())
    names.emplace_back(list.at("decapsulated").at("node").as_string());
  return names;
}

Names owners(const json::array& segments) {
  Names names;
  for (const auto& segment : segments) names.emplace_back(segment.at("owner").as_string());
  return names;
}

/// Who did the segments, in the order of the path.
Names segments_done(const json::value& list) {
  Names names;
  for (const auto& hop : list.at("hops").as_array()) {
    if (hop.at("address").is_null()) continue;
    for (const auto& segment : hop.at("segmentsDone").as_array()) {
      EXPECT_EQ(segment.at("owner"), hop.at("node")) << "a segment is done where it belongs";
      names.emplace_back(segment.at("owner").as_string());
    }
  }
  return names;
}

class TraceTest : public SharedLab, public ::testing::WithParamInterface<Family> {
 protected:
  void SetUp() override {
    SharedLab::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    follow(kNorth);
    source_ = lab().pod_address("master", GetParam())->to_string();
    destination_ = lab().pod_address("worker2", GetParam())->to_string();
  }
  void TearDown() override {
    if (!source_.empty()) follow(kNorth);
  }
  /// Until master's agent has made it so.
  static void follow(const Path& path) {
    ASSERT_TRUE(lab().take(path));
    await_policy(fmt::format("\"{}\"", fmt::join(path.segments, "\",\"")));
  }
  static void await_policy(const std::string& text, bool present = true) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    std::string last;
    do {
      last = lab().ask("master", "/v1/policies").value_or("");
      if ((last.find(text) != std::string::npos) == present) return;
      std::this_thread::sleep_for(5ms);  // the API has no way to wait for a change
    } while (std::chrono::steady_clock::now() < deadline);
    FAIL() << text << (present ? " is not" : " is still") << " in " << last;
  }
  /// On a node, as an operator there would.
  static Traced trace_on(const std::string& node, Names arguments) {
    Names all{(programs() / "sextant").string(),
              "trace",
              "--socket",
              lab().id().socket(node),
              "-o",
              "json",
              "--timeout",
              "0.2"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run(all, lab().netns(node));
  }
  static Traced run(const Names& arguments, const std::string& netns) {
    const auto output = testbed::run({.arguments = arguments, .netns = netns}, 60s);
    if (!output) throw std::runtime_error(output.error().message());
    Traced traced{.status = output->status, .report = nullptr, .err = output->err};
    if (!output->out.empty()) traced.report = json::parse(output->out);
    return traced;
  }
  /// The routers that an echo of the pods crosses, there and back, as sniffers in them see it, and
  /// the flow label with which it goes there.
  struct Sniffed {
    Names there, back;
    std::uint32_t flow_label = 0;
  };
  Sniffed sniffed() const {
    const auto source = *IpAddress::parse(source_), destination = *IpAddress::parse(destination_);
    std::vector<testbed::Sniffer> sniffers;
    for (const auto& router : testbed::topology(testbed::Kind::kFull).routers) {
      sniffers.push_back(
          testbed::Sniffer::start(
              {.netns = lab().netns(router.name),
               .outgoing = false,
               .filter =
                   [source, destination](const testbed::CapturedPacket& packet) {
                     const auto& inner = packet.inner;
                     return (inner.source == source && inner.destination == destination) ||
                            (inner.source == destination && inner.destination == source);
                   }})
              .value());
    }
    const auto pinged =
        testbed::run({.arguments = {"ping", "-n", "-c", "1", "-W", "5", destination_},
                      .netns = lab().netns(testbed::Id::pod("master", 1))},
                     10s);
    EXPECT_EQ(pinged->status, 0) << pinged->out << pinged->err;
    std::vector<testbed::CapturedPacket> there, back;
    for (auto& sniffer : sniffers) {
      sniffer.stop();
      for (auto& packet : sniffer.packets())
        (packet.inner.source == source ? there : back).push_back(std::move(packet));
    }
    const auto machines = [](const std::vector<testbed::CapturedPacket>& packets) {
      Names names;
      for (const auto& netns : testbed::path_of(packets))
        names.push_back(netns.substr(lab().netns("").size()));
      return names;
    };
    const auto label = there.empty() || !there[0].outer ? 0 : there[0].outer->flow_label;
    return {machines(there), machines(back), label};
  }

  std::string source_, destination_;
};
INSTANTIATE_TEST_SUITE_P(Families, TraceTest, ::testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& row) { return std::string(to_string(row.param)); });

TEST_P(TraceTest, ShowsTheRoutersThatThePacketsCrossInBothDirections) {
  auto [there, back, label] = sniffed();
  there.emplace_back("worker2");
  back.emplace_back("master");
  const auto traced = trace_on("master", {source_, destination_});
  ASSERT_EQ(traced.status, 0) << traced.err << json::serialize(traced.report);
  const auto& forward = traced.direction(0);
  EXPECT_EQ(forward.at("method"), "Probed");
  EXPECT_EQ(path_of_list(traced.list(0)), there);
  EXPECT_EQ(segments_done(traced.list(0)), (Names{"r6", "r8"}));
  EXPECT_EQ(owners(traced.list(0).at("segments").as_array()), (Names{"r6", "r8", "worker2"}));
  EXPECT_EQ(traced.list(0).at("delivered").at("address"), destination_.c_str());
  EXPECT_EQ(traced.list(0).at("use"), "Seen");
  EXPECT_EQ(forward.at("policy").at("color"), GetParam() == Family::kIpv4 ? 4 : 6);
  EXPECT_THAT(std::string(forward.at("policy").at("candidatePath").at("object").as_string()),
              HasSubstr("ConfigMap/srv6-config-master["));
  EXPECT_EQ(traced.direction(1).at("method"), "ProbedThroughEndSID");
  EXPECT_EQ(path_of_list(traced.list(1)), back);
  EXPECT_EQ(traced.list(1).at("use"), "Seen");

  // From each end by itself: the same.
  const auto lab_wide = run({(programs() / "sextant").string(), "testbed", "full", "trace",
                             "--name", lab().id().name(), "-o", "json", source_, destination_},
                            "");
  ASSERT_EQ(lab_wide.status, 0) << lab_wide.err;
  EXPECT_EQ(lab_wide.direction(1).at("method"), "Probed");
  EXPECT_EQ(path_of_list(lab_wide.list(0)), there);
  EXPECT_EQ(path_of_list(lab_wide.list(1)), back);
  const auto from_there = trace_on("worker2", {destination_, source_});
  EXPECT_EQ(path_of_list(from_there.list(0)), back);
  EXPECT_EQ(path_of_list(from_there.list(1)), there);
}

TEST_P(TraceTest, TakesTheSameOfTwoEqualWaysAsThePacketsOfTheFlow) {
  // Without a policy r3 has two shortest ways to worker2 and chooses by the flow label.
  const auto& full = testbed::topology(testbed::Kind::kFull);
  std::vector<testbed::PolicyRow> rows = full.policies;
  std::erase_if(
      rows, [](const auto& row) { return row.headend == "master" && row.endpoint == "worker2"; });
  ASSERT_TRUE(testbed::write_file(lab().id().config_map("master"),
                                  testbed::config_map(full, *full.node("master"), rows)));
  await_policy("fd12::1000", false);
  auto [there, back, label] = sniffed();
  there.emplace_back("worker2");
  // The pod's socket has put a label of its own on IPv6 packets.
  const auto traced = trace_on(
      "master", {"--one-way", "--flow-label", std::to_string(label), source_, destination_});
  EXPECT_EQ(path_of_list(traced.list(0)), there);
  EXPECT_TRUE(traced.direction(0).at("policy").is_null());
  EXPECT_EQ(traced.list(0).at("encapsulation"), "NoSRH");
  EXPECT_EQ(traced.list(0).at("flowLabel"), label);
}

TEST_P(TraceTest, FollowsAnEditOfThePolicy) {
  EXPECT_EQ(path_of_list(trace_on("master", {"--one-way", source_, destination_}).list(0)),
            (Names{"r3", "r4", "r6", "r8", "worker2"}));
  follow(kSouth);
  const auto traced = trace_on("master", {"--one-way", source_, destination_});
  EXPECT_EQ(path_of_list(traced.list(0)), (Names{"r3", "r2", "r7", "r8", "worker2"}));
  EXPECT_EQ(segments_done(traced.list(0)), (Names{"r2", "r7", "r8"}));
  EXPECT_EQ(traced.report.at("directions").as_array().size(), 1U);
}

TEST_P(TraceTest, TracesEveryListOfAWeightedPolicy) {
  const auto file = lab().manifest("weighted.yaml");
  ASSERT_TRUE(testbed::write_file(file, R"(apiVersion: sextant.dev/v1alpha1
kind: SRv6Policy
metadata: {name: spread}
spec:
  headend: {nodeNames: [master]}
  endpoint: {nodeName: worker2}
  color: 50
  candidatePaths:
  - preference: 300
    segmentLists:
    - {segments: [r2, r7, r8], weight: 3}
    - {segments: [r4, r6, r8], weight: 1}
)"));
  await_policy("SRv6Policy/spread");
  const auto all = trace_on("master", {"--one-way", "--all", source_, destination_});
  const auto one = trace_on("master", {"--one-way", source_, destination_});
  std::filesystem::remove(file);
  await_policy("SRv6Policy/spread", false);

  ASSERT_EQ(all.status, 0) << all.err << json::serialize(all.report);
  EXPECT_EQ(all.direction(0).at("policy").at("color"), 50);
  EXPECT_EQ(all.direction(0).at("reason"), "the highest preference of 2 valid policies");
  EXPECT_EQ(path_of_list(all.list(0, 0)), (Names{"r3", "r2", "r7", "r8", "worker2"}));
  EXPECT_EQ(path_of_list(all.list(0, 1)), (Names{"r3", "r4", "r6", "r8", "worker2"}));
  EXPECT_EQ(all.list(0, 0).at("share").to_number<double>(), 0.75);
  const Names uses{std::string(all.list(0, 0).at("use").as_string()),
                   std::string(all.list(0, 1).at("use").as_string())};
  EXPECT_THAT(uses, ::testing::UnorderedElementsAre("Seen", "OtherFlow"));

  std::size_t traced = 0;
  for (const auto& list : one.direction(0).at("segmentLists").as_array())
    traced += list.at("use").is_null() ? 0 : 1;
  EXPECT_EQ(traced, 1U) << "without --all: the list of the one flow";
}

TEST_P(TraceTest, ShowsHowFarPacketsComeWhereARouterDropsThem) {
  const auto router = lab().netns("r6");
  ASSERT_EQ(testbed::run({.arguments = {"nft",
                                        "add table ip6 t; add chain ip6 t c { type filter "
                                        "hook forward priority 0; }; "
                                        "add rule ip6 t c exthdr rt exists drop"},
                          .netns = router},
                         5s)
                ->status,
            0);
  const auto traced = trace_on("master", {source_, destination_});
  ASSERT_EQ(testbed::run({.arguments = {"nft", "delete table ip6 t"}, .netns = router}, 5s)->status,
            0);
  EXPECT_EQ(traced.status, 1);
  EXPECT_EQ(path_of_list(traced.list(0)), (Names{"r3", "r4", "r6"}));
  EXPECT_EQ(traced.list(0).at("complete"), false);
  const std::string lost(traced.list(0).at("lost").as_string());
  EXPECT_THAT(lost, HasSubstr("behind hop 3"));
  EXPECT_THAT(lost, HasSubstr("on the way to fcff:8::1 (r8)"));
  EXPECT_EQ(traced.direction(1).at("complete"), true) << "the way back avoids r6";
}

TEST_P(TraceTest, GoesOnBehindARouterThatAnswersNothing) {
  const auto router = lab().netns("r4");
  ASSERT_EQ(testbed::run({.arguments = {"nft",
                                        "add table ip6 t; add chain ip6 t c { type filter hook "
                                        "output priority 0; }; "
                                        "add rule ip6 t c icmpv6 type time-exceeded drop"},
                          .netns = router},
                         5s)
                ->status,
            0);
  const auto traced = trace_on("master", {"--one-way", source_, destination_});
  ASSERT_EQ(testbed::run({.arguments = {"nft", "delete table ip6 t"}, .netns = router}, 5s)->status,
            0);
  EXPECT_EQ(traced.status, 0);
  EXPECT_EQ(path_of_list(traced.list(0)), (Names{"r3", "*", "r6", "r8", "worker2"}));
}

TEST_P(TraceTest, SaysWhatCannotBeTraced) {
  const auto local = trace_on("master", {source_, "master"});
  EXPECT_EQ(local.status, 0) << local.err;
  EXPECT_EQ(local.direction(0).at("outcome"), "Local");

  const auto nobody = trace_on("master", {source_, "nobody"});
  EXPECT_EQ(nobody.status, 1);
  EXPECT_THAT(nobody.err, HasSubstr("neither an address nor the name of a node"));
  const auto outside =
      trace_on("master", {source_, GetParam() == Family::kIpv4 ? "192.0.2.1" : "2001:db8::1"});
  EXPECT_THAT(outside.err, HasSubstr("it is not in the overlay"));
  const auto elsewhere = trace_on("master", {"worker1", "worker2"});
  EXPECT_THAT(elsewhere.err, HasSubstr("run it on worker1 or on worker2"));
  // A pod that is not there: its node is.
  const auto gone = trace_on(
      "master",
      {"--one-way", source_, GetParam() == Family::kIpv4 ? "172.16.0.189" : "fdfb:af47:32af::bd"});
  EXPECT_EQ(gone.status, 1);
  EXPECT_THAT(std::string(gone.list(0).at("lost").as_string()),
              HasSubstr("worker2 decapsulates, but"));
}

}  // namespace
}  // namespace sextant::e2e
