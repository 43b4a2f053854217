// What is delivered beside the code agrees with /metrics: the reference lists exactly the metrics
// that exist, the dashboard and the alert rules use no others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "agent/example_intent.h"
#include "agent/metrics.h"
#include "dataplane/fake.h"

namespace sextant::agent {
namespace {

/// A source that has everything to tell.
SourceState at_an_api_server() {
  sources::ServerState server{.url = "https://[fd10::1]:6443", .reachable = true};
  server.kinds = {{.kind = "Node", .resource = "nodes", .synced = true, .objects = 3}};
  server.requests = {{.verb = "list", .resource = "nodes", .code = 200, .count = 1}};
  return {.kind = "kubernetes", .place = server.url, .loaded = true, .server = server};
}

namespace json = boost::json;
using Names = std::set<std::string>;

const std::filesystem::path kRoot = SEXTANT_SOURCE_DIR;

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The families of an agent that shows everything it can.
Names existing() {
  Metrics metrics(true);
  Reconciler reconciler(overlay::Settings{.node = "worker1"},
                        std::make_unique<dataplane::FakeDataplane>());
  reconciler.take(example::nodes());
  reconciler.take(example::change_of(example::gold()));
  reconciler.begin();
  std::istringstream text(metrics.text(reconciler, at_an_api_server()));
  Names names;
  for (std::string word, line; std::getline(text, line);) {
    std::istringstream words(line);
    if (words >> word && word == "#" && words >> word && word == "TYPE" && words >> word)
      names.insert(word);
  }
  return names;
}

Names matches(const std::string& text, const std::string& pattern) {
  Names names;
  const std::regex expression(pattern);
  for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end; ++match)
    names.insert((*match)[1]);
  return names;
}

/// The metrics in PromQL. A histogram's series have names of their own.
Names used(const std::string& text) {
  Names names;
  for (const auto& name : matches(text, R"(\b((?:sextant|process)_[a-z_]+)\b)"))
    names.insert(std::regex_replace(name, std::regex("_seconds_(bucket|sum|count)$"), "_seconds"));
  return names;
}

TEST(MetricsDocuments, TheReferenceListsExactlyTheMetricsThatExist) {
  Names listed;
  std::istringstream reference(contents(kRoot / "docs/metrics.md"));
  for (std::string line; std::getline(reference, line);) {
    if (!line.starts_with("| `")) continue;
    listed.merge(matches(line.substr(0, line.find('|', 1)), "`([a-z_]+)`"));
  }
  EXPECT_EQ(listed, existing());
}

TEST(MetricsDocuments, TheDashboardUsesMetricsThatExist) {
  const auto dashboard = json::parse(contents(kRoot / "deploy/monitoring/grafana-dashboard.json"));
  std::string expressions;
  std::set<std::int64_t> ids;
  for (const auto& panel : dashboard.at("panels").as_array()) {
    EXPECT_TRUE(ids.insert(panel.at("id").as_int64()).second) << "two panels with one id";
    if (panel.at("type") == json::value("row")) continue;
    EXPECT_FALSE(panel.at("targets").as_array().empty()) << panel.at("title");
    for (const auto& target : panel.at("targets").as_array())
      expressions += std::string(target.at("expr").as_string()) + "\n";
  }
  for (const auto& variable : dashboard.at("templating").at("list").as_array())
    expressions += std::string(variable.at("query").is_string()
                                   ? variable.at("query").as_string()
                                   : variable.at("query").at("query").as_string()) +
                   "\n";
  const auto names = used(expressions);
  EXPECT_GT(names.size(), 20U);
  const auto known = existing();
  for (const auto& name : names) EXPECT_TRUE(known.contains(name)) << name;
}

TEST(MetricsDocuments, TheAlertsUseMetricsThatExistAndHaveARunbook) {
  const auto alerts = contents(kRoot / "deploy/monitoring/alerts.yaml");
  const auto names = used(alerts);
  EXPECT_GT(names.size(), 10U);
  const auto known = existing();
  for (const auto& name : names) EXPECT_TRUE(known.contains(name)) << name;
  const auto tests = contents(kRoot / "tests/metrics/alerts_test.yaml");
  const auto rules = matches(alerts, "- alert: ([A-Za-z]+)");
  EXPECT_GT(rules.size(), 10U);
  for (const auto& rule : rules) {
    const auto begin = alerts.find("- alert: " + rule + "\n");
    const auto text = alerts.substr(begin, alerts.find("- alert:", begin + 1) - begin);
    EXPECT_THAT(text, ::testing::HasSubstr("runbook:")) << rule;
    EXPECT_THAT(tests, ::testing::HasSubstr("alertname=\"" + rule + "\"")) << "has no test";
  }
}

}  // namespace
}  // namespace sextant::agent
