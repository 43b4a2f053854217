// The demonstration's traffic: one UDP stream a family between two pods, and captures of both in
// every router.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "testbed/pods.h"
#include "testbed/sniffer.h"
#include "testbed/stream.h"
#include "testbed/testbed.h"

namespace sextant::testbed {

class DemoTraffic {
 public:
  using Path = std::vector<std::string>;  // routers in the order of crossing
  using Time = std::chrono::system_clock::time_point;

  /// Starts captures, then the streams. Errors: no such pods, no answer within seconds.
  [[nodiscard]] static Result<DemoTraffic> start(const Id& id, const Topology& lab, const Pod& from,
                                                 const Pod& to);

  struct Flow {
    Family family;
    IpAddress source;
    IpAddress destination;
    Stream stream;
  };
  [[nodiscard]] std::vector<Flow>& flows() { return flows_; }

  /// Waits until `count` more packets of each flow arrived; false where they do not.
  [[nodiscard]] bool await(std::uint64_t count) const;
  /// Forgets what was captured.
  void clear();

  /// Which routers each packet that was sent in [from, to) crossed: the paths, and how many packets
  /// took each. Call it when those packets have arrived.
  [[nodiscard]] std::map<Path, std::size_t> paths(const Flow& flow, Time from, Time to) const;
  /// One captured packet of the flow as it entered `router`.
  [[nodiscard]] std::optional<CapturedPacket> example(const Flow& flow,
                                                      const std::string& router) const;
  /// The first packet of the flow after now, or after the last clear(), that `router` gets.
  [[nodiscard]] std::optional<CapturedPacket> first_at(const Flow& flow, const std::string& router,
                                                       std::chrono::milliseconds limit) const;
  /// Packets that a capture missed: its word about paths is then worth nothing.
  [[nodiscard]] std::size_t missed() const;

 private:
  std::map<std::string, Sniffer> sniffers_;  // by router
  std::vector<Flow> flows_;
};

}  // namespace sextant::testbed
