// An SRv6Policy as the aggregator reads it: by the readers of the manifests, and what is in its
// status already.
#include <algorithm>
#include <boost/json.hpp>

#include "sources/kubernetes/json_text.h"
#include "sources/kubernetes/json_value.h"
#include "sources/kubernetes/policy_summary.h"
#include "sources/object.h"

namespace sextant::kubernetes {
namespace {

namespace json = boost::json;

PolicySummary read_summary(const json::value* status) {
  PolicySummary summary;
  if (status == nullptr) return summary;
  summary.observed_generation = number_at(*status, "observedGeneration");
  summary.conditions = read_conditions(find(*status, "conditions"));
  summary.headends = static_cast<std::size_t>(
      std::max<std::int64_t>(0, number_at(*status, "headends", "selected")));
  summary.ready =
      static_cast<std::size_t>(std::max<std::int64_t>(0, number_at(*status, "headends", "ready")));
  const auto* not_ready = find(*status, "notReadyHeadends");
  if (not_ready != nullptr && not_ready->is_array())
    for (const auto& entry : not_ready->get_array())
      summary.not_ready.push_back(
          {text_at(entry, "nodeName"), {text_at(entry, "reason"), text_at(entry, "message")}});
  return summary;
}

}  // namespace

PolicyObject read_policy_object(const json::object& object) {
  PolicyObject policy{.name = text_at(object, "metadata", "name"),
                      .version = {.uid = text_at(object, "metadata", "uid"),
                                  .generation = number_at(object, "metadata", "generation")},
                      .resource_version = text_at(object, "metadata", "resourceVersion"),
                      .written = read_summary(find(object, "status"))};
  // Items of a list carry no type of their own; and status is no matter of the reader's.
  json::value bare{{"apiVersion", "sextant.dev/v1alpha1"},
                   {"kind", "SRv6Policy"},
                   {"metadata", {{"name", policy.name}}}};
  if (const auto* spec = find(object, "spec")) bare.get_object()["spec"] = *spec;
  sources::Reading reading;
  sources::read_document(value_of(bare), {}, reading);
  auto findings = std::move(reading.findings);
  for (auto& read : reading.objects) {
    policy.policies = std::move(read.policies);
    findings.insert(findings.end(), read.findings.begin(), read.findings.end());
  }
  for (const auto& finding : findings) {
    if (finding.severity != sources::Severity::kError) continue;
    policy.fault += (policy.fault.empty() ? "" : "; ") + finding.problem.reason;
  }
  return policy;
}

}  // namespace sextant::kubernetes
