// What this node tells the cluster of itself: the Reconciler's state as a NodeStatus, and whether
// the node is fit for pods. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/reconciler.h"
#include "sources/finding.h"
#include "sources/kubernetes/node_readiness.h"
#include "sources/kubernetes/node_status.h"

namespace sextant::agent {

/// What the report needs besides the Reconciler.
struct ReportContext {
  srv6::EncapMode encap = srv6::EncapMode::kEncaps;
  std::string hold;  // why the first reconcile waits; empty where it does not
  kubernetes::LocatorOrigin locator_origin = kubernetes::LocatorOrigin::kNone;
  std::string no_locator_reason;   // where there is none: "PoolExhausted"
  std::string no_locator_message;  // where there is none, and more is known
  /// Of an object as the API server has it now.
  std::function<kubernetes::ObjectVersion(const overlay::ObjectKey&)> version;
  /// Why its newest form is not in force; empty where it is.
  std::function<std::string(const overlay::ObjectKey&)> fault;
};

/// Times are left out.
[[nodiscard]] kubernetes::NodeStatus make_node_status(const Reconciler& reconciler,
                                                      const ReportContext& context);

/// Of policies of the intent; of ones towards this node itself, that.
[[nodiscard]] std::vector<kubernetes::PolicyReport> make_policy_reports(
    const Reconciler& reconciler, const ReportContext& context,
    const std::vector<const overlay::Policy*>& policies);

/// Whether the node forwards: the first reconcile has succeeded, the node's own SIDs are there, and
/// nothing that all traffic needs has failed. `why_not` is filled where it does not.
[[nodiscard]] kubernetes::Progress make_progress(const Reconciler& reconciler, bool stood,
                                                 const std::string& hold);

}  // namespace sextant::agent
