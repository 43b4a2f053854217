#include <gmock/gmock.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "cli/trace_run.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

TEST(TraceTable, ShowsEachDirectionWithItsReasonsListsAndHops) {
  const auto report = json::parse(R"({"node": "master",
    "source": {"address": "10.1.0.7", "node": "master", "pod": true},
    "destination": {"address": "10.2.0.1", "node": "worker2", "pod": false},
    "protocol": "UDP", "sourcePort": 50000, "destinationPort": 53,
    "directions": [{"headend": "master", "from": "10.1.0.7", "to": "10.2.0.1", "outcome": "Path",
      "reason": "the only policy for IPv4 towards it", "endpoint": "fd12::1000",
      "policy": {"color": 4, "bindingSID": "cafe::26", "candidatePath": {"object": "SRv6Policy/gold",
        "name": "north", "preference": 100, "reason": "the only candidate path"}},
      "method": "Probed", "note": null, "complete": true, "segmentLists": [
      {"segments": [{"sid": "fcff:6::1", "owner": "r6", "behavior": "End"},
                    {"sid": "fcdd::13", "owner": "worker2", "behavior": "End.DT4"}],
       "weight": 3, "share": 0.75, "use": "Seen", "encapsulation": "H.Encaps", "flowLabel": 255,
       "hops": [{"hop": 1, "address": null},
                {"hop": 2, "address": "fd00::6", "node": "r6", "milliseconds": 0.5,
                 "segmentsDone": [{"sid": "fcff:6::1", "owner": "r6", "behavior": "End"}],
                 "towards": "fcdd::13", "segmentsLeft": 0, "error": null}],
       "decapsulated": {"address": "10.2.0.1", "node": "worker2", "milliseconds": 0.25},
       "delivered": {"address": "10.2.0.1", "node": "worker2", "milliseconds": 1.125},
       "complete": true, "lost": null},
      {"segments": [{"sid": "fcdd::13", "owner": null, "behavior": null}], "weight": 1,
       "share": 0.25, "use": null}]}]})");
  EXPECT_EQ(
      trace_table(report),
      "10.1.0.7 (pod on master) to 10.2.0.1 (node worker2), UDP port 50000 to 53\n"
      "\n"
      "master: 10.1.0.7 to 10.2.0.1\n"
      "  Policy:          color 4, endpoint fd12::1000, binding SID cafe::26: the only policy "
      "for IPv4 towards it\n"
      "  Candidate path:  SRv6Policy/gold north, preference 100: the only candidate path\n"
      "  List 1 of 2:     fcff:6::1 (r6 End), fcdd::13 (worker2 End.DT4)  weight 3, 75 %\n"
      "  Taken by:        this flow, H.Encaps, flow label 0x000ff\n"
      "  HOP  NODE         ADDRESS   TIME     SEGMENTS DONE               TOWARDS   LEFT\n"
      "  1    *\n"
      "  2    r6           fd00::6   0.50 ms  fcff:6::1 (r6 End)          fcdd::13  0\n"
      "  3    worker2      10.2.0.1  0.25 ms  fcdd::13 (worker2 End.DT4)  10.2.0.1  -\n"
      "  4    destination  10.2.0.1  1.12 ms  -                           -         -\n"
      "  List 2 of 2:     fcdd::13  weight 1, 25 %\n"
      "                   not traced: this flow does not take it; --all traces every list\n");
}

TEST(TraceTable, SaysWhatWasNotProbedAndWhy) {
  const auto direction = [](const char* fields) {
    return trace_table(json::parse(std::string(R"({"directions": [{"headend": "b", "from": "x",
      "to": "y", "segmentLists": [], )") +
                                   fields + "}]}"));
  };
  EXPECT_THAT(direction(R"("outcome": "Local", "reason": "both are on node b")"),
              HasSubstr("Outcome:         Local: both are on node b\n"));
  EXPECT_THAT(direction(R"("outcome": "NoRoute", "reason": "far away")"),
              HasSubstr("no overlay route: far away\n"));
  EXPECT_THAT(direction(R"("outcome": "Path", "reason": "no policy", "policy": null,
                           "method": "Computed")"),
              HasSubstr("Policy:          none, the plain path: no policy\n"
                        "  Probed:          computed, not probed"));
  EXPECT_THAT(direction(R"("outcome": "Path", "reason": "r", "policy": null,
                           "method": "ProbedThroughEndSID", "note": "odd")"),
              HasSubstr("through b's End SID"));
}

TEST(TraceTable, BearsReportsOfAnotherShape) {
  for (const char* odd :
       {"null", "[]", "{}", R"({"directions": 3})", R"({"directions": [null, 1]})",
        R"({"directions": [{"segmentLists": [1, {"hops": [2, {}]}]}]})"})
    EXPECT_FALSE(trace_table(json::parse(odd)).empty()) << odd;
}

}  // namespace
}  // namespace sextant::cli
