#include "injector/policy_set.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "injector/policy_document.h"
#include "injector/srv6_pi_reader.h"
#include "injector/srv6_policy_reader.h"
#include "sources/intent_store.h"
#include "sources/object.h"
#include "sources/yaml.h"

namespace sextant::injector {
namespace {

using sources::Fields;
using sources::Finding;
using sources::Severity;
using sources::Value;

std::string text_of(const Value& map, std::string_view name) {
  const auto* found = map.find(name);
  return found != nullptr && found->kind == Value::Kind::kString ? found->text : std::string();
}

class Reader {
 public:
  void read(const NamedText& file);
  [[nodiscard]] PolicySet finish();

 private:
  void document(const Value& root, const std::string& source);
  void srv6_pi(const Value& root, const std::string& source);
  void injected_policy(const Value& root, const std::string& source);
  void object(const Value& root, const std::string& source);
  void add_findings(std::vector<Finding> findings) {
    set_.findings.insert(set_.findings.end(), std::make_move_iterator(findings.begin()),
                         std::make_move_iterator(findings.end()));
  }
  void find_repeated();

  PolicySet set_;
  sources::IntentStore nodes_;
  std::vector<overlay::Policy> srv6_policies_;
};

void Reader::read(const NamedText& file) {
  const auto documents = sources::parse_yaml(file.text);
  if (!documents) {
    set_.findings.push_back({Severity::kError,
                             {{"File", file.name},
                              file.name + ":" + std::to_string(documents.error().line),
                              documents.error().reason}});
    return;
  }
  for (const auto& root : *documents) document(root, file.name);
}

void Reader::document(const Value& root, const std::string& source) {
  if (root.kind == Value::Kind::kNull) return;
  if (is_srv6_pi(root)) return srv6_pi(root, source);
  const auto kind = text_of(root, "kind");
  const auto* items = root.find("items");
  // A List of Kubernetes' own, or what `-o json` prints: each item stands for itself.
  if (items != nullptr && items->kind == Value::Kind::kList && (kind.empty() || kind == "List")) {
    for (const auto& item : items->items) document(item, source);
    return;
  }
  if (kind == kPolicyKind && text_of(root, "apiVersion") == kApiVersion)
    return injected_policy(root, source);
  object(root, source);
}

void Reader::srv6_pi(const Value& root, const std::string& source) {
  const overlay::ObjectKey key{"File", source};
  Fields fields(root, key, source);
  if (auto read = read_srv6_pi(root, fields)) {
    set_.policies.push_back({std::move(read->policy), fields.location(root), read->withdraw});
  }
  add_findings(fields.release());
}

void Reader::injected_policy(const Value& root, const std::string& source) {
  const auto* metadata = root.find("metadata");
  const auto name = metadata == nullptr ? std::string() : text_of(*metadata, "name");
  const overlay::ObjectKey key{std::string(kPolicyKind), name.empty() ? "without a name" : name};
  Fields fields(root, key, source);
  if (auto read = read_injected_policy(root, fields))
    set_.policies.push_back({std::move(*read), fields.location(root)});
  add_findings(fields.release());
}

void Reader::object(const Value& root, const std::string& source) {
  sources::Reading reading;
  sources::read_document(root, source, reading);
  for (auto& finding : reading.findings) {
    if (finding.problem.reason == "an object without 'kind'")
      finding.problem.reason += ", and no file of SRv6-PI (no 'nlri')";
    set_.findings.push_back(std::move(finding));
  }
  for (const auto& key : reading.ignored) {
    set_.findings.push_back(
        {Severity::kWarning, {key, source, "is neither a policy nor a node: ignored"}});
  }
  for (auto& one : reading.objects) {
    add_findings(std::move(one.findings));
    one.findings.clear();
    if (!one.usable) continue;
    if (one.key.kind == "SRv6Policy") {
      for (auto& policy : one.policies) srv6_policies_.push_back(std::move(policy));
      continue;
    }
    if (!one.policies.empty()) {
      set_.findings.push_back(
          {Severity::kWarning,
           {one.key, one.location, "its policies are one node's own: not injected"}});
    }
    const auto key = one.key;
    nodes_.set(key, std::make_shared<const sources::Object>(std::move(one)));
  }
}

/// RFC 9830 section 2.1: the second would replace the first.
void Reader::find_repeated() {
  std::map<PolicyKey, const PlacedPolicy*> first;
  for (const auto& placed : set_.policies) {
    const auto [at, added] = first.emplace(placed.policy.key, &placed);
    if (added) continue;
    set_.findings.push_back(
        {Severity::kError,
         {{std::string(kPolicyKind), placed.policy.title()},
          placed.location,
          "color " + std::to_string(placed.policy.key.color.value) + ", endpoint " +
              placed.policy.key.endpoint.to_string() + ", distinguisher " +
              std::to_string(placed.policy.key.distinguisher) + " is that of " +
              at->second->location + " too; give one of them another distinguisher"}});
  }
}

PolicySet Reader::finish() {
  (void)nodes_.take_change();  // brings intent() up to date
  for (const auto& policy : srv6_policies_) {
    auto injected = inject(policy, nodes_.intent().nodes, set_.findings);
    set_.policies.insert(set_.policies.end(), std::make_move_iterator(injected.begin()),
                         std::make_move_iterator(injected.end()));
  }
  find_repeated();
  return std::move(set_);
}

}  // namespace

bool PolicySet::failed() const {
  return std::ranges::any_of(
      findings, [](const Finding& finding) { return finding.severity == Severity::kError; });
}

std::vector<InjectedPolicy> PolicySet::wanted() const {
  std::vector<InjectedPolicy> found;
  for (const auto& placed : policies)
    if (!placed.withdraw) found.push_back(placed.policy);
  return found;
}

std::vector<PolicyKey> PolicySet::unwanted() const {
  std::vector<PolicyKey> found;
  for (const auto& placed : policies)
    if (placed.withdraw) found.push_back(placed.policy.key);
  return found;
}

PolicySet read_policies(const std::vector<NamedText>& texts) {
  Reader reader;
  for (const auto& text : texts) reader.read(text);
  return reader.finish();
}

}  // namespace sextant::injector
