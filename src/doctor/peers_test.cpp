// What probes' answers mean.
#include "doctor/peers.h"

#include <gtest/gtest.h>

namespace sextant::doctor {
namespace {

srv6::Sid sid(const char* text) { return srv6::Sid::parse(text).value(); }
Ipv6Address v6(const char* text) { return Ipv6Address::parse(text).value(); }

Outcome answered() {
  return {.sent_at_all = true, .answered = true, .after = std::chrono::microseconds(1500)};
}
Outcome silent() { return {.sent_at_all = true}; }
Outcome error(std::uint8_t type, std::uint8_t code = 0, std::uint32_t mtu = 0) {
  return {.sent_at_all = true,
          .error = Outcome::Error{.from = v6("fcff:8::1"), .type = type, .code = code, .mtu = mtu}};
}

PeerFacts good_peer() {
  return {.name = "worker2",
          .family = Family::kIpv6,
          .address = v6("fd12::1000"),
          .sid = sid("fcdd:0:0:12aa:12::"),
          .underlay = answered(),
          .plain = answered(),
          .overlay = answered(),
          .srh_done = answered(),
          .srh_end = answered(),
          .full = {.size = 1396, .outcome = answered()},
          .full_srh = {.size = 1500, .outcome = answered()}};
}

/// "CHECK: FOUND" of what is not ok.
std::vector<std::string> problems(const Findings& findings) {
  std::vector<std::string> found;
  for (const auto& finding : findings) {
    if (finding.verdict == Verdict::kOk) continue;
    EXPECT_FALSE(finding.why.empty());
    EXPECT_FALSE(finding.mend.empty());
    found.push_back(finding.check + ": " + finding.found);
  }
  return found;
}
using Problems = std::vector<std::string>;

TEST(CheckPeer, AllAnsweredIsWell) {
  EXPECT_EQ(problems(check_peer(good_peer())), Problems{});
  auto quiet = good_peer();
  quiet.underlay = silent();
  EXPECT_EQ(problems(check_peer(quiet)), Problems{})
      << "its SID answers: a filter of echo requests";
}

TEST(CheckPeer, NodesWithoutOverlayAddressesAnswerPlainly) {
  auto under_calico = good_peer();
  under_calico.overlay = {};
  const auto findings = check_peer(under_calico);
  EXPECT_EQ(problems(findings), Problems{});
  EXPECT_NE(findings.front().found.find("answers, 1.5 ms; past the overlay"), std::string::npos);
  under_calico.plain = silent();
  EXPECT_EQ(problems(check_peer(under_calico)),
            Problems{"peer SID: fcdd:0:0:12aa:12::: no answer; the node's address answers"});
  under_calico.unasked = true;
  const auto unasked = check_peer(under_calico);
  EXPECT_EQ(problems(unasked), Problems{});
  EXPECT_NE(unasked.front().found.find("not probed"), std::string::npos);
}

TEST(CheckPeer, TellsWhatIsDownApart) {
  auto peer = good_peer();
  peer.plain = peer.overlay = silent();
  EXPECT_EQ(problems(check_peer(peer)),
            Problems{"peer SID: fcdd:0:0:12aa:12::: no answer; the node's address answers"});
  peer.plain = error(1);
  EXPECT_EQ(problems(check_peer(peer)),
            Problems{"peer SID: fcdd:0:0:12aa:12::: fcff:8::1 answers: destination unreachable"});
  peer.plain = silent();
  peer.underlay = silent();
  EXPECT_EQ(
      problems(check_peer(peer)),
      Problems{"peer SID: neither fcdd:0:0:12aa:12:: nor the node's address fd12::1000 answers "
               "(no answer)"});
  peer.unroutable = "no route";
  EXPECT_EQ(problems(check_peer(peer)), Problems{"peer SID: fcdd:0:0:12aa:12::: no route"});
  peer.sid.reset();
  EXPECT_EQ(problems(check_peer(peer)),
            Problems{"peer SID: no SID is known that delivers packets of this family"});
}

TEST(CheckPeer, TellsTheWayBackFromTheWayThere) {
  auto peer = good_peer();
  peer.overlay = silent();
  EXPECT_EQ(problems(check_peer(peer)),
            Problems{"peer way back: fcdd:0:0:12aa:12:: is reached, but its answer through the "
                     "overlay does not come: no answer"});
  peer = good_peer();
  peer.plain = silent();
  EXPECT_EQ(problems(check_peer(peer)), Problems{})
      << "only the probe's plain way back is filtered";
}

TEST(CheckPeer, TellsADroppedSrhFromAnEndSidThatFails) {
  auto peer = good_peer();
  peer.srh_done = peer.srh_end = peer.full_srh.outcome = silent();
  EXPECT_EQ(
      problems(check_peer(peer)),
      Problems{"peer SRH: without an SRH the SID answers, behind one it does not: no answer"});
  peer.srh_done = error(4);
  EXPECT_EQ(problems(check_peer(peer)),
            Problems{"peer SRH: without an SRH the SID answers, behind one it does not: fcff:8::1 "
                     "answers: parameter problem, it rejects the header"});
  peer.srh_done = answered();
  EXPECT_EQ(problems(check_peer(peer)),
            Problems{"peer SRH: its End SID does not forward: no answer"});
}

TEST(CheckPeer, TellsWhatSizePasses) {
  auto peer = good_peer();
  peer.full_srh.outcome = error(2, 0, 1400);
  const auto findings = check_peer(peer);
  EXPECT_EQ(problems(findings),
            Problems{"peer MTU: 1500 bytes behind the longest segment list do not pass: fcff:8::1 "
                     "answers: too big, MTU 1400"});
  EXPECT_NE(findings.back().mend.find("lower the uplinks' MTU on the nodes to 1400"),
            std::string::npos);
  peer.full_srh.outcome = silent();
  peer.ladder = {{1280, answered()}, {1380, answered()}, {1420, silent()}};
  EXPECT_EQ(problems(check_peer(peer)),
            Problems{"peer MTU: 1500 bytes behind the longest segment list do not pass: no answer; "
                     "1380 do"});
  peer.full.outcome = silent();
  peer.full.outcome.refused = "Message too long";
  EXPECT_EQ(problems(check_peer(peer)),
            Problems{"peer MTU: 1396 bytes do not pass: this node does not send it: Message too "
                     "long; 1380 do"});
}

TEST(CheckList, SaysFromWhichSegmentOnItIsLost) {
  ListFacts facts{.list = {.policy = "SRv6Policy/gold",
                           .node = "worker2",
                           .family = Family::kIpv4,
                           .segments = {sid("fcff:6::1"), sid("fcff:8::1"), sid("fcdd::13")}},
                  .whole = answered(),
                  .service_sid_works = true};
  EXPECT_EQ(problems(check_list(facts)), Problems{});
  facts.whole = silent();
  facts.beginnings = {answered(), error(1)};
  EXPECT_EQ(problems(check_list(facts)),
            Problems{"policy: fcff:6::1, fcff:8::1, fcdd::13: lost from segment 2 on, fcff:8::1: "
                     "fcff:8::1 answers: destination unreachable"});
  facts.beginnings = {answered(), answered()};
  EXPECT_EQ(problems(check_list(facts)),
            Problems{"policy: fcff:6::1, fcff:8::1, fcdd::13: no answer"});
  facts.service_sid_works = false;
  EXPECT_EQ(problems(check_list(facts)),
            Problems{"policy: fcff:6::1, fcff:8::1, fcdd::13: not probed"});
  facts.first_unroutable = "no route";
  EXPECT_EQ(problems(check_list(facts)), Problems{"policy: first segment fcff:6::1: no route"});
}

TEST(CheckSurvey, NamesWhatWasLeftOut) {
  EXPECT_EQ(problems(check_survey({.left_out = 12, .unknown = {"nobody"}})),
            (Problems{"peers: there is no such node with pods",
                      "peers: not probed: only so many fit into the time"}));
  const auto lists = check_survey({.lists_left_out = 3});
  EXPECT_EQ(problems(lists),
            Problems{"policy: segment lists not probed: only so many fit into the time"});
  EXPECT_EQ(lists.front().object, "3 more");
  EXPECT_EQ(problems(check_survey({.failed = "no CAP_NET_RAW"})),
            Problems{"peers: not probed: no CAP_NET_RAW"});
}

}  // namespace
}  // namespace sextant::doctor
