// SR Policies over BGP while traffic flows: injected, edited and withdrawn without a lost packet.
#include "e2e/bgp_injector.h"
#include "e2e/edit_times.h"
#include "e2e/shared_lab.h"

namespace sextant::e2e {
namespace {

constexpr int kEdits = 100;

/// Packets of both families, sent after the action, come by that path.
bool seen_on(const std::string& router_netns, const std::function<void()>& action) {
  auto watch = PathWatch::start(router_netns);
  if (!watch) return false;
  watch->arm(std::chrono::system_clock::now());
  action();
  return watch->wait(std::chrono::seconds(20)).has_value();
}

TEST_F(SharedLab, PoliciesInjectedEditedAndWithdrawnOverBgpLoseNoPacket) {
  auto streams = Streams::start(lab(), 10'000);
  ASSERT_TRUE(streams) << streams.error().message();
  ASSERT_NO_FATAL_FAILURE(settle_on(kNorth));
  const auto injector = BgpInjector::start(lab());
  ASSERT_TRUE(injector) << injector.error().message();
  const auto times = time_edits(lab(), kEdits, [&](const Path& path) -> Result<void> {
    (*injector)->take(path);
    return {};
  });
  ASSERT_TRUE(times) << times.error().message();

  // The last one was kNorth, and so is what the manifests say: away from it, and back.
  EXPECT_TRUE(seen_on(lab().netns(kSouth.router), [&] { (*injector)->take(kSouth); }));
  EXPECT_TRUE(seen_on(lab().netns(kNorth.router), [&] { (*injector)->withdraw(); }))
      << "the manifests' policies do not take over again";
  const auto ended = end_bgp(lab());
  ASSERT_TRUE(ended) << ended.error().message();
  EXPECT_TRUE(streams->go_on(1000));
  streams->expect_lossless();
}

}  // namespace
}  // namespace sextant::e2e
