#include "cli/tables.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace sextant::cli {
namespace {

namespace json = boost::json;

TEST(Tables, PoliciesShowEveryCandidatePathAndWhyItIsNotUsed) {
  const auto answer = json::parse(R"({"items": [{"color": 4, "endpoint": "fd12::1000",
    "node": "worker2", "family": "IPv4", "bindingSID": null, "fallback": "Plain",
    "steeredPrefixes": ["172.16.2.0/26", "192.168.12.254/32"],
    "candidatePaths": [
      {"object": "SRv6Policy/gold", "name": "north", "preference": 100, "active": true,
       "invalidReason": "", "segmentLists": [
         {"segments": ["fcff:6::1", "fcdd::1"], "weight": 3}, {"segments": ["fcdd::1"], "weight": 1}]},
      {"object": "ConfigMap/c[0]", "name": "c[0]", "preference": 50, "active": false,
       "invalidReason": "empty list", "segmentLists": []}]}]})");
  EXPECT_EQ(
      policies_table(answer),
      "COLOR  ENDPOINT    NODE     FAMILY  BSID  STEERED  PREF  CANDIDATE PATH         STATE     "
      "           SEGMENT LISTS\n"
      "4      fd12::1000  worker2  IPv4    -     2        100   SRv6Policy/gold north  active    "
      "           fcff:6::1, fcdd::1  weight 3\n"
      "                                                                                          "
      "           fcdd::1  weight 1\n"
      "                                                   50    ConfigMap/c[0]         invalid: "
      "empty list  -\n");
}

TEST(Tables, StatusShowsTheApiServerAndWhatIsFollowedThere) {
  const auto answer = json::parse(R"({"source": {"kind": "kubernetes",
    "path": "https://[fd10::1]:6443", "loaded": true, "server": {
      "url": "https://[fd10::1]:6443", "reachable": false, "since": "2026-11-23T01:02:03.000Z",
      "error": "connection refused", "ipam": "calico", "requests": 5, "kinds": [
        {"kind": "Node", "installed": true, "synced": true, "objects": 3, "lists": 1,
         "watches": 2, "error": ""},
        {"kind": "SRv6Policy", "installed": true, "synced": true, "objects": 2, "lists": 1,
         "watches": 2, "error": "refused"},
        {"kind": "IPPool", "installed": false, "synced": true, "objects": 0, "lists": 1,
         "watches": 0, "error": ""}]}}})");
  const auto status = status_table(answer);
  EXPECT_NE(status.find("NOT REACHABLE since 2026-11-23T01:02:03.000Z: connection refused; pod "
                        "prefixes by Calico; 5 requests so far\n"),
            std::string::npos)
      << status;
  EXPECT_NE(status.find("KIND        OBJECTS  STATE          LISTS  WATCHES\n"
                        "Node        3        followed       1      2\n"
                        "SRv6Policy  2        refused        1      2\n"
                        "IPPool      0        not installed  1      0\n"),
            std::string::npos)
      << status;
}

TEST(Tables, StatusOfManifestsHasNoServer) {
  const auto status = status_table(json::parse(
      R"({"source": {"kind": "manifests", "path": "/m", "loaded": false, "server": null}})"));
  EXPECT_NE(status.find("manifests /m, not read yet\n"), std::string::npos) << status;
  EXPECT_EQ(status.find("API server"), std::string::npos) << status;
}

TEST(Tables, RoutesNameTheirTargets) {
  const auto answer = json::parse(R"({"items": [
    {"prefix": "172.16.2.0/26", "scope": "All", "segmentLists": [{"segments": ["fcdd::1"], "weight": 1}],
     "target": {"type": "Path", "endpoint": "fd12::1000", "color": 100, "family": "IPv4"}},
    {"prefix": "172.16.3.0/26", "scope": "Pods", "segmentLists": [],
     "target": {"type": "Path", "endpoint": "fd13::1000", "color": null, "family": "IPv4"}},
    {"prefix": "172.16.1.0/26", "scope": "All", "segmentLists": [], "target": {"type": "Unreachable"}},
    {"prefix": "172.16.4.0/26", "scope": "All", "segmentLists": [], "target": {"type": "Drop"}},
    {"prefix": "fcdd::/64", "scope": "All", "segmentLists": [],
     "target": {"type": "Underlay", "nextHop": "fd12::1000"}}]})");
  EXPECT_EQ(routes_table(answer),
            "PREFIX         SCOPE  TARGET                   SEGMENT LISTS\n"
            "172.16.2.0/26  All    fd12::1000 color 100     fcdd::1\n"
            "172.16.3.0/26  Pods   fd13::1000 plain         -\n"
            "172.16.1.0/26  All    unreachable              -\n"
            "172.16.4.0/26  All    drop                     -\n"
            "fcdd::/64      All    underlay via fd12::1000  -\n");
}

TEST(Tables, SidsShowCountersWhereThereAreAny) {
  const auto answer = json::parse(R"({"items": [
    {"sid": "fcdd::13", "behavior": "End.DT4", "codePoint": 19, "nextHop": null,
     "segmentLists": [], "packets": 3, "bytes": 300},
    {"sid": "fcdd::5", "behavior": "End.X", "codePoint": 5, "nextHop": "fe80::1",
     "segmentLists": [], "packets": null, "bytes": null}]})");
  EXPECT_EQ(sids_table(answer),
            "SID       BEHAVIOR  CODE POINT  PACKETS  BYTES  NEXT HOP OR SEGMENT LISTS\n"
            "fcdd::13  End.DT4   19          3        300    -\n"
            "fcdd::5   End.X     5           -        -      fe80::1\n");
}

TEST(Tables, StatusPutsProblemsWhereTheyAreSeen) {
  const auto answer = json::parse(R"({"node": "worker1", "version": "0.1.0", "healthy": false,
    "reasons": ["a", "b"], "problems": [{"object": "SRv6Policy/gold", "location": "p.yaml:7",
      "severity": "Error", "reason": "spec.color: 0"}],
    "applyProblems": [{"object": "route x", "message": "add x: exists", "hint": ""}],
    "lastApply": {"time": "T", "kind": "apply", "writes": 2, "durationMicroseconds": 1540}})");
  const auto text = status_table(answer);
  for (const auto* part :
       {"NOT HEALTHY: a, b\n", "T, apply, 2 writes in 1.5 ms\n", "Problems of objects:\n",
        "SRv6Policy/gold  p.yaml:7  Error     spec.color: 0\n", "Not applied by the data plane:\n",
        "route x  add x: exists  -\n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST(Tables, SayThatThereIsNothing) {
  const auto none = json::parse(R"({"items": []})");
  EXPECT_EQ(policies_table(none), "No policies.\n");
  EXPECT_EQ(routes_table(none), "No routes.\n");
  EXPECT_EQ(sids_table(none), "No local SIDs.\n");
  EXPECT_EQ(nodes_table(none), "No nodes.\n");
}

TEST(Tables, BearAnswersOfAnotherShape) {
  for (const auto* odd : {"null", "[]", "{}", "{\"items\": 3}", "{\"items\": [null, 1, {}]}"}) {
    const auto answer = json::parse(odd);
    for (const auto table : {status_table, sids_table, policies_table, routes_table, nodes_table})
      EXPECT_FALSE(table(answer).empty()) << odd;
  }
}

}  // namespace
}  // namespace sextant::cli
