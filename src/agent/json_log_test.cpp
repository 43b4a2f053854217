#include "agent/json_log.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <sstream>
#include <vector>

#include "base/log.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;

/// Takes the place of the default logger.
class JsonLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(out_));
    logger->set_formatter(make_json_formatter("worker1"));
    spdlog::set_default_logger(std::move(logger));
  }
  void TearDown() override { spdlog::set_default_logger(before_); }
  /// The only line, as strict JSON.
  [[nodiscard]] json::object line() const {
    const auto text = out_.str();
    EXPECT_EQ(text.find('\n'), text.size() - 1) << text;
    json::error_code error;
    const auto value = json::parse(text, error);
    EXPECT_FALSE(error) << error.message() << ": " << text;
    return error ? json::object{} : value.as_object();
  }

  std::ostringstream out_;
  std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
};

TEST_F(JsonLogTest, WritesOneObjectALine) {
  log::warn("something about {}", "gold");
  const auto object = line();
  EXPECT_EQ(object.at("level"), json::value("warning"));
  EXPECT_EQ(object.at("node"), json::value("worker1"));
  EXPECT_EQ(object.at("msg"), json::value("something about gold"));
  const std::string time(object.at("time").as_string());
  EXPECT_EQ(time.size(), std::string("2026-11-23T01:02:03.456Z").size()) << time;
  EXPECT_EQ(time.back(), 'Z');
  EXPECT_EQ(object.size(), 4U);
}

TEST_F(JsonLogTest, AddsTheFieldsOfItsLineAndOfNoOther) {
  log::error({{"object", "route 10.0.1.0/24"},
              {"writes", std::size_t{3}},
              {"durationMs", 0.5},
              {"error", Error{"add route", "10.0.1.0/24", "File exists (EEXIST)",
                              "remove the other one", 17}}},
             "not applied: {}", 1);
  const auto object = line();
  EXPECT_EQ(object.at("object"), json::value("route 10.0.1.0/24"));
  EXPECT_EQ(object.at("writes"), json::value(3));
  EXPECT_EQ(object.at("durationMs"), json::value(0.5));
  EXPECT_EQ(object.at("error"), json::parse(R"json({
    "operation": "add route", "object": "10.0.1.0/24", "cause": "File exists (EEXIST)",
    "hint": "remove the other one", "errno": 17})json"));
  out_.str("");
  log::info("plain");
  EXPECT_FALSE(line().contains("error"));
}

TEST_F(JsonLogTest, StaysValidWhateverANameHolds) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {R"(quote " backslash \ slash /)", R"(quote " backslash \ slash /)"},
      {"line\nbreak\r\ttab", "line\nbreak\r\ttab"},
      {std::string("nul\0bell\a\x1b[31m", 14), std::string("nul\0bell\a\x1b[31m", 14)},
      {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
      {"latin1 \xe4", "latin1 \xef\xbf\xbd"},
      {"{} {0} %s", "{} {0} %s"},
      {"\"},{\"level\":\"forged\"", "\"},{\"level\":\"forged\""},
      {"", ""},
  };
  for (const auto& [name, shown] : rows) {
    out_.str("");
    log::warn({{"object", name}, {"error", Error{"read", name, name, name}}}, "{}", name);
    const auto object = line();
    EXPECT_EQ(object.at("msg").as_string(), shown);
    EXPECT_EQ(object.at("object").as_string(), shown);
    EXPECT_EQ(object.at("error").at("cause").as_string(), shown);
    EXPECT_EQ(object.at("level"), json::value("warning"));
  }
}

}  // namespace
}  // namespace sextant::agent
