#include "e2e/path_watch.h"

#include <condition_variable>
#include <mutex>

#include "e2e/lab.h"
#include "testbed/stream.h"

namespace sextant::e2e {

struct PathWatch::State {
  std::mutex mutex;
  std::condition_variable arrived;
  Time from;
  std::array<std::optional<Time>, 2> first;

  void look(const testbed::CapturedPacket& packet) {
    const auto port = packet.inner.destination_port;
    if (port != kPort4 && port != kPort6) return;
    const std::size_t family = port == kPort4 ? 0 : 1;
    const auto header = testbed::decode_stream_header(packet.inner.payload);
    const std::lock_guard lock(mutex);
    if (!header || header->sent < from || first[family]) return;
    first[family] = packet.at;
    arrived.notify_all();
  }
};

Result<PathWatch> PathWatch::start(const std::string& netns) {
  auto state = std::make_shared<State>();
  auto sniffer = testbed::Sniffer::start(
      {.netns = netns, .outgoing = false, .filter = [state](const testbed::CapturedPacket& packet) {
         state->look(packet);
         return false;  // nothing is stored
       }});
  if (!sniffer) return tl::unexpected(sniffer.error());
  return PathWatch(std::move(state), std::move(*sniffer));
}

void PathWatch::arm(Time from) {
  const std::lock_guard lock(state_->mutex);
  state_->from = from;
  state_->first = {};
}

std::optional<std::array<PathWatch::Time, 2>> PathWatch::wait(
    std::chrono::milliseconds timeout) const {
  std::unique_lock lock(state_->mutex);
  const auto both = [&] { return state_->first[0] && state_->first[1]; };
  if (!state_->arrived.wait_for(lock, timeout, both)) return std::nullopt;
  return std::array{*state_->first[0], *state_->first[1]};
}

}  // namespace sextant::e2e
