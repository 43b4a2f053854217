// The one testbed of the program: brought up before the first test, taken down after the last.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "e2e/kernel_monitor.h"
#include "e2e/lab.h"
#include "e2e/path_watch.h"

namespace sextant::e2e {

class SharedLab : public testing::Test {
 public:
  /// Drops the testbed, so that nothing of it is left when the program ends.
  static void forget() { lab_.reset(); }

 protected:
  static Lab& lab() { return *lab_; }

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    if (!lab_ && !failed_) {
      auto started = Lab::start();
      failed_ = !started;
      if (started) {
        lab_ = std::move(*started);
      } else {
        error_ = started.error().message();
      }
    }
    ASSERT_FALSE(failed_) << "the full testbed did not come up: " << error_;
  }

  /// Both families by `path`, seen on the wire.
  static void settle_on(const Path& path) {
    auto watch = PathWatch::start(lab().netns(path.router));
    ASSERT_TRUE(watch) << watch.error().message();
    watch->arm(std::chrono::system_clock::now());
    const auto taken = lab().take(path);
    ASSERT_TRUE(taken) << taken.error().message();
    ASSERT_TRUE(watch->wait(std::chrono::seconds(20)))
        << "the streams did not come by the " << path.name
        << " path: " << lab().ask("master", "/v1/status").value_or("(no status)");
  }

 private:
  static inline std::unique_ptr<Lab> lab_;
  static inline bool failed_ = false;
  static inline std::string error_;
};

/// The same on a basic testbed: nodes on one link and no routers, for what damages nodes.
class NodeFault : public testing::Test {
 public:
  static void forget() { lab_.reset(); }

 protected:
  static Lab& lab() { return *lab_; }

  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to make network namespaces";
    if (!lab_) {
      auto started = Lab::start(testbed::Kind::kBasic);
      ASSERT_TRUE(started) << started.error().message();
      lab_ = std::move(*started);
      // A switch that snoops on MLD without a querier may keep a solicitation from a new address.
      ASSERT_NO_FATAL_FAILURE(shell("switch", "ip link set bridge type bridge mcast_snooping 0"));
      ASSERT_TRUE(warm_up());
    }
  }
  /// A test that failed half way leaves nothing to the next.
  void TearDown() override {
    if (HasFailure()) lab_.reset();
  }
  static void shell(std::string_view machine, const std::string& commands) {
    const auto done = lab().shell(machine, commands);
    ASSERT_TRUE(done) << done.error().message();
  }
  /// The nodes know each other's link addresses: the first packet of all may wait a second for
  /// them.
  static bool warm_up();
  /// SIGTERM, and another one, which is awaited.
  static void restart(const std::string& node, const Lab::Agent& agent = {}) {
    const auto from = lab().log(node).size();
    const auto ended = lab().end_agent(node, SIGTERM);
    ASSERT_TRUE(ended) << ended.error().message();
    const auto started = lab().start_agent(node, agent);
    ASSERT_TRUE(started) << started.error().message();
    const auto log = lab().await_log(node, from, "(start): ");
    ASSERT_NE(log.find("(start): "), std::string::npos) << log;
  }
  static std::string output(std::string_view machine, const std::string& commands) {
    return lab().shell(machine, commands).value_or("");
  }

 private:
  static inline std::unique_ptr<Lab> lab_;
};

/// Two streams, one a family, that run while a test does something.
class Streams {
 public:
  static Result<Streams> start(const Lab& lab, std::uint32_t packets_per_second) {
    auto four = lab.stream(Family::kIpv4, packets_per_second);
    if (!four) return tl::unexpected(four.error());
    auto six = lab.stream(Family::kIpv6, packets_per_second);
    if (!six) return tl::unexpected(six.error());
    return Streams(std::move(*four), std::move(*six));
  }
  /// Both go on for `packets` more.
  [[nodiscard]] bool go_on(std::uint64_t packets) const {
    const auto limit = std::chrono::seconds(20);
    return four_.wait_received(four_.snapshot().received + packets, limit) &&
           six_.wait_received(six_.snapshot().received + packets, limit);
  }
  /// Lost is at most what was sent in one interruption of that length.
  void expect_back_within(std::chrono::milliseconds limit) {
    for (auto* stream : {&four_, &six_}) {
      const testbed::StreamReport report = stream->stop();
      const char* family = stream == &four_ ? "IPv4" : "IPv6";
      std::cout << family << " stream: " << report.to_string() << '\n';
      EXPECT_GT(report.received, 0U) << family;
      EXPECT_LE(report.longest_gap, limit) << family << ": " << report.to_string();
      EXPECT_EQ(report.duplicated, 0U) << family << ": " << report.to_string();
    }
  }
  void expect_lossless() {
    for (auto* stream : {&four_, &six_}) {
      const testbed::StreamReport report = stream->stop();
      const char* family = stream == &four_ ? "IPv4" : "IPv6";
      std::cout << family << " stream: " << report.to_string() << '\n';
      EXPECT_GT(report.received, 0U) << family;
      EXPECT_EQ(report.lost, 0U) << family << ": " << report.to_string();
      EXPECT_EQ(report.send_errors, 0U) << family << ": " << report.to_string();
    }
  }

 private:
  Streams(testbed::Stream four, testbed::Stream six)
      : four_(std::move(four)), six_(std::move(six)) {}
  testbed::Stream four_;
  testbed::Stream six_;
};

inline bool NodeFault::warm_up() {
  const auto streams = Streams::start(lab(), 100);
  return streams && streams->go_on(10);
}

}  // namespace sextant::e2e
