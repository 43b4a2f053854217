#include "agent/listeners.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "agent/http_server.h"

namespace sextant::agent {
namespace {

namespace asio = boost::asio;

ListenAddress at(const std::string& text) { return ListenAddress::parse(text).value(); }

/// The answer to one request at the address.
std::string get(const std::string& address, std::uint16_t port) {
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::make_address(address), port});
  asio::write(socket, asio::buffer(std::string("GET /x HTTP/1.1\r\nConnection: close\r\n\r\n")));
  std::string answer;
  boost::system::error_code end;
  asio::read(socket, asio::dynamic_buffer(answer), end);
  return answer;
}

TEST(TcpListener, ServesHttpOnBothFamilies) {
  struct Row {
    const char* listen;
    std::vector<std::string> reached_at;
  };
  for (const auto& row : std::vector<Row>{
           {"127.0.0.1:0", {"127.0.0.1"}}, {"[::1]:0", {"::1"}}, {":0", {"127.0.0.1", "::1"}}}) {
    asio::io_context io;
    const auto server = HttpServer::listen(io, at(row.listen), [](const auto& request) {
      return HttpResponse{.body = request.target};
    });
    ASSERT_TRUE(server) << server.error().message();
    const auto bound = at((*server)->where());
    EXPECT_NE(bound.port, 0) << "the port that it was given";
    std::thread thread([&] { io.run(); });
    for (const auto& address : row.reached_at) {
      const auto answer = get(address, bound.port);
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK")) << answer;
      EXPECT_TRUE(answer.ends_with("/x")) << answer;
    }
    io.stop();
    thread.join();
  }
}

TEST(TcpListener, SaysWhatToDoWhereThePortIsTakenOrTheAddressIsNotOfThisNode) {
  const auto first = listen_on_tcp(at("127.0.0.1:0"));
  ASSERT_TRUE(first) << first.error().message();
  for (const auto& text : {first->bound.to_string(), ":" + std::to_string(first->bound.port)}) {
    const auto second = listen_on_tcp(at(text));
    ASSERT_FALSE(second) << text;
    EXPECT_EQ(second.error().errno_value, EADDRINUSE);
    EXPECT_EQ(second.error().object, text);
    EXPECT_NE(second.error().hint.find("ss -ltnp"), std::string::npos);
  }
  for (const auto* text : {"192.0.2.1:0", "[2001:db8::1]:0"}) {
    const auto foreign = listen_on_tcp(at(text));
    ASSERT_FALSE(foreign) << text;
    EXPECT_EQ(foreign.error().errno_value, EADDRNOTAVAIL);
    EXPECT_NE(foreign.error().hint.find("ip address"), std::string::npos);
  }
}

TEST(TcpListener, TakesThePortOfAServerThatHasJustEnded) {
  std::uint16_t port = 0;
  for (int i = 0; i < 2; ++i) {
    asio::io_context serving;
    const auto server = HttpServer::listen(serving, at("127.0.0.1:" + std::to_string(port)),
                                           [](const auto&) { return HttpResponse{.body = "x"}; });
    ASSERT_TRUE(server) << server.error().message();
    port = at((*server)->where()).port;
    std::thread thread([&] { serving.run(); });
    EXPECT_FALSE(get("127.0.0.1", port).empty());  // the server closes first: TIME_WAIT is its
    serving.stop();
    thread.join();
  }
}

}  // namespace
}  // namespace sextant::agent
