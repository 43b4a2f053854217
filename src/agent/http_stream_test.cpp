// Requests with a body, and responses that come in the course of time, from client to server.
#include "agent/http_stream.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "agent/http_client.h"
#include "agent/http_server.h"
#include "agent/test_support.h"

namespace sextant::agent {
namespace {

using std::chrono::seconds;

class HttpStreaming : public ::testing::Test {
 protected:
  void SetUp() override {
    auto server =
        HttpServer::listen(io_, socket_,
                           [this](const HttpRequest& request) {
                             if (request.target == "/refused")
                               return error_response(503, "not now");
                             if (request.target == "/numbers")
                               return HttpResponse{.stream = numbers()};
                             if (request.target != "/stream")
                               return HttpResponse{.body = request.method + " " + request.body};
                             auto stream = std::make_shared<HttpStream>();
                             stream->push("first\n");
                             opened_.set_value(stream);
                             return HttpResponse{.stream = stream};
                           },
                           {.body_bytes = 1U << 20U});
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    thread_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  /// On the server's thread, as a handler's owner does it.
  template <typename Call>
  void on_loop(Call call) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      call();
      done.set_value();
    });
    done.get_future().wait();
  }

  /// Large pieces, each made when it is asked for.
  static std::shared_ptr<HttpStream> numbers() {
    return std::make_shared<HttpStream>([next = 0]() mutable {
      return next == kPieces ? std::string()
                             : std::string(kPieceSize, static_cast<char>('a' + next++));
    });
  }

  static constexpr int kPieces = 20;
  static constexpr std::size_t kPieceSize = 300'000;
  TemporaryFolder folder_;
  std::string socket_ = folder_.path() / "test.sock";
  boost::asio::io_context io_;
  std::promise<std::shared_ptr<HttpStream>> opened_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpStreaming, BodiesGoOver) {
  const std::string large(500'000, 'x');
  const auto reply =
      http_call(socket_, {.method = "PUT", .target = "/", .body = large}, seconds(10));
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(reply->body, "PUT " + large);
  const auto too_large = http_call(
      socket_, {.method = "POST", .target = "/", .body = std::string(2'000'000, 'x')}, seconds(10));
  if (too_large) {  // else the server has closed before all of it was written
    EXPECT_EQ(too_large->status, 413U);
  }
  EXPECT_TRUE(http_get(socket_, "/", seconds(10))) << "it serves on";
}

TEST_F(HttpStreaming, PiecesComeAsTheyArePushedUntilTheEnd) {
  std::string heard;
  std::promise<void> first;
  auto follower = std::async(std::launch::async, [&] {
    return http_follow(socket_, "/stream", [&](std::string_view piece) {
      if (heard.empty()) first.set_value();
      heard += piece;
      return true;
    });
  });
  const auto stream = opened_.get_future().get();
  first.get_future().wait();
  on_loop([&] {
    stream->push("second\n");
    stream->push(std::string(100'000, 'y') + "\n");
    stream->end();
  });
  const auto reply = follower.get();
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(reply->status, 200U);
  EXPECT_EQ(heard, "first\nsecond\n" + std::string(100'000, 'y') + "\n");
}

TEST_F(HttpStreaming, PiecesAreMadeOnDemandAndOthersAreServedInBetween) {
  std::string heard;
  const auto reply = http_follow(socket_, "/numbers", [&](std::string_view piece) {
    if (heard.empty()) {  // the rest is not made before this client reads on
      EXPECT_TRUE(http_get(socket_, "/", seconds(10)));
    }
    heard += piece;
    return true;
  });
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(heard.size(), kPieces * kPieceSize);
  EXPECT_EQ(heard.back(), 'a' + kPieces - 1);
  const auto whole = http_get(socket_, "/numbers", seconds(10));
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_EQ(whole->body, heard);
}

TEST_F(HttpStreaming, AClientThatLeavesIsNoticed) {
  const auto reply = http_follow(socket_, "/stream", [](std::string_view) { return false; });
  ASSERT_TRUE(reply) << reply.error().message();
  const auto stream = opened_.get_future().get();
  bool gone = false;
  for (int i = 0; i < 1000 && !gone; ++i) {  // the loop has yet to see the end of the connection
    on_loop([&] { gone = stream->gone(); });
    if (!gone) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(gone);
}

TEST_F(HttpStreaming, ARefusalIsAReply) {
  const auto reply = http_follow(socket_, "/refused", [](std::string_view) { return true; });
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(reply->status, 503U);
  EXPECT_NE(reply->body.find("not now"), std::string::npos);
}

}  // namespace
}  // namespace sextant::agent
