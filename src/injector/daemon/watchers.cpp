#include "injector/daemon/watchers.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <string>
#include <utility>

#include "injector/report_json.h"

namespace sextant::injector {
namespace {

std::map<PolicyKey, PolicyReport> by_key(const Watchers::Reports& reports) {
  std::map<PolicyKey, PolicyReport> found;
  for (const auto& report : reports) found.emplace(report.policy.key, report);
  return found;
}

std::string line(const PolicyEvent& event) { return boost::json::serialize(to_json(event)) + "\n"; }

}  // namespace

std::vector<PolicyEvent> events_between(const std::map<PolicyKey, PolicyReport>& before,
                                        const std::map<PolicyKey, PolicyReport>& after) {
  std::vector<PolicyEvent> events;
  for (const auto& [key, report] : before)
    if (!after.contains(key)) events.push_back({PolicyEvent::Kind::kWithdrawn, report});
  for (const auto& [key, report] : after) {
    const auto found = before.find(key);
    if (found == before.end()) {
      events.push_back({PolicyEvent::Kind::kAnnounced, report});
    } else if (found->second != report) {
      events.push_back({PolicyEvent::Kind::kChanged, report});
    }
  }
  return events;
}

bool Watchers::any() {
  std::erase_if(streams_, [](const auto& stream) { return stream->gone(); });
  return !streams_.empty();
}

void Watchers::publish(const Reports& now) {
  auto after = by_key(now);
  std::string text;
  for (const auto& event : events_between(known_, after)) text += line(event);
  known_ = std::move(after);
  if (text.empty()) return;
  for (const auto& stream : streams_) stream->push(text);
}

std::shared_ptr<agent::HttpStream> Watchers::add(const Reports& now) {
  if (any()) {
    publish(now);
  } else {
    known_ = by_key(now);
  }
  auto stream = std::make_shared<agent::HttpStream>();
  std::string text;
  for (const auto& [key, report] : known_) text += line({PolicyEvent::Kind::kPresent, report});
  stream->push(text);
  streams_.push_back(stream);
  return stream;
}

}  // namespace sextant::injector
