#include "cli/bgp_tables.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace sextant::cli {
namespace {

TEST(BgpTables, ShowTheSpeakerAndWhyAPeerIsDown) {
  const auto answer = boost::json::parse(R"({
    "asn": 64512, "identifier": "10.0.0.1", "listening": ["[::]:179"], "converged": false,
    "items": [
      {"address": "fd12::1000", "asn": 64512, "state": "Established", "upForSeconds": 125,
       "convention": "Standard", "description": "worker2", "lastError": "",
       "families": [{"family": "ipv6-unicast", "negotiated": true, "received": 2, "stale": false},
                    {"family": "ipv6-srpolicy", "negotiated": false, "received": 0, "stale": false}]},
      {"address": "fd00::9", "asn": 64512, "state": "Active", "upForSeconds": null,
       "convention": "CalicoVPP", "description": "", "lastError": "connection refused",
       "families": [{"family": "ipv6-unicast", "negotiated": false, "received": 3, "stale": true}]}]})");
  EXPECT_EQ(
      bgp_peers_table(answer),
      "AS 64512, identifier 10.0.0.1, listening on [::]:179, waiting for its peers' routes\n"
      "PEER        AS     STATE        SINCE  ROUTES                CONVENTION  DESCRIPTION  "
      "LAST ERROR\n"
      "fd12::1000  64512  Established  2m05s  ipv6-unicast 2        Standard    worker2      -\n"
      "fd00::9     64512  Active       -      ipv6-unicast 3 stale  CalicoVPP   -            "
      "connection refused\n");
}

TEST(BgpTables, ShowWhatARouteBrings) {
  const auto answer = boost::json::parse(R"({"items": [
    {"family": "ipv4-unicast", "route": "172.16.0.128/26", "peer": "fd12::1000", "best": true,
     "stale": false, "nextHop": "fd12::1000", "localPreference": 100, "asPath": "", "color": 94,
     "serviceSID": {"sid": "fcdd:0:0:12aa:13::", "behavior": "End.DT4"}, "policy": null, "unusable": null},
    {"family": "ipv6-srpolicy", "route": "4:94:fd12::1000", "peer": null, "best": false, "stale": true,
     "nextHop": "fd12::1000", "localPreference": 100, "asPath": "65001", "color": null, "serviceSID": null,
     "policy": {"segmentLists": [{"segments": ["fcff:6::1", "fcff:8::1"], "weight": 3},
                                 {"segments": ["fcff:7::1"], "weight": 1}]}, "unusable": null},
    {"family": "ipv6-srpolicy", "route": "1:5:fd12::1000", "peer": "fd00::9", "best": true, "stale": false,
     "nextHop": "fd00::9", "localPreference": 100, "asPath": "", "color": null, "serviceSID": null,
     "policy": {"segmentLists": []}, "unusable": "it has no segment list"}]})");
  EXPECT_EQ(
      bgp_routes_table(answer),
      "    FAMILY         ROUTE            NEXT HOP    PEER        PREF  AS PATH  CONTENT\n"
      "*   ipv4-unicast   172.16.0.128/26  fd12::1000  fd12::1000  100   -        End.DT4 "
      "fcdd:0:0:12aa:13::, color 94\n"
      " s  ipv6-srpolicy  4:94:fd12::1000  fd12::1000  this node   100   65001    fcff:6::1, "
      "fcff:8::1 (3); fcff:7::1 (1)\n"
      "*   ipv6-srpolicy  1:5:fd12::1000   fd00::9     fd00::9     100   -        not used: it has "
      "no segment list\n");
}

TEST(BgpTables, ShowWhatHeadendsSayOfPaths) {
  const auto answer = boost::json::parse(R"({"items": [
    {"family": "link-state", "route": "fd10::1 (10.0.0.1): path 4", "peer": null, "best": true, "stale": false,
     "nextHop": "fd10::1", "localPreference": 100, "asPath": "",
     "pathState": {"evaluated": true, "valid": false, "active": false, "reason": "too deep"}},
    {"family": "link-state", "route": "fd11::1 (10.0.0.2): path 4", "peer": "fd11::1", "best": true, "stale": false,
     "nextHop": "fd11::1", "localPreference": 100, "asPath": "",
     "pathState": {"evaluated": true, "valid": true, "active": true, "reason": ""}}]})");
  EXPECT_EQ(
      bgp_routes_table(answer),
      "   FAMILY      ROUTE                       NEXT HOP  PEER       PREF  AS PATH  CONTENT\n"
      "*  link-state  fd10::1 (10.0.0.1): path 4  fd10::1   this node  100   -        not valid: "
      "too deep\n"
      "*  link-state  fd11::1 (10.0.0.2): path 4  fd11::1   fd11::1    100   -        active\n");
}

TEST(BgpTables, SayThatThereIsNothing) {
  const auto none = boost::json::parse(R"({"items": []})");
  EXPECT_NE(bgp_peers_table(none).find("without --bgp"), std::string::npos);
  EXPECT_EQ(bgp_routes_table(none), "No routes.\n");
  EXPECT_EQ(bgp_rejected_table(none), "No rejected routes.\n");
}

}  // namespace
}  // namespace sextant::cli
