#include "agent/node_moves.h"

#include <gtest/gtest.h>

#include "agent/example_intent.h"

namespace sextant::agent {
namespace {

overlay::Node moved(overlay::Node node, const char* locator = "fcdd:0:0:66aa::/64") {
  node.locator = srv6::Locator::parse(locator).value();
  return node;
}

overlay::IntentChange change_of(const std::optional<overlay::Node>& node,
                                const std::string& name = "worker2") {
  overlay::IntentChange change;
  change.nodes[name] = node;
  return change;
}

/// worker1's view.
class NodeMovesTest : public ::testing::Test {
 protected:
  NodeMovesTest() {
    intent_.nodes["worker1"] = example::worker1();
    intent_.nodes["worker2"] = example::worker2();
  }
  overlay::IntentChange pass(overlay::IntentChange change) {
    moves_.hold_back(change, intent_, now_);
    return change;
  }
  overlay::Intent intent_;
  NodeMoves moves_{"worker1"};
  Clock::time_point now_{std::chrono::hours(1)};
};

TEST_F(NodeMovesTest, AnotherNodesNewLocatorIsUsedAMomentLater) {
  EXPECT_TRUE(pass(change_of(moved(example::worker2()))).empty());
  ASSERT_EQ(moves_.next(), now_ + NodeMoves::kPause);
  EXPECT_TRUE(moves_.due(now_ + NodeMoves::kPause - std::chrono::milliseconds(1)).empty());
  const auto due = moves_.due(now_ + NodeMoves::kPause);
  EXPECT_EQ(due.nodes.at("worker2"), moved(example::worker2()));
  EXPECT_FALSE(moves_.next());
}

TEST_F(NodeMovesTest, WhatDoesNotMoveSidsIsNotHeldBack) {
  EXPECT_FALSE(pass(change_of(moved(example::worker1()), "worker1")).empty()) << "its own";
  EXPECT_FALSE(pass(change_of(moved(example::worker2()), "worker3")).empty()) << "a new node";
  auto labelled = example::worker2();
  labelled.labels["rack"] = "7";
  EXPECT_FALSE(pass(change_of(labelled)).empty());
  auto without = example::worker2();
  without.locator.reset();
  EXPECT_FALSE(pass(change_of(without)).empty());
  EXPECT_FALSE(moves_.next());
}

TEST_F(NodeMovesTest, TheLastWordCountsAtTheTimeOfTheFirst) {
  (void)pass(change_of(moved(example::worker2())));
  const auto first = moves_.next();
  now_ += std::chrono::milliseconds(100);
  const auto again = moved(example::worker2(), "fcdd:0:0:77aa::/64");
  EXPECT_TRUE(pass(change_of(again)).empty());
  EXPECT_EQ(moves_.next(), first);
  EXPECT_EQ(moves_.due(*first).nodes.at("worker2"), again);
}

TEST_F(NodeMovesTest, ANodeThatMovesBackOrGoesIsHeldNoMore) {
  (void)pass(change_of(moved(example::worker2())));
  EXPECT_FALSE(pass(change_of(example::worker2())).empty());
  EXPECT_FALSE(moves_.next());
  (void)pass(change_of(moved(example::worker2())));
  EXPECT_FALSE(pass(change_of(std::nullopt)).empty());
  EXPECT_FALSE(moves_.next());
}

}  // namespace
}  // namespace sextant::agent
