// Who watches the injected policies: each hears what is there, then every change. Pure but for the
// streams that it pushes into.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "agent/http_stream.h"
#include "injector/backend.h"

namespace sextant::injector {

class Watchers {
 public:
  using Reports = std::vector<PolicyReport>;

  /// A new one, who is told `now`; the others are told what differs from what they know.
  [[nodiscard]] std::shared_ptr<agent::HttpStream> add(const Reports& now);
  void publish(const Reports& now);
  /// Whether anybody listens: else nobody needs publish() to be called.
  [[nodiscard]] bool any();

 private:
  std::map<PolicyKey, PolicyReport> known_;
  std::vector<std::shared_ptr<agent::HttpStream>> streams_;
};

/// What has happened between the two.
[[nodiscard]] std::vector<PolicyEvent> events_between(
    const std::map<PolicyKey, PolicyReport>& before,
    const std::map<PolicyKey, PolicyReport>& after);

}  // namespace sextant::injector
