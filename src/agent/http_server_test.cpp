#include "agent/http_server.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <thread>

#include "agent/http_client.h"
#include "agent/test_support.h"
#include "base/unique_fd.h"

namespace sextant::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A server on a thread of its own that echoes the request's line.
class HttpServerTest : public ::testing::Test {
 protected:
  void start(HttpLimits limits = {}) {
    auto server = HttpServer::listen(
        io_, socket_,
        [](const HttpRequest& request) {
          return HttpResponse{.body = request.method + " " + request.target};
        },
        limits);
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    thread_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] UniqueFd connect() const {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  /// Sends the bytes and reads until the server closes, 10 seconds at most.
  static std::string talk(const UniqueFd& fd, const std::string& bytes) {
    EXPECT_EQ(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
    return hear(fd);
  }

  // Everything that the server says until it closes.
  static std::string hear(const UniqueFd& fd) {
    std::string answer;
    pollfd ready{.fd = fd.get(), .events = POLLIN, .revents = 0};
    char buffer[4096];
    while (::poll(&ready, 1, 10'000) == 1) {
      const auto size = ::read(fd.get(), buffer, sizeof buffer);
      if (size <= 0) return answer;
      answer.append(buffer, static_cast<std::size_t>(size));
    }
    ADD_FAILURE() << "the server neither answers nor closes";
    return answer;
  }

  TemporaryFolder folder_;
  std::string socket_ = folder_.path() / "run" / "test.sock";
  boost::asio::io_context io_;
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(HttpServerTest, AnswersOnASocketOfMode0660) {
  start();
  const auto reply = http_get(socket_, "/a?b=c", seconds(10));
  ASSERT_TRUE(reply) << reply.error().message();
  EXPECT_EQ(reply->status, 200U);
  EXPECT_EQ(reply->body, "GET /a?b=c");
  struct stat found {};
  ASSERT_EQ(::stat(socket_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0660U);
}

TEST_F(HttpServerTest, ServesSeveralRequestsOnOneConnectionAndSeveralConnections) {
  start();
  const auto idle = connect();
  const auto fd = connect();
  const std::string request = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto answer = talk(fd, request + "GET /2 HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_NE(answer.find("GET /1"), std::string::npos);
  EXPECT_NE(answer.find("GET /2"), std::string::npos);
}

TEST_F(HttpServerTest, RefusesWhatIsNoRequestOrTooLarge) {
  start({.header_bytes = 1024, .body_bytes = 512});
  struct Row {
    std::string request;
    std::string status;
  };
  const std::vector<Row> rows{
      {"\x16\x03\x01 this is no HTTP\r\n\r\n", "400"},
      {"GET / HTTP/9.9\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", "431"},
      {"GET /" + std::string(4000, 'x'), "431"},
      {"POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n", "413"},
  };
  for (const auto& row : rows) {
    const auto fd = connect();
    const auto answer = talk(fd, row.request);
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 " + row.status) << row.request.substr(0, 40);
    EXPECT_NE(answer.find(R"({"error":")"), std::string::npos) << answer;
  }
  EXPECT_TRUE(http_get(socket_, "/", seconds(10))) << "it serves on";
}

TEST_F(HttpServerTest, ClosesAConnectionThatSaysNothing) {
  start({.read_timeout = milliseconds(50)});
  const auto fd = connect();
  EXPECT_EQ(talk(fd, "GET / HT"), "");
}

TEST_F(HttpServerTest, BoundsTheNumberOfConnections) {
  start({.connections = 1});
  const auto busy = connect();
  const auto fd = connect();
  // Without asking: the server may have answered and closed before a request could be sent.
  EXPECT_NE(hear(fd).find("503"), std::string::npos);
}

TEST_F(HttpServerTest, ReplacesAStaleSocketButNoOtherFile) {
  {
    UniqueFd stale(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::filesystem::create_directories(std::filesystem::path(socket_).parent_path());
    socket_.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(stale.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  start();
  EXPECT_TRUE(http_get(socket_, "/", seconds(10)));

  const std::string file = folder_.path() / "precious";
  std::ofstream(file) << "data";
  const auto refused =
      HttpServer::listen(io_, file, [](const HttpRequest&) { return HttpResponse{}; });
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("not a socket"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(HttpServerTest, UnlinksItsSocketAtTheEnd) {
  start();
  io_.stop();
  thread_.join();
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

TEST(HttpClient, SaysWhatToDoWhereNobodyListens) {
  const TemporaryFolder folder;
  const auto reply = http_get(folder.path() / "none.sock", "/", seconds(1));
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message().find("it is not running; start it"), std::string::npos);
}

TEST(HttpClient, TellsWhatIsNoSocketFromAnAgentThatDoesNotRun) {
  const TemporaryFolder folder;
  for (const auto& path : {folder.path().string(), std::string("/etc/passwd")}) {
    const auto reply = http_get(path, "/", seconds(1));
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().cause, "this is no socket") << path;
  }
  const auto reply = http_get("", "/", seconds(1));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().cause, "the socket's path is empty");
}

TEST(HttpClient, GivesUpAfterItsTimeout) {
  const TemporaryFolder folder;
  const std::string path = folder.path() / "mute.sock";
  UniqueFd mute(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(mute.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(mute.get(), 1), 0);
  const auto reply = http_get(path, "/", milliseconds(50));
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().message().find("no answer in time"), std::string::npos);
}

}  // namespace
}  // namespace sextant::agent
