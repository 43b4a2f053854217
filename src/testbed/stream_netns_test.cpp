// Sniffer and Stream on a veth pair between two namespaces.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "testbed/sniffer.h"
#include "testbed/stream.h"

namespace sextant::testbed {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

int ip(const std::string& arguments) {
  return std::system(("ip " + arguments + " 2>/dev/null").c_str());
}

class Pair : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    for (const auto& netns : {a_, b_}) ASSERT_EQ(ip("netns add " + netns), 0);
    ASSERT_EQ(ip("-n " + a_ + " link add veth0 type veth peer name veth0 netns " + b_), 0);
    configure(a_, "1");
    configure(b_, "2");
  }
  void TearDown() override {
    for (const auto& netns : {a_, b_}) ip("netns del " + netns);
  }
  static void configure(const std::string& netns, const std::string& host) {
    ASSERT_EQ(ip("-n " + netns + " link set lo up"), 0);
    ASSERT_EQ(ip("-n " + netns + " link set veth0 up"), 0);
    ASSERT_EQ(ip("-n " + netns + " addr add 10.9.0." + host + "/24 dev veth0"), 0);
    ASSERT_EQ(ip("-n " + netns + " addr add fd09::" + host + "/64 dev veth0 nodad"), 0);
  }
  [[nodiscard]] StreamOptions options(const std::string& destination) const {
    return {.from_netns = a_,
            .to_netns = b_,
            .destination = IpAddress::parse(destination).value(),
            .packets_per_second = 2000};
  }

  const std::string a_ = "sx-st" + std::to_string(::getpid()) + "a";
  const std::string b_ = "sx-st" + std::to_string(::getpid()) + "b";
};

TEST_F(Pair, StreamsOfBothFamiliesLoseNothingOnAGoodLink) {
  for (const char* destination : {"10.9.0.2", "fd09::2"}) {
    auto stream = Stream::start(options(destination));
    ASSERT_TRUE(stream) << stream.error().message();
    EXPECT_TRUE(stream->wait_received(400, seconds(10)));
    const StreamReport report = stream->stop();
    EXPECT_TRUE(report.lossless()) << report.to_string();
    EXPECT_EQ(report.received, report.sent);
    EXPECT_EQ(report.duplicated, 0U);
  }
}

TEST_F(Pair, CountsWhatTheNetworkDrops) {
  ASSERT_EQ(std::system(("ip netns exec " + b_ +
                         " nft 'add table inet t; add chain inet t in "
                         "{ type filter hook input priority 0; }; "
                         "add rule inet t in udp dport 47000 numgen inc mod 10 0 drop'")
                            .c_str()),
            0);
  auto stream = Stream::start(options("10.9.0.2"));
  ASSERT_TRUE(stream) << stream.error().message();
  EXPECT_TRUE(stream->wait_received(900, seconds(10)));
  const StreamReport report = stream->stop();
  EXPECT_FALSE(report.lossless());
  EXPECT_EQ(report.lost, report.sent - report.received);
  EXPECT_NEAR(static_cast<double>(report.lost), static_cast<double>(report.sent) / 10, 1);
}

TEST_F(Pair, CapturedPacketsCarryTheStreamsHeaderAndFlows) {
  auto sniffer = Sniffer::start({.netns = b_, .device = "veth0", .filter = udp_to(47000)});
  ASSERT_TRUE(sniffer) << sniffer.error().message();
  auto many = options("fd09::2");
  many.flows = 3;
  auto stream = Stream::start(many);
  ASSERT_TRUE(stream) << stream.error().message();
  const auto third = sniffer->wait_for(
      [](const CapturedPacket& packet) { return packet.inner.source_port == 40002; }, seconds(10));
  ASSERT_TRUE(third);
  const auto header = decode_stream_header(third->inner.payload);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->stream, stream->id());
  EXPECT_EQ(header->sequence % 3, 2U);
  EXPECT_EQ(third->device, "veth0");
  EXPECT_EQ(third->direction, Direction::kIn);
  EXPECT_LT(third->at - header->sent, seconds(1));
  EXPECT_GE(third->at, header->sent);
  const StreamReport report = stream->stop();
  sniffer->stop();
  EXPECT_EQ(sniffer->dropped(), 0U);
  EXPECT_EQ(sniffer->count(), report.sent);
}

TEST_F(Pair, RefusedPacketsAreSendErrorsNotLosses) {
  auto nowhere = options("10.9.0.2");
  ASSERT_EQ(ip("-n " + a_ + " route add unreachable 10.9.0.2/32"), 0);
  auto stream = Stream::start(nowhere);
  ASSERT_TRUE(stream) << stream.error().message();
  EXPECT_FALSE(stream->wait_received(1, milliseconds(50)));
  const StreamReport report = stream->stop(milliseconds(10));
  EXPECT_GT(report.send_errors, 0U);
  EXPECT_EQ(report.lost, 0U);
  EXPECT_FALSE(report.lossless());
}

TEST_F(Pair, ErrorsNameTheObject) {
  auto elsewhere = options("10.9.0.2");
  elsewhere.to_netns = "sx-none";
  const auto stream = Stream::start(elsewhere);
  ASSERT_FALSE(stream);
  EXPECT_NE(stream.error().message().find("sx-none"), std::string::npos);
  const auto sniffer = Sniffer::start({.netns = a_, .device = "none0"});
  ASSERT_FALSE(sniffer);
  EXPECT_NE(sniffer.error().message().find("none0"), std::string::npos);
}

}  // namespace
}  // namespace sextant::testbed
