#include "bgp/wire/verdict.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace sextant::bgp {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kAccept:
      return "accept";
    case Verdict::kAttributeDiscard:
      return "attribute-discard";
    case Verdict::kTreatAsWithdraw:
      return "treat-as-withdraw";
    case Verdict::kAfiSafiDisable:
      return "afi-safi-disable";
    case Verdict::kSessionReset:
      return "session-reset";
  }
  return "unknown";
}

void Judgement::add(Fault fault) {
  const bool worse = fault.verdict > worst_;
  worst_ = std::max(worst_, fault.verdict);
  if (worse || faults_.size() < kMostKept) {
    faults_.push_back(std::move(fault));
  } else {
    ++more_;
  }
}

void Judgement::add(const Judgement& other) {
  for (const auto& fault : other.faults_) add(fault);
  more_ += other.more_;
}

std::string Judgement::reasons() const {
  auto sorted = faults_;
  std::ranges::stable_sort(sorted, std::ranges::greater{}, &Fault::verdict);
  std::string text;
  for (const auto& fault : sorted) {
    if (!text.empty()) text += "; ";
    text += fault.reason;
  }
  if (more_ > 0) text += "; and " + std::to_string(more_) + " more";
  return text;
}

Notification Judgement::notification() const {
  const auto fault = std::ranges::find(faults_, worst_, &Fault::verdict);
  assert(fault != faults_.end());
  return bgp::notification(fault->error, fault->data);
}

}  // namespace sextant::bgp
