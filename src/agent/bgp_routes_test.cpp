// Routes of a speaker without sessions, its own, as the API's client reads them.
#include "agent/bgp_routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <set>
#include <string>
#include <vector>

#include "bgp/rib/nlri_key.h"
#include "bgp/speaker.h"
#include "sources/bgp/route_book.h"

namespace sextant::agent {
namespace {

namespace json = boost::json;

class BgpRoutes : public ::testing::Test {
 protected:
  static IpPrefix prefix(int number) {
    const auto text =
        "2001:db8:" + std::to_string(number / 1000) + ":" + std::to_string(number % 1000) + "::/64";
    return IpPrefix::parse(text).value();
  }
  void announce(int number) {
    speaker_.announce(bgp::kIpv6Unicast, bgp::key_of(prefix(number)), {.origin = bgp::Origin::kIgp},
                      {.address = next_hop_});
  }
  void withdraw(int number) { speaker_.withdraw(bgp::kIpv6Unicast, bgp::key_of(prefix(number))); }

  boost::asio::io_context io_;
  bgp::Speaker speaker_{io_, {.asn = 64512, .router_id = Ipv4Address::parse("10.0.0.1").value()}};
  bgp_source::RouteBook book_;
  IpAddress next_hop_ = IpAddress::parse("fd10::1").value();
};

std::vector<std::string> pieces_of(BgpRoutesBody& body) {
  std::vector<std::string> pieces;
  for (auto piece = body.next(); !piece.empty(); piece = body.next())
    pieces.push_back(std::move(piece));
  return pieces;
}

std::set<std::string> routes_of(const std::string& text) {
  std::set<std::string> routes;
  const auto document = json::parse(text);
  for (const auto& item : document.at("items").as_array()) {
    const auto added = routes.emplace(item.at("route").as_string().c_str()).second;
    EXPECT_TRUE(added) << item.at("route");
  }
  return routes;
}

TEST_F(BgpRoutes, AreAllThereInPiecesOfABoundedSize) {
  constexpr int kRoutes = 2600;
  for (int i = 0; i < kRoutes; ++i) announce(i);
  BgpRoutesBody body(&speaker_, &book_);
  const auto pieces = pieces_of(body);
  EXPECT_EQ(pieces.size(), 6U);
  std::string whole;
  for (const auto& piece : pieces) {
    EXPECT_LT(piece.size(), 500U * 1024U);
    whole += piece;
  }
  const auto routes = routes_of(whole);
  EXPECT_EQ(routes.size(), static_cast<std::size_t>(kRoutes));
  EXPECT_TRUE(routes.contains(prefix(2599).to_string()));
}

TEST_F(BgpRoutes, MayChangeBetweenTwoPieces) {
  for (int i = 0; i < 1500; ++i) announce(i);
  BgpRoutesBody body(&speaker_, &book_);
  auto whole = body.next();
  for (int i = 500; i < 1400; ++i) withdraw(i);
  announce(3000);
  for (const auto& piece : pieces_of(body)) whole += piece;
  const auto routes = routes_of(whole);
  EXPECT_TRUE(routes.contains(prefix(0).to_string()));
  EXPECT_TRUE(routes.contains(prefix(1499).to_string()));
  EXPECT_FALSE(routes.contains(prefix(1300).to_string())) << "gone before its piece was made";
}

TEST_F(BgpRoutes, AreAnEmptyListWhereThereAreNone) {
  BgpRoutesBody none(&speaker_, &book_);
  EXPECT_THAT(pieces_of(none), ::testing::ElementsAre("{\"items\":[]}"));
  BgpRoutesBody silent(nullptr, nullptr);
  EXPECT_THAT(pieces_of(silent), ::testing::ElementsAre("{\"items\":[]}"));
}

}  // namespace
}  // namespace sextant::agent
