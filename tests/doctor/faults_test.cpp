// One fault at a time, made on the wire of the full testbed; the doctor on `master` must name it,
// and must not name what is well.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>

#include "dataplane/linux/netlink/netns.h"
#include "doctor/agent_facts.h"
#include "doctor/doctor.h"
#include "testbed/process.h"
#include "testbed/testbed.h"

namespace sextant {
namespace {

using doctor::Verdict;
using testbed::Id;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Doctor : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (::geteuid() != 0 || ::access("/usr/lib/frr/isisd", X_OK) != 0) return;
    id_ = std::make_unique<Id>(
        Id::make(testbed::Kind::kFull, "dr" + std::to_string(::getpid())).value());
    const auto up = testbed::up(*id_, {.pods = 1, .programs = SEXTANT_PROGRAMS});
    if (!up) failure_ = up.error().message();
  }
  static void TearDownTestSuite() {
    if (id_) (void)testbed::down(*id_);
    id_.reset();
  }
  void SetUp() override {
    if (!id_) GTEST_SKIP() << "needs root, to make network namespaces, and FRR";
    ASSERT_EQ(failure_, "");
  }
  // Undone in the opposite order, also where a test failed.
  void TearDown() override {
    for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) run(undo->first, undo->second);
  }

  static void run(const std::string& machine, const std::string& command) {
    const auto done =
        testbed::run({.arguments = {"/bin/sh", "-c", command}, .netns = id_->netns(machine)},
                     std::chrono::seconds(10));
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(done->status, 0) << machine << ": " << command << ": " << done->err;
  }
  /// The program on one of the nodes.
  static testbed::Output sextant(const std::string& node, std::vector<std::string> words) {
    words.insert(words.begin(), std::string(SEXTANT_PROGRAMS) + "/sextant");
    auto done = testbed::run({.arguments = std::move(words), .netns = id_->netns(node)},
                             std::chrono::seconds(30));
    return done ? *done : testbed::Output{.status = -1, .err = done.error().message()};
  }
  /// A fault, and what takes it back.
  void fault(const std::string& machine, const std::string& make, const std::string& undo) {
    run(machine, make);
    undo_.emplace_back(machine, undo);
  }
  /// An nft rule in the way of packets that a router forwards, or that a machine otherwise has.
  void filter(const std::string& machine, const std::string& hook, const std::string& rule) {
    const auto table = "doctor" + std::to_string(undo_.size());
    fault(machine,
          "nft 'add table ip6 " + table + "; add chain ip6 " + table + " c { type filter hook " +
              hook + " priority 0; }; add rule ip6 " + table + " c " + rule + "'",
          "nft delete table ip6 " + table);
  }

  /// What is not well, as "VERDICT CHECK OBJECT: FOUND".
  static std::vector<std::string> problems(const std::vector<std::string>& peers = {}) {
    doctor::Options options{.peers = peers};
    options.places = {.socket = id_->socket("master")};
    const auto begin = std::chrono::steady_clock::now();
    const auto findings = netlink::Netns::open(id_->netns("master")).value().run([&] {
      return doctor::examine(options);
    });
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    std::vector<std::string> found;
    if (!findings) {
      ADD_FAILURE() << findings.error().message();
      return found;
    }
    EXPECT_GT(findings->size(), 8U);
    for (const auto& finding : *findings) {
      if (finding.verdict == Verdict::kOk) continue;
      EXPECT_FALSE(finding.why.empty()) << finding.check;
      EXPECT_FALSE(finding.mend.empty()) << finding.check;
      found.push_back(std::string(to_string(finding.verdict)) + " " + finding.check + " " +
                      finding.object + ": " + finding.found);
    }
    return found;
  }

  static std::unique_ptr<Id> id_;
  static std::string failure_;
  std::vector<std::pair<std::string, std::string>> undo_;
};
std::unique_ptr<Id> Doctor::id_;
std::string Doctor::failure_;

TEST_F(Doctor, FindsNothingWhereAllIsWell) { EXPECT_THAT(problems(), IsEmpty()); }

TEST_F(Doctor, TellsThatPacketsWithAnSrhAreDropped) {
  filter("r8", "forward", "exthdr rt exists drop");
  const auto found = problems({"worker2"});
  for (const auto* family : {"IPv4", "IPv6"}) {
    EXPECT_THAT(found, ::testing::Contains(
                           HasSubstr(std::string("fail peer SRH worker2 ") + family +
                                     ": without an SRH the SID answers, behind one it does not")));
    EXPECT_THAT(found,
                ::testing::Contains(HasSubstr(std::string("fail peer way back worker2 ") + family)))
        << "worker2's policy to master has segments too";
  }
  EXPECT_THAT(found, ::testing::Not(::testing::Contains(HasSubstr("peer SID"))));
  EXPECT_THAT(problems({"worker1"}), IsEmpty()) << "the way there does not cross r8";
}

TEST_F(Doctor, TellsHowBigAPacketMayBe) {
  fault("r8", "ip link set to-worker2 mtu 1400", "ip link set to-worker2 mtu 1500");
  fault("worker2", "ip link set to-r8 mtu 1400", "ip link set to-r8 mtu 1500");
  const auto told = problems({"worker2"});
  ASSERT_THAT(told, SizeIs(2)) << "one a family";
  for (const auto& line : told)
    EXPECT_THAT(line,
                AllOf(HasSubstr("fail peer MTU worker2"), HasSubstr("answers: too big, MTU 1400")));
  filter("r8", "output", "icmpv6 type packet-too-big drop");
  const auto silent = problems({"worker2"});
  ASSERT_THAT(silent, SizeIs(2));
  for (const auto& line : silent)
    EXPECT_THAT(line, AllOf(HasSubstr("fail peer MTU worker2"), HasSubstr("no answer; 1380 do")));
}

TEST_F(Doctor, TellsADeadPeerFromAnUnroutedSid) {
  filter("r8", "forward", "oifname to-worker2 drop");
  EXPECT_THAT(problems({"worker2"}),
              ::testing::Contains(AllOf(HasSubstr("fail peer SID worker2 IPv6: neither"),
                                        HasSubstr("nor the node's address fd12::1000 answers"))));
  run("r8", undo_.back().second);
  undo_.pop_back();

  const std::string locator = "fcdd:0:0:12aa::/64";
  fault("r3", "ip -6 route add unreachable " + locator + " metric 1",
        "ip -6 route del unreachable " + locator + " metric 1");
  EXPECT_THAT(problems({"worker2"}),
              ::testing::Contains(AllOf(HasSubstr("fail peer SID worker2 IPv4"),
                                        HasSubstr("answers: destination unreachable"))));
  run("r3", undo_.back().second);
  undo_.pop_back();

  fault("master", "ip -6 route add unreachable " + locator + " metric 1",
        "ip -6 route del unreachable " + locator + " metric 1");
  EXPECT_THAT(
      problems({"worker2"}),
      ::testing::Contains(AllOf(HasSubstr("fail peer SID worker2 IPv6"), HasSubstr(": no route"))));
}

TEST_F(Doctor, TellsWhichSegmentOfAPolicyIsBroken) {
  filter("r6", "prerouting", "ip6 daddr fcff:6::1 exthdr rt exists drop");
  const auto found = problems({"worker2"});
  ASSERT_THAT(found, SizeIs(2)) << "one a family; the plain path is well";
  for (const auto& line : found)
    EXPECT_THAT(line,
                AllOf(HasSubstr("fail policy"), HasSubstr("lost from segment 1 on, fcff:6::1")));
}

TEST_F(Doctor, FindsWhatIsWrongOnTheNodeItself) {
  const auto agent = doctor::ask_agent(id_->socket("master").string());
  ASSERT_TRUE(agent.reachable()) << agent.unreachable;
  ASSERT_FALSE(agent.peers.empty());
  const auto pod = agent.peers.front().pod_prefixes.front().at(5).value().to_string();
  fault("master", "ip route add " + pod + " dev lo", "ip route del " + pod + " dev lo");
  fault("master",
        "nft 'add table inet shut; add chain inet shut c { type filter hook forward priority 0; "
        "policy drop; }'",
        "nft delete table inet shut");
  fault("master", "sysctl -qw net.ipv4.conf.sextant0.rp_filter=1",
        "sysctl -qw net.ipv4.conf.sextant0.rp_filter=2");
  const auto found = problems({"worker1"});
  EXPECT_THAT(found, ::testing::Contains(HasSubstr("fail routes " + pod)));
  EXPECT_THAT(found, ::testing::Contains(HasSubstr("fail firewall inet shut c: policy drop")));
  EXPECT_THAT(found,
              ::testing::Contains(HasSubstr("fail sysctl net.ipv4.conf.sextant0.rp_filter: 1")));
  EXPECT_THAT(found, SizeIs(3));
}

TEST_F(Doctor, ExitsByWhatItFound) {
  const auto socket = id_->socket("master").string();
  const auto well = sextant("master", {"doctor", "-q", "--socket", socket});
  EXPECT_EQ(well.status, 0) << well.out << well.err;
  EXPECT_THAT(well.out, HasSubstr("0 warnings, 0 failed"));
  const auto unknown =
      sextant("master", {"doctor", "--socket", socket, "--peer", "nobody", "-o", "json"});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.out, HasSubstr("\"found\": \"there is no such node with pods\""));
  const auto alone = sextant("master", {"doctor", "--socket", "/nonexistent", "-o", "yaml"});
  EXPECT_EQ(alone.status, 1);
  EXPECT_THAT(alone.out, HasSubstr("it is not running"));
}

// The last one: worker2 is no node any more afterwards.
TEST_F(Doctor, SeesANodeGoByUninstall) {
  const auto socket = id_->socket("worker2").string();
  const auto dry = sextant("worker2", {"uninstall", "--dry-run", "--socket", socket});
  EXPECT_EQ(dry.status, 0) << dry.err;
  EXPECT_THAT(dry.out, AllOf(HasSubstr("gateway namespace  " + id_->netns("worker2") + "-gw"),
                             HasSubstr("would refuse: sextantd: it is running, process"),
                             HasSubstr("pods' devices (sxp")));
  const auto refused = sextant("worker2", {"uninstall", "--socket", socket});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("sextantd: it is running, process"));
  EXPECT_THAT(problems({"worker2"}), IsEmpty()) << "a refusal touches nothing";

  const auto forced = sextant("worker2", {"uninstall", "--force", "--socket", socket});
  EXPECT_EQ(forced.status, 0) << forced.out << forced.err;
  EXPECT_THAT(forced.out, HasSubstr("Nothing of Sextant is on this node any more."));
  EXPECT_EQ(sextant("worker2", {"uninstall", "--socket", socket}).status, 0) << "once more";
  EXPECT_THAT(problems({"worker2"}),
              ::testing::Contains(AllOf(HasSubstr("fail peer SID worker2 IPv6"),
                                        HasSubstr("the node's address answers"))));
}

}  // namespace
}  // namespace sextant
