// The moment after which no packet acts any more on what the kernel had before.
#pragma once

namespace sextant::dataplane {

/// Waits until the packets that the kernel handles now are through with what they have read of
/// routes and BPF maps: an RCU grace period, some milliseconds. Returns at once where the kernel
/// has full dynticks processors (nohz_full): those keep the small risk.
void await_grace_period();

}  // namespace sextant::dataplane
