#include "kube/event_recorder.h"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "kube/client_fixture_test.h"
#include "kube/token_bucket.h"

namespace sextant::kube {
namespace {

namespace json = boost::json;

class EventTest : public WithServer {
 protected:
  EventTest() {
    connect();
    event_options.component = "sextant-agent";
    event_options.host = "n1";
    event_options.retry = 2ms;
    node = {.api_version = "v1", .kind = "Node", .ns = {}, .name = "n1", .uid = "u1"};
  }
  void record(const std::string& message, const std::string& reason = "Tried") {
    recorder->record(node, EventType::kWarning, reason, message);
  }
  void start() { recorder = std::make_unique<EventRecorder>(*client, event_options); }
  [[nodiscard]] bool until_seen(std::size_t count) {
    return run_until(io, [&] { return server.seen().size() >= count; });
  }
  [[nodiscard]] bool until_written(std::size_t count) {
    return run_until(io, [&] { return recorder->written() >= count; });
  }

  EventOptions event_options;
  EventTarget node;
  std::unique_ptr<EventRecorder> recorder;
};

TEST_F(EventTest, WritesWhatHappenedToWhat) {
  start();
  record("no locator");
  ASSERT_TRUE(until_written(1));
  const auto& request = server.seen().at(0);
  EXPECT_EQ(request.method + " " + request.path, "POST /api/v1/namespaces/default/events");
  const auto event = json::parse(request.body);
  EXPECT_EQ(event.at("involvedObject"),
            (json::value{{"apiVersion", "v1"}, {"kind", "Node"}, {"name", "n1"}, {"uid", "u1"}}));
  EXPECT_EQ(event.at("reason").as_string(), "Tried");
  EXPECT_EQ(event.at("message").as_string(), "no locator");
  EXPECT_EQ(event.at("type").as_string(), "Warning");
  EXPECT_EQ(event.at("count").as_int64(), 1);
  EXPECT_EQ(event.at("source"), (json::value{{"component", "sextant-agent"}, {"host", "n1"}}));
}

TEST_F(EventTest, CutsLongNamesSoThatTheServerTakesThem) {
  start();
  // The longest name of an object, with what no name may end in wherever it could be cut.
  node.name = "a" + std::string(200, 'b') + ".c" + std::string(49, '-') + "d";
  ASSERT_EQ(node.name.size(), 253U);
  record("no locator");
  ASSERT_TRUE(until_written(1));
  const auto event = json::parse(server.seen().at(0).body);
  const std::string name(event.at("metadata").at("name").as_string());
  const auto dot = name.rfind('.');
  EXPECT_LE(name.size(), 253U);
  EXPECT_EQ(name.substr(0, dot), node.name.substr(0, 203));
  EXPECT_EQ(event.at("involvedObject").at("name").as_string(), node.name);
}

TEST_F(EventTest, CountsRepetitionsUp) {
  start();
  record("same");
  ASSERT_TRUE(until_written(1));
  record("same");
  record("same");
  ASSERT_TRUE(until_written(2));
  EXPECT_EQ(server.seen().at(1).method, "PATCH");
  EXPECT_EQ(json::parse(server.seen().at(1).body).at("count").as_int64(), 3);
  record("other");
  ASSERT_TRUE(until_written(3));
  EXPECT_EQ(server.seen().at(2).method, "POST");
}

TEST_F(EventTest, MakesAnEventAgainThatTheServerHasForgotten) {
  server.set_handler([](const SeenRequest& request) {
    return request.method == "PATCH" ? Reply{.status = 404, .body = status_body(404, "NotFound")}
                                     : Reply{.body = "{}"};
  });
  start();
  record("same");
  ASSERT_TRUE(until_written(1));
  record("same");
  ASSERT_TRUE(until_written(2));
  EXPECT_EQ(server.seen().at(2).method, "POST");
  EXPECT_EQ(json::parse(server.seen().at(2).body).at("count").as_int64(), 1);
}

TEST_F(EventTest, IsBoundedForEachObject) {
  event_options.object_burst = 3;
  start();
  for (int i = 0; i < 50; ++i) record(fmt::format("message {}", i));
  ASSERT_TRUE(until_written(3));
  EXPECT_EQ(recorder->dropped(), 47U);
  node.name = "n2";
  record("of another");
  ASSERT_TRUE(until_written(4));
}

TEST_F(EventTest, IsBoundedForAllObjects) {
  event_options.burst = 5;
  start();
  for (int i = 0; i < 50; ++i) {
    node.name = fmt::format("n{}", i);
    record("down");
  }
  ASSERT_TRUE(until_written(5));
  EXPECT_EQ(recorder->dropped(), 45U);
}

TEST_F(EventTest, TriesAFewTimesThenDrops) {
  server.set_handler([](const SeenRequest&) {
    return Reply{.status = 503, .body = status_body(503, "ServiceUnavailable")};
  });
  start();
  record("lost");
  ASSERT_TRUE(run_until(io, [&] { return recorder->dropped() == 1; }));
  EXPECT_EQ(server.seen().size(), 4U);
  server.set_handler(empty_list);
  record("next");
  ASSERT_TRUE(until_written(1));
}

TEST(TokenBucket, GivesABurstThenOneInAnInterval) {
  const TokenBucket::Clock::time_point start{};
  TokenBucket bucket({2, 10s}, start);
  EXPECT_TRUE(bucket.take(start));
  EXPECT_TRUE(bucket.take(start));
  EXPECT_FALSE(bucket.take(start + 9s));
  EXPECT_TRUE(bucket.take(start + 10s));
  EXPECT_FALSE(bucket.take(start + 19s));
  EXPECT_FALSE(bucket.is_full(start + 20s));
  EXPECT_TRUE(bucket.is_full(start + 1h));
  EXPECT_TRUE(bucket.take(start + 1h));
  EXPECT_TRUE(bucket.take(start + 1h));
  EXPECT_FALSE(bucket.take(start + 1h));  // no more than the burst is saved up
}

}  // namespace
}  // namespace sextant::kube
