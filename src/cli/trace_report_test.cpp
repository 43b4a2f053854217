// A walk as it is reported: which hop did which segment, and where packets vanish.
#include "cli/trace_report.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "trace/wire.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;
namespace wire = trace::wire;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
Ipv6Address ip6(const char* text) { return Ipv6Address::parse(text).value(); }
srv6::Sid sid(const char* text) { return srv6::Sid::parse(text).value(); }

class TraceReportTest : public ::testing::Test {
 protected:
  TraceReportTest() {
    walk_.outer.visits = {sid("fcff:6::1"), sid("fcff:8::1"), sid("fcdd:0:0:12aa:13::")};
  }
  void hop(const char* from, const char* towards, std::uint8_t left,
           std::uint8_t type = wire::kTimeExceeded6, std::uint8_t code = 0) {
    trace::Hop hop{.distance = static_cast<unsigned>(walk_.hops.size() + 1),
                   .answer = trace::Answer{.from = ip(from),
                                           .after = std::chrono::microseconds(1500),
                                           .type = type,
                                           .code = code},
                   .towards = ip6(towards),
                   .segments_left = left,
                   .refused = type != wire::kTimeExceeded6};
    walk_.hops.push_back(hop);
  }
  void silent() {
    walk_.hops.push_back({.distance = static_cast<unsigned>(walk_.hops.size() + 1)});
  }
  json::object report(bool back = false) {
    json::object list;
    add_walk(list, walk_,
             {.names = names_,
              .headend = "worker2",
              .endpoint = "master",
              .destination = ip("172.16.0.130"),
              .protocol = "ICMP",
              .back = back});
    return list;
  }
  /// "r4:-" "r6:fcff:6::1", a word a hop.
  static std::string done(const json::object& list) {
    std::string text;
    for (const auto& hop : list.at("hops").as_array()) {
      if (!text.empty()) text += ' ';
      if (hop.at("address").is_null()) {
        text += '*';
        continue;
      }
      text += hop.at("node").is_null() ? "?" : std::string(hop.at("node").as_string());
      for (const auto& segment : hop.at("segmentsDone").as_array())
        text += ":" + std::string(segment.at("sid").as_string());
    }
    return text;
  }
  static std::string lost(const json::object& list) {
    return list.at("lost").is_null() ? "" : std::string(list.at("lost").as_string());
  }

  TraceNames names_ = TraceNames::from(json::parse(R"({"items": [
    {"name": "worker2", "addresses": ["fd12::1000"], "locator": "fcdd:0:0:12aa::/64",
     "sids": {"end": "fcdd:0:0:12aa:1::", "dt4": "fcdd:0:0:12aa:13::"},
     "podPrefixes": [{"prefix": "172.16.0.128/26", "color": null}]},
    {"name": "r4", "addresses": ["fd00::4"], "sids": {"end": "fcff:4::1"}},
    {"name": "r6", "addresses": ["fd00::6"], "sids": {"end": "fcff:6::1"}},
    {"name": "r8", "addresses": [], "sids": {"end": "fcff:8::1"}}]})"));
  trace::Walk walk_;
};

TEST_F(TraceReportTest, ALinuxRouterDidTheSegmentThatItsQuoteNoLongerHas) {
  hop("fd00::4", "fcff:6::1", 2);
  hop("fd00::6", "fcff:8::1", 1);
  hop("fd00::88", "fcdd:0:0:12aa:13::", 0);
  walk_.decapsulated = trace::Answer{.from = ip("172.16.0.129"), .type = wire::kTimeExceeded};
  walk_.delivered = trace::Answer{.from = ip("172.16.0.130")};
  const auto list = report();
  EXPECT_EQ(done(list), "r4 r6:fcff:6::1 r8:fcff:8::1")
      << "a router that the manifests know by its SID only is named by what it did";
  EXPECT_EQ(list.at("complete"), true);
  EXPECT_EQ(list.at("lost"), nullptr);
  EXPECT_EQ(list.at("decapsulated").at("node"), "worker2");
  EXPECT_EQ(list.at("hops").at(0).at("milliseconds").as_double(), 1.5);
}

TEST_F(TraceReportTest, ARouterThatLooksAtTheHopLimitFirstIsGivenItsSegmentToo) {
  hop("fd00::4", "fcff:6::1", 2);
  hop("fd00::6", "fcff:6::1", 2);  // RFC 8986 section 4.1: Time Exceeded before the segment ends
  hop("fd00::88", "fcff:8::1", 1);
  hop("fd00::99", "fcdd:0:0:12aa:13::", 0);
  EXPECT_EQ(done(report()), "r4 r6:fcff:6::1 ? r8:fcff:8::1");
}

TEST_F(TraceReportTest, SegmentsOfSilentHopsAreShownAtTheNextThatAnswers) {
  hop("fd00::4", "fcff:6::1", 2);
  silent();
  hop("fd00::88", "fcdd:0:0:12aa:13::", 0);
  EXPECT_EQ(done(report()), "r4 * r6:fcff:6::1:fcff:8::1");
}

TEST_F(TraceReportTest, SaysHowFarPacketsCome) {
  EXPECT_EQ(lost(report()), "no router answers: lost on the way to fcff:6::1 (r6)");
  hop("fd00::4", "fcff:6::1", 2);
  EXPECT_EQ(
      lost(report()),
      "nobody answers behind hop 1, fd00::4 (r4): lost on the way to fcff:6::1 (r6), or there");
  hop("fd00::6", "fcff:8::1", 1, wire::kUnreachable6, 0);
  EXPECT_EQ(lost(report()),
            "fd00::6 (r6) answers Destination Unreachable (no route to destination): lost on the "
            "way to fcff:8::1 (r8)");
  walk_.refusal = "send a packet to fcff:6::1: Network is unreachable (ENETUNREACH)";
  EXPECT_EQ(lost(report()),
            "the probes cannot be sent: send a packet to fcff:6::1: Network is unreachable "
            "(ENETUNREACH)");
}

TEST_F(TraceReportTest, TellsAPodThatKeepsSilentFromABrokenPath) {
  hop("fd00::4", "fcff:6::1", 2);
  walk_.decapsulated = trace::Answer{.from = ip("172.16.0.129"), .type = wire::kTimeExceeded};
  EXPECT_EQ(lost(report()),
            "worker2 decapsulates, but 172.16.0.130 does not answer ICMP: is it there, and does a "
            "network policy let it through?");
}

TEST_F(TraceReportTest, AWalkBackLeavesItsOwnHeadendOut) {
  hop("fd12::1000", "fcff:6::1", 2);  // worker2, where the walk back starts
  hop("fd00::4", "fcff:6::1", 2);     // once for each of worker2's own two steps
  hop("fd00::4", "fcff:6::1", 2);
  hop("fd00::6", "fcff:8::1", 1);
  walk_.arrived = true;
  const auto list = report(true);
  EXPECT_EQ(done(list), "r4 r6:fcff:6::1");
  EXPECT_EQ(list.at("hops").at(0).at("hop"), 1);
  EXPECT_EQ(list.at("complete"), true);
  EXPECT_EQ(list.at("decapsulated").at("node"), "master");
}

TEST_F(TraceReportTest, AWalkBackThatDoesNotStartSaysSo) {
  EXPECT_EQ(lost(report(true)),
            "the probes do not get behind worker2's End SID: is it reached, and does it forward "
            "packets from here?");
}

}  // namespace
}  // namespace sextant::cli
