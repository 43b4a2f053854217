// Injected policies for people.
#pragma once

#include <string>
#include <vector>

#include "injector/backend.h"
#include "injector/difference.h"

namespace sextant::cli {

/// A policy a line.
[[nodiscard]] std::string pi_table(const std::vector<injector::PolicyReport>& reports);
/// A policy with all that is known of it, in lines.
[[nodiscard]] std::string pi_details(const injector::PolicyReport& report);
/// "changed    gold (94,fd12::1000,4)  sent to 3/3 peers, 2/3 headends accepted"
[[nodiscard]] std::string pi_event_line(const injector::PolicyEvent& event);
/// "+ gold (...)", "~ ...", "- ..." and how many of each.
[[nodiscard]] std::string pi_difference(const injector::Difference& difference);

/// "3/3 peers", "nobody: fd10::1000: the session is Active"; "-" where that is not known.
[[nodiscard]] std::string sent_cell(const injector::PolicyReport& report);
/// "1/3 accepted; rejected: 10.0.0.3: ...; pending: 10.0.0.4: ...", "no headend reports it"; "-"
/// where peers cannot tell.
[[nodiscard]] std::string headends_cell(const injector::PolicyReport& report);

}  // namespace sextant::cli
