#include "cli/trace_names.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace sextant::cli {
namespace {

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
srv6::Sid sid(const char* text) { return srv6::Sid::parse(text).value(); }

TraceNames names() {
  return TraceNames::from(boost::json::parse(R"({"items": [
    {"name": "worker2", "addresses": ["fd12::1000"], "locator": "fcdd:0:0:12aa::/64",
     "sids": {"end": "fcdd:0:0:12aa:1::", "dt4": "fcdd::12aa:1:2:3:4"},
     "podPrefixes": [{"prefix": "172.16.0.128/26", "color": null}]},
    {"name": "r6", "addresses": ["fcf0:0:4:6::2"], "locator": null, "sids": {"end": "fcff:6::1"},
     "podPrefixes": []}]})"));
}

TEST(TraceNames, KnowsNodesByTheirAddressesPodsAndEndSids) {
  EXPECT_EQ(names().node(ip("fd12::1000")), "worker2");
  EXPECT_EQ(names().node(ip("172.16.0.129")), "worker2");
  EXPECT_EQ(names().node(ip("fcf0:0:4:6::2")), "r6");
  EXPECT_EQ(names().node(ip("fcff:6::1")), "r6") << "a router that answers as its loopback";
  EXPECT_EQ(names().node(ip("fcff:7::1")), "");
  EXPECT_EQ(names().node(ip("172.16.1.1")), "");
}

TEST(TraceNames, KnowsWhoseASidIsAndWhatItDoes) {
  const auto dt4 = names().segment(sid("fcdd::12aa:1:2:3:4"));
  EXPECT_EQ(dt4.owner, "worker2");
  EXPECT_EQ(dt4.behavior, "End.DT4");
  const auto other = names().segment(sid("fcdd:0:0:12aa:5::"));
  EXPECT_EQ(other.owner, "worker2") << "by its locator";
  EXPECT_EQ(other.behavior, "");
  EXPECT_EQ(names().segment(sid("fcff:9::1")).owner, "");
  EXPECT_EQ(names().end_sid("worker2"), sid("fcdd:0:0:12aa:1::"));
  EXPECT_FALSE(names().end_sid("worker9"));
}

TEST(TraceNames, BearsAnswersOfAnotherShape) {
  for (const char* odd : {"null", "[]", "{}", R"({"items": 3})", R"({"items": [null, 1, {}]})",
                          R"({"items": [{"name": 1, "addresses": [1], "sids": 3}]})"})
    EXPECT_EQ(TraceNames::from(boost::json::parse(odd)).node(ip("fd12::1000")), "") << odd;
}

}  // namespace
}  // namespace sextant::cli
