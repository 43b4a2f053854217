#include "kube/client.h"

#include "kube/client_fixture_test.h"

namespace sextant::kube {
namespace {

namespace json = boost::json;
using ::testing::Test;

class ClientTest : public WithServer {};

TEST_F(ClientTest, SaysWhoItIsAndReturnsTheObject) {
  server.set_handler([](const SeenRequest&) { return Reply{.body = object_text("n1", 7)}; });
  auto with = config();
  with.token = "secret";
  connect(with);
  const auto node = get();
  ASSERT_TRUE(node) << node.error().error.message();
  EXPECT_EQ(node->at("metadata").at("resourceVersion").as_string(), "7");
  const auto& request = server.seen().at(0);
  EXPECT_EQ(request.target, "/api/v1/nodes/n1");
  EXPECT_EQ(request.headers.at("authorization"), "Bearer secret");
  EXPECT_EQ(request.headers.at("user-agent").substr(0, 8), "sextant/");
  EXPECT_EQ(request.headers.at("host"), server.url().substr(8));
}

TEST_F(ClientTest, ReusesItsConnection) {
  connect();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(get());
  EXPECT_EQ(server.connections(), 1U);
  const RequestCounts expected{{{"get", "nodes", 200}, 5}};
  EXPECT_EQ(client->counts(), expected);
}

TEST_F(ClientTest, GoesOnWhereTheServerClosedAnIdleConnection) {
  connect();
  ASSERT_TRUE(get());
  server.close_idle();
  ASSERT_TRUE(get());
  EXPECT_EQ(server.connections(), 2U);
}

TEST_F(ClientTest, SendsAReadOnceMoreWhereAKeptConnectionEndsUnanswered) {
  connect();
  ASSERT_TRUE(get());
  server.set_handler([](const SeenRequest& request) {
    return request.connection == 1 ? Reply{.kind = Reply::Kind::kClose}
                                   : Reply{.body = object_text("n1", 2)};
  });
  ASSERT_TRUE(get());
  EXPECT_EQ(server.seen().size(), 3U);
}

TEST_F(ClientTest, NeverSendsAWriteTwice) {
  connect();
  ASSERT_TRUE(get());
  server.set_handler([](const SeenRequest&) { return Reply{.kind = Reply::Kind::kClose}; });
  const ObjectRef ref{kNodes, "", "n1"};
  const auto answer = answer_of(io, [&] {
    return client->patch(ref, json::object{{"spec", json::object{}}}, "status");
  });
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().status, 0);
  EXPECT_EQ(server.seen().size(), 2U);
  EXPECT_EQ(client->counts().at({"patch", "nodes/status", 0}), 1U);
}

TEST_F(ClientTest, AppliesPatchesUpdatesAndRemovesByTheApisRules) {
  connect();
  const ObjectRef ref{kPolicies, "", "gold"};
  const ApplyOptions as{.field_manager = "sextant agent", .subresource = "status"};
  ASSERT_TRUE(answer_of(io, [&] { return client->apply(ref, json::object{{"a", 1}}, as); }));
  ASSERT_TRUE(answer_of(io, [&] { return client->update(ref, json::object{{"a", 1}}); }));
  const Preconditions only{.uid = "u", .resource_version = "5"};
  ASSERT_TRUE(answer_of(io, [&] { return client->remove(ref, only); }));
  ASSERT_TRUE(answer_of(io, [&] { return client->create(kPolicies, "", json::object{}); }));
  ASSERT_TRUE(answer_of(io, [&] { return client->get_cached(ref); }));

  const std::string path = "/apis/sextant.dev/v1alpha1/srv6policies";
  const auto& seen = server.seen();
  EXPECT_EQ(seen.at(0).method, "PATCH");
  EXPECT_EQ(seen.at(0).target, path + "/gold/status?fieldManager=sextant%20agent&force=true");
  EXPECT_EQ(seen.at(0).headers.at("content-type"), "application/apply-patch+yaml");
  EXPECT_EQ(seen.at(0).body, R"({"a":1})");
  EXPECT_EQ(seen.at(1).method + " " + seen.at(1).target, "PUT " + path + "/gold");
  EXPECT_EQ(seen.at(2).method, "DELETE");
  EXPECT_EQ(json::parse(seen.at(2).body).at("preconditions"),
            (json::value{{"uid", "u"}, {"resourceVersion", "5"}}));
  EXPECT_EQ(seen.at(3).method + " " + seen.at(3).target, "POST " + path);
  EXPECT_EQ(seen.at(4).target, path + "/gold?resourceVersion=0");
}

TEST_F(ClientTest, TellsWhatTheServersStatusSays) {
  server.set_handler([](const SeenRequest&) {
    return Reply{.status = 429,
                 .body = status_body(429, "TooManyRequests", "slow down"),
                 .headers = "Retry-After: 3\r\n"};
  });
  connect();
  const auto answer = get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().status, 429);
  EXPECT_EQ(answer.error().reason, "TooManyRequests");
  EXPECT_EQ(answer.error().retry_after, 3s);
  EXPECT_TRUE(answer.error().may_pass());
  EXPECT_EQ(answer.error().error.message(), "get nodes n1: HTTP 429: slow down");
}

TEST_F(ClientTest, QuotesAnAnswerThatIsNoStatus) {
  server.set_handler([](const SeenRequest&) {
    return Reply{.status = 502, .body = "\n<html>\r\n bad\xff gateway\n"};
  });
  connect();
  EXPECT_EQ(get().error().error.message(),
            "get nodes n1: HTTP 502: <html> bad\xef\xbf\xbd gateway");
}

TEST_F(ClientTest, EndsWithAnErrorWhereTheServerSaysNothing) {
  options.header_timeout = 100ms;
  server.set_handler([](const SeenRequest&) { return Reply{.kind = Reply::Kind::kSilent}; });
  connect();
  const auto answer = get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.cause, server.url() + ": no answer in time");
}

TEST_F(ClientTest, EndsWithAnErrorWhereTheBodyStopsComing) {
  options.body_timeout = 100ms;
  server.set_handler([](const SeenRequest&) {
    return Reply{.body = R"({"metadata":)", .kind = Reply::Kind::kStream};
  });
  connect();
  EXPECT_EQ(get().error().error.cause, server.url() + ": the answer stopped coming");
}

TEST_F(ClientTest, TakesNoHalfAnswer) {
  server.set_handler(
      [](const SeenRequest&) { return Reply{.body = "{}", .kind = Reply::Kind::kTruncated}; });
  connect();
  const auto answer = get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.cause,
            server.url() + ": the connection ended in the middle of the answer");
}

TEST_F(ClientTest, TakesNoEndlessAnswer) {
  options.answer_bytes = 1000;
  server.set_handler([](const SeenRequest&) { return Reply{.body = std::string(2000, ' ')}; });
  connect();
  EXPECT_EQ(get().error().error.cause, server.url() + ": the answer is larger than 1000 bytes");
}

TEST_F(ClientTest, TakesNoAnswerThatIsNoJson) {
  server.set_handler([](const SeenRequest&) { return Reply{.body = "{\"a\":"}; });
  connect();
  EXPECT_NE(get().error().error.cause.find("the answer is no JSON"), std::string::npos);
}

TEST_F(ClientTest, ReadsANewTokenWhereTheServerRefusesTheOldOne) {
  options.credentials_age = 1h;  // only the refusal makes it look
  auto with = config();
  with.token_file = directory.write("token", "old\n");
  server.set_handler([&](const SeenRequest& request) {
    return request.headers.at("authorization") == "Bearer new"
               ? Reply{.body = "{}"}
               : Reply{.status = 401, .body = status_body(401, "Unauthorized")};
  });
  connect(with);
  const auto refused = get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().status, 401);
  EXPECT_EQ(server.seen().size(), 1U);  // the file is as it was: no use in asking again
  directory.write("token", "new\n");
  EXPECT_TRUE(get());
  EXPECT_EQ(server.seen().size(), 3U);
}

TEST_F(ClientTest, FollowsARotatedToken) {
  auto with = config();
  with.token_file = directory.write("token", "first");
  connect(with);
  ASSERT_TRUE(get());
  directory.write("token", "second");
  ASSERT_TRUE(get());
  std::filesystem::remove(with.token_file);  // for a moment, while it is replaced
  ASSERT_TRUE(get());
  EXPECT_EQ(server.seen().at(0).headers.at("authorization"), "Bearer first");
  EXPECT_EQ(server.seen().at(1).headers.at("authorization"), "Bearer second");
  EXPECT_EQ(server.seen().at(2).headers.at("authorization"), "Bearer second");
}

TEST_F(ClientTest, SendsNoTokenThatCouldEndTheHeader) {
  auto with = config();
  with.token = "a\r\nX-Evil: 1";
  connect(with);
  const auto answer = get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.object, "token");
  EXPECT_TRUE(server.seen().empty());
}

TEST_F(ClientTest, TriesAgainAfterAConflictAndGivesUpInTheEnd) {
  int conflicts = 2;
  server.set_handler([&](const SeenRequest&) {
    return conflicts-- > 0 ? Reply{.status = 409, .body = status_body(409, "Conflict")}
                           : Reply{.body = "{}"};
  });
  connect();
  const ObjectRef ref{kNodes, "", "n1"};
  const auto write = [&] {
    return retry_on_conflict([&] { return client->update(ref, json::object{}); });
  };
  EXPECT_TRUE(answer_of(io, write));
  EXPECT_EQ(server.seen().size(), 3U);
  conflicts = 100;
  const auto answer = answer_of(io, write);
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().conflict());
  EXPECT_EQ(server.seen().size(), 8U);
}

TEST_F(ClientTest, SaysThatNobodyListens) {
  connect();
  server.stop();
  const auto answer = get();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().status, 0);
  EXPECT_EQ(answer.error().error.cause, server.url() + ": connection refused");
}

}  // namespace
}  // namespace sextant::kube
