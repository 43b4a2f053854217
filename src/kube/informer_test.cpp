#include "kube/informer.h"

#include <boost/asio/steady_timer.hpp>

#include "kube/client_fixture_test.h"

namespace sextant::kube {
namespace {

namespace json = boost::json;

struct Node {
  std::string name;
  int version;
};
Node decode_node(const json::object& object) {
  const auto& metadata = object.at("metadata");
  return {std::string(metadata.at("name").as_string()),
          std::stoi(std::string(metadata.at("resourceVersion").as_string()))};
}

/// The server's collection is what `items` and `version` say; watches stay open and silent.
class InformerTest : public WithServer {
 protected:
  InformerTest() {
    informer_options.delays = {.first = 2ms,
                               .longest = 20ms,
                               .longest_missing = 20ms,
                               .longest_asked = 200ms,
                               .lasting = 0ms};
    server.set_handler([this](const SeenRequest& request) { return usual(request); });
  }
  Reply usual(const SeenRequest& request) {
    if (request.path == "/readyz") return {.body = "ok"};
    if (request.is_watch()) return {.kind = Reply::Kind::kStream};
    return {.body = list_text(items, version)};
  }
  void follow(const Resource& resource = kNodes) {
    connect();
    informer = std::make_unique<Informer<Node>>(
        *client, resource, informer_options, decode_node,
        [this](std::span<const Change<Node>> changes) {
          std::string text;
          for (const auto& change : changes)
            text +=
                fmt::format("{}{}{}", text.empty() ? "" : " ", change.now ? "+" : "-", change.key);
          batches.push_back(text);
        });
    informer->start();
  }
  [[nodiscard]] bool until(const std::function<bool()>& done) { return run_until(io, done); }
  [[nodiscard]] bool until_watches(std::size_t count) {
    return until([&] { return server.streams().size() >= count; });
  }
  [[nodiscard]] bool until_batches(std::size_t count) {
    return until([&] { return batches.size() >= count; });
  }
  [[nodiscard]] std::size_t lists() const {
    return static_cast<std::size_t>(
        std::count_if(server.seen().begin(), server.seen().end(), [](const SeenRequest& request) {
          return !request.is_watch() && request.path != "/readyz";
        }));
  }
  [[nodiscard]] std::string watched_from(std::size_t watch) const {
    return server.streams().at(watch)->request.value("resourceVersion");
  }
  void send(const std::string& text) { server.streams().back()->send(text); }

  InformerOptions informer_options;
  std::vector<std::string> items = {object_text("a", 1), object_text("b", 2)};
  int version = 5;
  std::vector<std::string> batches;  // "+a -b"
  std::unique_ptr<Informer<Node>> informer;
};
using Texts = std::vector<std::string>;

TEST_F(InformerTest, ListsInOneBatchThenFollows) {
  follow();
  EXPECT_FALSE(informer->synced());
  ASSERT_TRUE(until_watches(1));
  EXPECT_EQ(batches, Texts{"+a +b"});
  EXPECT_TRUE(informer->synced());
  EXPECT_EQ(watched_from(0), "5");
  const auto& watch = server.streams().at(0)->request;
  EXPECT_EQ(watch.value("allowWatchBookmarks"), "true");
  EXPECT_GE(std::stoi(watch.value("timeoutSeconds")), 300);
  EXPECT_LE(std::stoi(watch.value("timeoutSeconds")), 600);

  send(event_text("ADDED", object_text("c", 6)) + event_text("MODIFIED", object_text("a", 7)) +
       event_text("DELETED", object_text("b", 8)));
  ASSERT_TRUE(until_batches(2));
  EXPECT_EQ(batches.back(), "+c +a -b");
  EXPECT_EQ(informer->find("a")->version, 7);
  EXPECT_EQ(informer->find("b"), nullptr);
  EXPECT_EQ(informer->objects().size(), 2U);
}

TEST_F(InformerTest, SaysThatItIsSyncedWhereThereIsNothing) {
  items.clear();
  follow();
  ASSERT_TRUE(until_batches(1));
  EXPECT_EQ(batches, Texts{""});
}

TEST_F(InformerTest, DeliversAnEventAtOnceHoweverItsBytesArrive) {
  follow();
  ASSERT_TRUE(until_watches(1));
  const auto event = event_text("ADDED", object_text("c", 6));
  for (const char c : event) send(std::string(1, c));
  ASSERT_TRUE(until_batches(2));
  EXPECT_EQ(batches.back(), "+c");
}

TEST_F(InformerTest, ReadsPages) {
  informer_options.page = 2;
  server.set_handler([this](const SeenRequest& request) -> Reply {
    if (request.is_watch()) return usual(request);
    EXPECT_EQ(request.value("limit"), "2");
    EXPECT_FALSE(request.query.contains("resourceVersion"));  // a consistent read
    const auto next = request.value("continue");
    if (next.empty())
      return {.body = list_text({object_text("a", 1), object_text("b", 2)}, 9, "p2=")};
    EXPECT_EQ(next, "p2=");
    return {.body = list_text({object_text("c", 3)}, 9)};
  });
  follow();
  ASSERT_TRUE(until_watches(1));
  EXPECT_EQ(batches, Texts{"+a +b +c"});
  EXPECT_EQ(watched_from(0), "9");
}

TEST_F(InformerTest, BeginsAgainWhereAPageHasExpiredAndEndsUpWithoutPages) {
  server.set_handler([this](const SeenRequest& request) -> Reply {
    if (request.is_watch()) return usual(request);
    if (!request.query.contains("limit")) return {.body = list_text({object_text("z", 3)}, 9)};
    if (request.value("continue").empty())
      return {.body = list_text({object_text("a", 1)}, 9, "next")};
    return {.status = 410, .body = status_body(410, "Expired")};
  });
  follow();
  ASSERT_TRUE(until_watches(1));
  EXPECT_EQ(batches, Texts{"+z"});  // and not the first page of what was void
  EXPECT_EQ(lists(), 7U);
}

TEST_F(InformerTest, ResumesAfterTheLastEventOrBookmark) {
  follow();
  ASSERT_TRUE(until_watches(1));
  send(event_text("ADDED", object_text("c", 6)));
  ASSERT_TRUE(until_batches(2));
  server.streams().back()->reset();
  ASSERT_TRUE(until_watches(2));
  EXPECT_EQ(watched_from(1), "6");
  send(event_text("BOOKMARK", object_text("", 40)));
  ASSERT_TRUE(until([&] { return informer->health().bookmarks == 1; }));
  server.streams().back()->end();
  ASSERT_TRUE(until_watches(3));
  EXPECT_EQ(watched_from(2), "40");
  EXPECT_EQ(lists(), 1U);
  EXPECT_EQ(batches.size(), 2U);
}

/// What happened meanwhile, and nothing else, is told.
TEST_F(InformerTest, ListsAgainWhereTheHistoryIsGone) {
  for (const bool as_event : {true, false}) {
    batches.clear();
    items = {object_text("a", 1), object_text("b", 2), object_text("c", 3)};
    bool gone = false;
    server.set_handler([&](const SeenRequest& request) -> Reply {
      if (request.is_watch() && gone && request.value("resourceVersion") == "5")
        return {.status = 410, .body = status_body(410, "Expired")};
      return usual(request);
    });
    version = 5;
    const auto before = server.streams().size();
    follow();
    ASSERT_TRUE(until_watches(before + 1));
    items = {object_text("a", 1), object_text("c", 7), object_text("d", 8)};
    version = 9;
    gone = true;
    if (as_event)
      send(event_text("ERROR", status_body(410, "Expired")));
    else
      server.streams().back()->reset();
    ASSERT_TRUE(until_watches(before + 2));
    EXPECT_EQ(batches, (Texts{"+a +b +c", "-b +c +d"}));
    EXPECT_EQ(watched_from(before + 1), "9");
    informer.reset();
  }
}

TEST_F(InformerTest, ListsAgainAfterNonsense) {
  options.object_bytes = 4096;
  const Texts nonsense = {"{\"type\":\"ADDED\",\"object\":{\n",
                          "null\n",
                          R"({"type":"ADDED","object":7})"
                          "\n",
                          R"({"type":"ADDED","object":{"metadata":{"name":"x"}}})"
                          "\n",
                          event_text("EXPLODED", object_text("x", 6)),
                          event_text("ERROR", status_body(500, "InternalError")),
                          "{\"type\":\"" + std::string(5000, 'x')};
  follow();
  for (std::size_t i = 0; i < nonsense.size(); ++i) {
    SCOPED_TRACE(nonsense[i].substr(0, 60));
    ASSERT_TRUE(until_watches(i + 1));
    send(nonsense[i]);
    ASSERT_TRUE(until_watches(i + 2));
    EXPECT_EQ(lists(), i + 2);
  }
  EXPECT_EQ(batches, Texts{"+a +b"});  // the lists said the same each time
}

TEST_F(InformerTest, TakesAnObjectOfAnyNodeButNotOneThatIsTooLarge) {
  options.object_bytes = 1000;
  items.push_back(object_text("c", 3, fmt::format(R"("x":"{}")", std::string(2000, 'x'))));
  follow();
  ASSERT_TRUE(until([&] { return informer->health().last_error.has_value(); }));
  EXPECT_FALSE(informer->synced());
  EXPECT_NE(informer->health().last_error->error.cause.find("larger than 1000 bytes"),
            std::string::npos);
}

TEST_F(InformerTest, LeavesAsItWasWhatItCannotDecode) {
  follow();
  ASSERT_TRUE(until_watches(1));
  send(event_text("MODIFIED", R"({"metadata":{"name":"a","resourceVersion":"odd"}})") +
       event_text("ADDED", object_text("c", 7)));
  ASSERT_TRUE(until_batches(2));
  EXPECT_EQ(batches.back(), "+c");
  EXPECT_EQ(informer->find("a")->version, 1);
  EXPECT_EQ(informer->health().undecodable, 1U);
}

TEST_F(InformerTest, KeepsWhatItKnowsDuringAnOutageAndCatchesUp) {
  follow();
  ASSERT_TRUE(until_watches(1));
  server.stop();
  ASSERT_TRUE(until([&] { return informer->health().watches >= 4; }));
  EXPECT_TRUE(informer->health().last_error);
  EXPECT_TRUE(informer->synced());
  EXPECT_EQ(informer->objects().size(), 2U);
  server.resume();
  ASSERT_TRUE(until_watches(2));
  ASSERT_TRUE(until([&] { return informer->health().watching; }));
  EXPECT_FALSE(informer->health().last_error);
  EXPECT_EQ(watched_from(1), "5");
  EXPECT_EQ(batches.size(), 1U);
}

TEST_F(InformerTest, WaitsAsLongAsTheServerWishes) {
  informer_options.delays.longest_asked = 60s;
  std::vector<std::chrono::steady_clock::time_point> at;
  server.set_handler([&](const SeenRequest& request) -> Reply {
    at.push_back(std::chrono::steady_clock::now());
    if (at.size() == 1)
      return {.status = 429,
              .body = status_body(429, "TooManyRequests"),
              .headers = "Retry-After: 1\r\n"};
    return usual(request);
  });
  follow();
  ASSERT_TRUE(until_batches(1));
  EXPECT_GE(at.at(1) - at.at(0), 1s);
  EXPECT_LE(at.at(1) - at.at(0), 5s);
}

TEST_F(InformerTest, TakesAResourceThatIsNotInstalledForEmptyUntilItIs) {
  bool installed = false;
  server.set_handler([&](const SeenRequest& request) -> Reply {
    if (!installed && request.path != "/readyz")
      return {.status = 404, .body = "404 page not found"};
    return usual(request);
  });
  follow(kPolicies);
  ASSERT_TRUE(until_batches(1));
  EXPECT_EQ(batches, Texts{""});
  EXPECT_TRUE(informer->synced());
  EXPECT_TRUE(informer->health().missing);
  EXPECT_FALSE(informer->health().last_error);
  installed = true;
  ASSERT_TRUE(until_batches(2));
  EXPECT_EQ(batches.back(), "+a +b");
  EXPECT_FALSE(informer->health().missing);
}

/// A server that starts answers 404 for CRDs that it has not read yet.
TEST_F(InformerTest, DoesNotBelieveA404OfAServerThatIsNotReady) {
  enum { kUp, kStarting, kReady } stage = kUp;
  int refusals = 0;
  server.set_handler([&](const SeenRequest& request) -> Reply {
    if (request.path == "/readyz")
      return stage == kReady ? Reply{.body = "ok"} : Reply{.status = 500, .body = "not yet"};
    if (stage == kStarting) {
      ++refusals;
      return {.status = 404, .body = "404 page not found"};
    }
    return usual(request);
  });
  follow(kPolicies);
  ASSERT_TRUE(until_watches(1));
  stage = kStarting;
  server.streams().back()->reset();
  ASSERT_TRUE(until([&] { return refusals >= 4; }));
  EXPECT_EQ(batches.size(), 1U);
  EXPECT_EQ(informer->objects().size(), 2U);
  stage = kReady;
  ASSERT_TRUE(until_watches(2));
  EXPECT_EQ(batches.size(), 1U);
}

/// The server said that it was ready, but that was before it ended and began anew.
TEST_F(InformerTest, AsksAgainWhetherTheServerIsReadyWhereItFailedSince) {
  enum { kUp, kWithout, kEnding, kStarting } stage = kUp;
  int refusals = 0;
  server.set_handler([&](const SeenRequest& request) -> Reply {
    if (stage == kUp) return usual(request);
    if (request.path == "/readyz") {
      if (stage == kStarting) return {.status = 500, .body = "not yet"};
      stage = kEnding;
      return {.body = "ok"};
    }
    if (stage == kEnding) {
      stage = kStarting;
      return {.status = 503, .body = "ending"};
    }
    if (stage == kStarting) ++refusals;
    return {.status = 404, .body = "404 page not found"};
  });
  follow(kPolicies);
  ASSERT_TRUE(until_watches(1));
  stage = kWithout;
  server.streams().back()->reset();
  ASSERT_TRUE(until([&] { return refusals >= 4; }));
  EXPECT_EQ(batches.size(), 1U);
  EXPECT_EQ(informer->objects().size(), 2U);
  stage = kUp;
  ASSERT_TRUE(until_watches(2));
  EXPECT_EQ(batches.size(), 1U);
}

TEST_F(InformerTest, NoticesThatBookmarksStoppedComing) {
  informer_options.bookmark_age = 50ms;
  follow();
  ASSERT_TRUE(until_watches(1));
  send(event_text("BOOKMARK", object_text("", 6)));
  ASSERT_TRUE(until_watches(2));
  EXPECT_EQ(watched_from(1), "6");
  // The next one hangs from its beginning.
  ASSERT_TRUE(until_watches(3));
  EXPECT_EQ(watched_from(2), "6");
}

TEST_F(InformerTest, LeavesTurnsToOthersInAFloodOfEvents) {
  follow();
  ASSERT_TRUE(until_watches(1));
  std::string flood;
  for (int i = 0; i < 20000; ++i)
    flood += event_text("MODIFIED", object_text(fmt::format("n{}", i % 100), 10 + i));
  send(flood);
  int turns = 0;
  boost::asio::steady_timer timer(io);
  std::function<void()> tick = [&] {
    timer.expires_after(1ms);
    timer.async_wait([&](const boost::system::error_code& error) {
      if (error) return;
      ++turns;
      tick();
    });
  };
  ASSERT_TRUE(until_batches(2));
  tick();
  ASSERT_TRUE(until([&] { return informer->health().events == 20000; }));
  EXPECT_GT(turns, 10);
  EXPECT_GT(batches.size(), 20U);
}

/// A bug of who hears it: nothing of what it was told is taken for known.
TEST_F(InformerTest, TellsAllAgainWhereTheOneWhoHearsItFails) {
  connect();
  std::size_t failures = 0;
  informer = std::make_unique<Informer<Node>>(
      *client, kNodes, informer_options, decode_node, [&](std::span<const Change<Node>> changes) {
        std::string text;
        for (const auto& change : changes)
          text +=
              fmt::format("{}{}{}", text.empty() ? "" : " ", change.now ? "+" : "-", change.key);
        batches.push_back(text);
        if (batches.size() != 1 && batches.size() != 3) return;
        ++failures;
        throw std::runtime_error("odd");
      });
  informer->start();
  ASSERT_TRUE(until_batches(2));
  EXPECT_EQ(batches, (Texts{"+a +b", "+a +b"}));
  ASSERT_TRUE(until_watches(1));
  items = {object_text("a", 1)};
  send(event_text("DELETED", object_text("b", 6)));
  ASSERT_TRUE(until_batches(4));
  EXPECT_EQ(batches[2], "-b");
  EXPECT_EQ(batches[3], "-b +a");
  EXPECT_EQ(failures, 2U);
  EXPECT_EQ(informer->objects().size(), 1U);
}

TEST_F(InformerTest, DoesWithoutWhatItMayNotReadWhereThatIsOptional) {
  bool allowed = false;
  server.set_handler([&](const SeenRequest& request) -> Reply {
    if (!allowed) return {.status = 403, .body = status_body(403, "Forbidden")};
    return usual(request);
  });
  follow();
  ASSERT_TRUE(until([&] { return informer->health().last_error.has_value(); }));
  EXPECT_FALSE(informer->synced()) << "it is not optional";
  batches.clear();
  informer_options.optional = true;
  informer_options.delays.longest_missing = 1h;
  informer_options.delays.first = 1h;
  follow();
  ASSERT_TRUE(until_batches(1));
  EXPECT_EQ(batches, Texts{""});
  EXPECT_TRUE(informer->synced());
  EXPECT_TRUE(informer->health().refused);
  EXPECT_TRUE(informer->health().missing);
  allowed = true;
  informer->ask_now();
  ASSERT_TRUE(until_batches(2));
  EXPECT_EQ(batches.back(), "+a +b");
  EXPECT_FALSE(informer->health().refused);
  ASSERT_TRUE(until_watches(1));
  allowed = false;  // what is known is not given up for that
  send(event_text("ERROR", status_body(410, "Expired")));
  ASSERT_TRUE(until([&] { return informer->health().last_error.has_value(); }));
  EXPECT_EQ(informer->objects().size(), 2U);
}

TEST_F(InformerTest, ReadsFromTheServersCacheNotOlderThanItWasTold) {
  int asked = 0;
  informer_options.not_older_than = [&]() -> Task<Answer<std::string>> {
    if (++asked == 1) co_return tl::unexpected(ApiError{.error = {.cause = "not now"}});
    co_return "3";
  };
  follow();
  ASSERT_TRUE(until_watches(1));
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(lists(), 1U);
  EXPECT_EQ(server.seen().front().value("resourceVersion"), "3");
  EXPECT_EQ(server.seen().front().value("limit"), "") << "pages come from the store";
  EXPECT_EQ(batches, Texts{"+a +b"});

  send(event_text("MODIFIED", object_text("a", 7)) + event_text("ERROR", status_body(410, "Gone")));
  ASSERT_TRUE(until_watches(2));
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(lists(), 2U);
  EXPECT_EQ(server.seen()[2].value("resourceVersion"), "7") << "never back in time";
}

/// The store reads everything to leave most of it out, and has no word for that long.
TEST_F(InformerTest, LeavesOutByItselfWhatTheStoreCannot) {
  informer_options.selectors.label = "!status-only";
  items.push_back(
      R"({"metadata":{"name":"c","resourceVersion":"3","labels":{"status-only":"true"}}})");
  items.push_back(R"({"metadata":{"name":"d","resourceVersion":"4","labels":{"other":"x"}}})");
  follow();
  ASSERT_TRUE(until_watches(1));
  EXPECT_FALSE(server.seen().front().query.contains("labelSelector"));
  EXPECT_EQ(server.streams().front()->request.value("labelSelector"), "!status-only");
  EXPECT_EQ(batches, Texts{"+a +b +d"});
}

/// As after etcd was restored from a backup: its versions are older ones.
TEST_F(InformerTest, AsksTheStoreWhereTheCacheDoesNotComeToTheVersion) {
  informer_options.not_older_than = []() -> Task<Answer<std::string>> { co_return "1000"; };
  server.set_handler([&](const SeenRequest& request) -> Reply {
    if (!request.is_watch() && request.value("resourceVersion") == "1000")
      return {.status = 504, .body = status_body(504, "Timeout", "Too large resource version")};
    return usual(request);
  });
  follow();
  ASSERT_TRUE(until_watches(1));
  EXPECT_EQ(batches, Texts{"+a +b"});
  EXPECT_EQ(lists(), 2U);
  EXPECT_EQ(server.seen()[1].value("limit"), "500");
  EXPECT_FALSE(server.seen()[1].query.contains("resourceVersion"));
}

TEST_F(InformerTest, SaysNothingAfterItsEnd) {
  follow();
  ASSERT_TRUE(until_watches(1));
  send(event_text("ADDED", object_text("c", 6)));
  informer.reset();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(get());  // longer than the event takes
  EXPECT_EQ(batches, Texts{"+a +b"});
}

}  // namespace
}  // namespace sextant::kube
