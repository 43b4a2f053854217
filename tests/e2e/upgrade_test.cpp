// Another build of the agent takes over under traffic, and gives way again: no packet is lost.
#include <gmock/gmock.h>

#include <fstream>

#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/netns.h"
#include "dataplane/linux/tc_program.h"
#include "e2e/shared_lab.h"

namespace sextant::e2e {
namespace {

constexpr std::uint32_t kPacketsPerSecond = 10'000;
constexpr std::uint64_t kWhile = 1000;  // packets that a step must let pass

class Upgrade : public NodeFault {
 protected:
  /// The program at sextant0, by the hash of its instructions, and its maps.
  static dataplane::BpfProgram attached(const std::string& node) {
    const auto netns = netlink::Netns::open(lab().netns(node));
    if (!netns) return {};
    return netns
        ->run([]() -> Result<dataplane::BpfProgram> {
          auto socket = netlink::Socket::make();
          if (!socket) return tl::unexpected(socket.error());
          const auto link = netlink::get_link(*socket, "sextant0");
          if (!link) return tl::unexpected(link.error());
          const auto program = dataplane::find_tc_program(link->index, dataplane::TcHook::kEgress);
          if (!program) return tl::unexpected(program.error());
          return dataplane::describe_program(program->get());
        })
        .value_or(dataplane::BpfProgram{});
  }
  /// The node's agent ends by that signal, and `program` starts.
  static void exchange(const std::string& node, int signal, const std::filesystem::path& program,
                       const Streams& streams) {
    const auto before = lab().log(node).size();
    const auto ended = lab().end_agent(node, signal);
    ASSERT_TRUE(ended) << ended.error().message();
    ASSERT_TRUE(streams.go_on(kWhile)) << "without an agent";
    const auto started = lab().start_agent(node, {.program = program});
    ASSERT_TRUE(started) << started.error().message();
    const auto log = lab().await_log(node, before, "(start): ");
    ASSERT_NE(log.find("(start): "), std::string::npos) << log;
    ASSERT_TRUE(streams.go_on(kWhile)) << "with the new agent";
  }
};

TEST_F(Upgrade, AnotherBuildAdoptsWhatTheFirstLeftUnderTraffic) {
  // The same build at another place: an upgrade without a change of the data plane.
  const auto copy = lab().id().directory() / "copy" / "sextantd";
  std::filesystem::create_directories(copy.parent_path());
  std::filesystem::copy_file(programs() / "sextantd", copy,
                             std::filesystem::copy_options::overwrite_existing);
  auto streams = Streams::start(lab(), kPacketsPerSecond);
  ASSERT_TRUE(streams) << streams.error().message();
  ASSERT_TRUE(streams->go_on(100));
  for (const std::string node : {"master", "worker2"}) {  // what encapsulates, what decapsulates
    SCOPED_TRACE(node);
    for (const int signal : {SIGTERM, SIGKILL}) {
      SCOPED_TRACE(signal == SIGTERM ? "SIGTERM" : "SIGKILL");
      const auto first = attached(node);
      ASSERT_THAT(first.map_ids, testing::Not(testing::IsEmpty()));
      ASSERT_NO_FATAL_FAILURE(exchange(node, signal, copy, *streams));
      EXPECT_EQ(attached(node).tag, first.tag);
      EXPECT_EQ(attached(node).map_ids, first.map_ids);

      ASSERT_NO_FATAL_FAILURE(exchange(node, signal, other_build() / "sextantd", *streams));
      const auto other = attached(node);
      EXPECT_NE(other.tag, first.tag) << "the other build's programs are not attached";
      for (const auto& [name, id] : first.map_ids) {
        ASSERT_TRUE(other.map_ids.contains(name)) << name;
        if (name == "sx_prefixes") {
          EXPECT_NE(other.map_ids.at(name), id) << "a map of another size cannot be adopted";
        } else {
          EXPECT_EQ(other.map_ids.at(name), id) << name << " was not adopted";
        }
      }
      ASSERT_NO_FATAL_FAILURE(exchange(node, signal, programs() / "sextantd", *streams));
      EXPECT_EQ(attached(node).tag, first.tag);
    }
  }
  streams->expect_lossless();
}

TEST_F(Upgrade, ADowngradeThatFindsBadManifestsKeepsForwardingUntilTheyAreMended) {
  // A directory of master's own: agents that run go on with what they have.
  const auto manifests = lab().id().directory() / "downgraded";
  std::filesystem::copy(lab().id().manifests(), manifests);
  std::filesystem::rename(manifests / "nodes.yaml", manifests / "nodes.kept");  // the node itself
  std::ofstream(manifests / "broken.yaml") << "kind: [";
  auto streams = Streams::start(lab(), kPacketsPerSecond);
  ASSERT_TRUE(streams) << streams.error().message();
  ASSERT_TRUE(streams->go_on(100));

  const auto before = lab().log("master").size();
  const auto ended = lab().end_agent("master", SIGTERM);
  ASSERT_TRUE(ended) << ended.error().message();
  const auto started =
      lab().start_agent("master", {.program = other_build() / "sextantd", .manifests = manifests});
  ASSERT_TRUE(started) << started.error().message();
  const auto log = lab().await_log("master", before, "keeps forwarding");
  EXPECT_THAT(log, testing::HasSubstr("broken.yaml")) << "the object is not named";
  EXPECT_THAT(log, testing::HasSubstr("master")) << "the node is not named";
  EXPECT_TRUE(streams->go_on(kWhile)) << "with the agent that reads nothing useful";

  std::filesystem::rename(manifests / "nodes.kept", manifests / "nodes.yaml");
  std::filesystem::remove(manifests / "broken.yaml");
  const auto mended = lab().await_log("master", before, "(start): ");
  EXPECT_THAT(mended, testing::HasSubstr("(start): ")) << "it did not go on";
  EXPECT_TRUE(streams->go_on(kWhile));
  ASSERT_NO_FATAL_FAILURE(exchange("master", SIGTERM, programs() / "sextantd", *streams));
  streams->expect_lossless();
}

}  // namespace
}  // namespace sextant::e2e
