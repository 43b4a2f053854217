// The agent dies under traffic and comes back: nobody notices.
#include <gmock/gmock.h>

#include "e2e/shared_lab.h"

namespace sextant::e2e {
namespace {

TEST_F(SharedLab, KilledAgentComesBackWithoutALostPacketOrAWrite) {
  auto streams = Streams::start(lab(), 10'000);
  ASSERT_TRUE(streams) << streams.error().message();
  ASSERT_NO_FATAL_FAILURE(settle_on(kNorth));
  for (int round = 0; round < 3; ++round) {
    auto kernel = KernelMonitor::start(lab().netns("master"));
    ASSERT_TRUE(kernel) << kernel.error().message();
    const pid_t before = lab().agent("master");
    ASSERT_GT(before, 0);
    const auto killed = kill_and_wait(before);
    ASSERT_TRUE(killed) << killed.error().message();
    EXPECT_TRUE(streams->go_on(2000)) << "no traffic without an agent";

    const auto repaired = lab().repair();
    ASSERT_TRUE(repaired) << repaired.error().message();
    EXPECT_THAT(*repaired, testing::Not(testing::IsEmpty()));
    const pid_t after = lab().agent("master");
    EXPECT_GT(after, 0);
    EXPECT_NE(after, before);
    EXPECT_TRUE(streams->go_on(2000)) << "no traffic with the new agent";
    EXPECT_THAT(kernel->changes(), testing::IsEmpty());

    ASSERT_NO_FATAL_FAILURE(settle_on(round % 2 == 0 ? kSouth : kNorth));
  }
  streams->expect_lossless();
}

}  // namespace
}  // namespace sextant::e2e
