#include "injector/report_json.h"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "injector/policy_document.h"
#include "sources/yaml.h"

namespace sextant::injector {
namespace {

namespace json = boost::json;
using sources::Fields;
using sources::Value;

constexpr auto kOperation = "read";
constexpr auto kObject = "the injector's answer";
constexpr std::array<std::pair<PolicyEvent::Kind, std::string_view>, 4> kKinds{
    {{PolicyEvent::Kind::kPresent, "Present"},
     {PolicyEvent::Kind::kAnnounced, "Announced"},
     {PolicyEvent::Kind::kChanged, "Changed"},
     {PolicyEvent::Kind::kWithdrawn, "Withdrawn"}}};

bool flag(const Value& map, std::string_view name) {
  const auto* found = map.find(name);
  return found != nullptr && found->kind == Value::Kind::kBool && found->text == "true";
}

std::string text(const Value& map, std::string_view name) {
  const auto* found = map.find(name);
  return found == nullptr || found->kind != Value::Kind::kString ? std::string() : found->text;
}

const std::vector<Value>& list(const Value& map, std::string_view name) {
  static const std::vector<Value> kNone;
  const auto* found = map.find(name);
  return found == nullptr ? kNone : found->items;
}

void read_status(const Value& status, PolicyReport& report) {
  report.peers_known = flag(status, "peersKnown");
  for (const auto& peer : list(status, "peers")) {
    report.peers.push_back({.peer = text(peer, "peer"),
                            .established = flag(peer, "established"),
                            .sent = flag(peer, "sent"),
                            .reason = text(peer, "reason")});
  }
  report.headends_known = flag(status, "headendsKnown");
  for (const auto& headend : list(status, "headends")) {
    report.headends.push_back({.headend = text(headend, "headend"),
                               .accepted = flag(headend, "accepted"),
                               .active = flag(headend, "active"),
                               .pending = flag(headend, "pending"),
                               .reason = text(headend, "reason")});
  }
}

Result<PolicyReport> read_report(const Value& root) {
  const overlay::ObjectKey key{std::string(kPolicyKind), {}};
  PolicyReport report;
  if (const auto* status = root.find("status")) read_status(*status, report);
  Fields fields(root, key, "answer");
  auto policy = read_injected_policy(root, fields);
  if (!policy) {
    const auto findings = fields.release();
    return failure(kOperation, kObject, findings.empty() ? "no policy" : findings.front().text(),
                   "the daemon and this program are of different versions");
  }
  report.policy = std::move(*policy);
  return report;
}

Result<Value> parse(const std::string& answer) {
  auto documents = sources::parse_yaml(answer);
  if (!documents) return failure(kOperation, kObject, documents.error().reason);
  if (documents->size() != 1) return failure(kOperation, kObject, "not exactly one document");
  return std::move(documents->front());
}

}  // namespace

std::string_view to_string(PolicyEvent::Kind kind) {
  for (const auto& [known, name] : kKinds)
    if (known == kind) return name;
  return "";
}

json::object to_json(const PolicyReport& report) {
  json::array peers;
  for (const auto& peer : report.peers) {
    json::object object{
        {"peer", peer.peer}, {"established", peer.established}, {"sent", peer.sent}};
    if (!peer.reason.empty()) object["reason"] = peer.reason;
    peers.push_back(std::move(object));
  }
  json::array headends;
  for (const auto& headend : report.headends) {
    json::object object{{"headend", headend.headend},
                        {"accepted", headend.accepted},
                        {"active", headend.active},
                        {"pending", headend.pending}};
    if (!headend.reason.empty()) object["reason"] = headend.reason;
    headends.push_back(std::move(object));
  }
  auto document = to_document(report.policy);
  document["status"] = {{"peersKnown", report.peers_known},
                        {"peers", std::move(peers)},
                        {"headendsKnown", report.headends_known},
                        {"headends", std::move(headends)}};
  return document;
}

json::object to_json(const PolicyEvent& event) {
  return {{"type", to_string(event.kind)}, {"policy", to_json(event.report)}};
}

Result<std::vector<PolicyReport>> read_reports(const std::string& text) {
  const auto root = parse(text);
  if (!root) return tl::unexpected(root.error());
  std::vector<PolicyReport> reports;
  for (const auto& item : list(*root, "items")) {
    auto report = read_report(item);
    if (!report) return tl::unexpected(report.error());
    reports.push_back(std::move(*report));
  }
  return reports;
}

Result<PolicyEvent> read_event(const std::string& line) {
  const auto root = parse(line);
  if (!root) return tl::unexpected(root.error());
  const auto type = text(*root, "type");
  const auto* policy = root->find("policy");
  for (const auto& [kind, name] : kKinds) {
    if (name != type || policy == nullptr) continue;
    auto report = read_report(*policy);
    if (!report) return tl::unexpected(report.error());
    return PolicyEvent{.kind = kind, .report = std::move(*report)};
  }
  return failure(kOperation, kObject, "'" + type + "' is no kind of event");
}

std::string documents_text(const std::vector<InjectedPolicy>& policies) {
  json::array items;
  for (const auto& policy : policies) items.push_back(to_document(policy));
  return json::serialize(json::value{{"items", std::move(items)}});
}

}  // namespace sextant::injector
