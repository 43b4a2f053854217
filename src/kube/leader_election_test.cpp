#include "kube/leader_election.h"

#include <boost/json/serialize.hpp>
#include <set>

#include "kube/client_fixture_test.h"
#include "kube/logged_text_test.h"

namespace sextant::kube {
namespace {

namespace json = boost::json;

/// A server that keeps one Lease by the API's rules: writes need the version that is stored.
class ElectionTest : public WithServer {
 protected:
  ElectionTest() {
    server.set_handler([this](const SeenRequest& request) { return serve(request); });
    connect();
  }
  Reply serve(const SeenRequest& request) {
    if (hangs) return {.kind = Reply::Kind::kSilent};
    if (denied.contains(request.method))
      return {.status = 403, .body = status_body(403, "Forbidden", "no " + request.method)};
    if (request.method == "GET")
      return lease ? Reply{.body = json::serialize(*lease)}
                   : Reply{.status = 404, .body = status_body(404, "NotFound")};
    auto wanted = json::parse(request.body);
    if (request.method == "POST" && lease)
      return {.status = 409, .body = status_body(409, "AlreadyExists")};
    if (request.method == "PUT" &&
        wanted.at("metadata").at("resourceVersion") != lease->at("metadata").at("resourceVersion"))
      return {.status = 409, .body = status_body(409, "Conflict")};
    store(wanted);
    ++writes;
    return {.body = json::serialize(*lease)};
  }
  void store(json::value wanted) {
    lease = std::move(wanted);
    lease->at("metadata").as_object()["resourceVersion"] = std::to_string(++version);
  }
  /// Another candidate's lease, renewed at a time of its own clock.
  void hold(const std::string& who, const std::string& renewed, int seconds = 1) {
    store({{"metadata", {{"name", "l"}, {"namespace", "ns"}}},
           {"spec",
            {{"holderIdentity", who},
             {"leaseDurationSeconds", seconds},
             {"renewTime", renewed},
             {"leaseTransitions", 4}}}});
  }
  std::unique_ptr<LeaderElection> candidate(const std::string& identity) {
    ElectionOptions with{.ns = "ns",
                         .name = "l",
                         .identity = identity,
                         .lease_duration = 400ms,
                         .renew_deadline = 300ms,
                         .renew_period = 50ms};
    auto made = std::make_unique<LeaderElection>(
        *client, with, [this, identity](bool leads) { log += identity + (leads ? "+" : "-"); });
    made->start();
    return made;
  }
  [[nodiscard]] bool until(const std::function<bool()>& done) { return run_until(io, done); }
  [[nodiscard]] std::string spec(const char* name) const {
    return json::serialize(lease->at("spec").at(name));
  }

  std::optional<json::value> lease;
  int version = 0, writes = 0;
  bool hangs = false;
  std::set<std::string> denied;  // methods
  std::string log;               // "a+a-b+"
};

TEST_F(ElectionTest, OneOfTwoLeadsAndRenews) {
  const auto a = candidate("a"), b = candidate("b");
  ASSERT_TRUE(until([&] { return writes >= 4; }));
  EXPECT_EQ(log.size(), 2U) << log;
  EXPECT_NE(a->leading(), b->leading());
  EXPECT_EQ(spec("leaseTransitions"), "1");
  EXPECT_EQ(spec("holderIdentity"), a->leading() ? "\"a\"" : "\"b\"");
}

TEST_F(ElectionTest, TakesOverWhereTheHolderWasNotSeenToRenewForItsWholeTime) {
  hold("x", "2999-01-01T00:00:00.000000Z");  // its clock does not count
  const auto begun = std::chrono::steady_clock::now();
  const auto a = candidate("a");
  ASSERT_TRUE(until([&] { return !log.empty(); }));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 1s);
  EXPECT_EQ(log, "a+");
  EXPECT_EQ(spec("leaseTransitions"), "5");
}

TEST_F(ElectionTest, LeavesTheLeaseToAHolderThatRenews) {
  hold("x", "2000-01-01T00:00:00.000000Z");
  const auto a = candidate("a");
  const auto end = std::chrono::steady_clock::now() + 1500ms;
  int renewals = 0;
  std::size_t seen = 0;
  // Renewed at each look: the lease never stays as it is for its whole time.
  while (std::chrono::steady_clock::now() < end && log.empty()) {
    io.run_one_for(50ms);
    if (server.seen().size() == seen) continue;
    seen = server.seen().size();
    hold("x", fmt::format("2000-01-01T00:00:00.{:06}Z", ++renewals));
  }
  EXPECT_EQ(log, "");
  EXPECT_EQ(a->holder(), "x");
  EXPECT_GE(renewals, 1);
  EXPECT_LE(server.seen().size(), 6U);  // and it does not ask all the time
}

TEST_F(ElectionTest, GivesUpInTimeWhereRenewalsHang) {
  const auto a = candidate("a");
  ASSERT_TRUE(until([&] { return log == "a+"; }));
  hangs = true;
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(until([&] { return log == "a+a-"; }));
  EXPECT_LE(std::chrono::steady_clock::now() - begun, 2s);
  EXPECT_FALSE(a->leading());
}

TEST_F(ElectionTest, NoticesThatItWasTakenOver) {
  const auto a = candidate("a");
  ASSERT_TRUE(until([&] { return log == "a+"; }));
  hold("x", "2000-01-01T00:00:00.000000Z", 60);
  ASSERT_TRUE(until([&] { return log == "a+a-"; }));
  EXPECT_EQ(a->holder(), "x");
}

TEST_F(ElectionTest, ReleasesTheLeaseSoThatAnotherNeedNotWait) {
  const auto a = candidate("a");
  ASSERT_TRUE(until([&] { return log == "a+"; }));
  finish(io, [&] { return a->release(); });
  EXPECT_EQ(log, "a+a-");
  EXPECT_EQ(spec("holderIdentity"), "\"\"");
  const auto begun = std::chrono::steady_clock::now();
  const auto b = candidate("b");
  ASSERT_TRUE(until([&] { return log == "a+a-b+"; }));
  EXPECT_LE(std::chrono::steady_clock::now() - begun, 350ms);
}

/// Else no policy would ever have a status, and nobody would know why.
TEST_F(ElectionTest, SaysOnceWhatItMayNot) {
  const LoggedText told;
  const auto requests = [&](std::size_t more) {
    const auto enough = server.seen().size() + more;
    return until([&, enough] { return server.seen().size() >= enough; });
  };
  denied = {"GET"};
  const auto a = candidate("a");
  ASSERT_TRUE(requests(4));
  EXPECT_EQ(told.lines_with("no GET"), 1U) << told.text();
  EXPECT_NE(told.text().find("RBAC"), std::string::npos);
  denied = {"POST"};
  ASSERT_TRUE(requests(8));
  EXPECT_EQ(told.lines_with("no POST"), 1U) << told.text();
  denied.clear();
  EXPECT_TRUE(until([&] { return log == "a+"; }));
}

TEST_F(ElectionTest, MakesTheLeaseAgainWhereItWasDeleted) {
  const auto a = candidate("a");
  ASSERT_TRUE(until([&] { return log == "a+"; }));
  lease.reset();
  ASSERT_TRUE(until([&] { return lease.has_value(); }));
  EXPECT_EQ(log, "a+");
}

}  // namespace
}  // namespace sextant::kube
