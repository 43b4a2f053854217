#include "kube/background.h"

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "kube/client_fixture_test.h"
#include "kube/logged_text_test.h"

namespace sextant::kube {
namespace {

TEST(BackgroundTest, BeginsAgainWhatEndedByAnExceptionAndSlowsDown) {
  boost::asio::io_context io;
  const LoggedText log;
  std::vector<std::chrono::steady_clock::time_point> begun;
  Background background;
  background.start(io, "the work",
                   [&]() -> Task<void> {
                     begun.push_back(std::chrono::steady_clock::now());
                     co_await sleep_for(1ms);
                     if (begun.size() < 4) throw std::runtime_error("odd");
                   },
                   {.first = 20ms, .longest = 1s});
  io.run();
  ASSERT_EQ(begun.size(), 4U) << "and it is not begun again when it returns";
  EXPECT_GE(begun[1] - begun[0], 10ms);
  EXPECT_GE(begun[3] - begun[2], 40ms);
  EXPECT_NE(log.text().find("the work failed, and is begun again: odd"), std::string::npos);
}

TEST(BackgroundTest, StopsWhileItWaitsToBeginAgain) {
  boost::asio::io_context io;
  int begun = 0;
  Background background;
  background.start(io, "the work",
                   [&]() -> Task<void> {
                     ++begun;
                     throw std::runtime_error("odd");
                     co_return;
                   },
                   {.first = 1h, .longest = 1h});
  io.poll();
  EXPECT_EQ(begun, 1);
  background.stop();
  io.restart();
  io.run();  // ends, and not in an hour
  EXPECT_EQ(begun, 1);
}

/// An agent's own end is no trouble of the server's.
class CancelledRequestTest : public WithServer {};

TEST_F(CancelledRequestTest, IsNotComplainedAboutNorCounted) {
  server.set_handler([](const SeenRequest& request) {
    return request.is_watch() ? Reply{.kind = Reply::Kind::kStream}
                              : Reply{.kind = Reply::Kind::kSilent};
  });
  connect();
  const LoggedText log;
  bool answered = false;
  Background background;
  background.start(io, "asking", [&]() -> Task<void> {
    const ObjectRef ref{kNodes, "", "n1"};
    (void)co_await client->get(ref);
    answered = true;
  });
  ASSERT_TRUE(run_until(io, [&] { return server.seen().size() == 1; }));
  background.stop();
  server.set_handler(empty_list);
  ASSERT_TRUE(get("n2"));
  EXPECT_FALSE(answered);
  EXPECT_EQ(log.text(), "");
  EXPECT_EQ(client->counts().size(), 1U) << "of n2";
}

}  // namespace
}  // namespace sextant::kube
