// 1,000 edits of a policy's file while traffic flows: no packet is lost, and each edit shows on the
// wire at once.
#include "e2e/edit_times.h"
#include "e2e/shared_lab.h"

namespace sextant::e2e {
namespace {

constexpr int kEdits = 1000;
constexpr std::uint32_t kPacketsPerSecond = 10'000;
// bench/convergence.cpp measures it on a quiet machine; here other tests may share it.
constexpr std::chrono::milliseconds kMedianAtMost{50};

TEST_F(SharedLab, ThousandPolicyEditsLoseNoPacketAndShowAtOnce) {
  auto streams = Streams::start(lab(), kPacketsPerSecond);
  ASSERT_TRUE(streams) << streams.error().message();
  ASSERT_TRUE(streams->go_on(100));
  ASSERT_NO_FATAL_FAILURE(settle_on(kNorth));
  const auto times = measure_edits(lab(), kEdits);
  ASSERT_TRUE(times) << times.error().message();
  std::cout << times->to_string() << '\n';
  streams->expect_lossless();
  EXPECT_LE(times->ipv4.median, kMedianAtMost);
  EXPECT_LE(times->ipv6.median, kMedianAtMost);
}

}  // namespace
}  // namespace sextant::e2e
