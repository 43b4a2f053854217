// The doctor's findings for people and for programs.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

#include "doctor/finding.h"

namespace sextant::cli {

[[nodiscard]] doctor::Verdict worst(const doctor::Findings& findings);

/// A line a finding; below those that are not well, why it matters and what to do.
[[nodiscard]] std::string doctor_text(const doctor::Findings& findings, bool problems_only);

/// {verdict, counts: {ok, warn, fail}, findings: [{verdict, check, object, found, why, mend}]}
[[nodiscard]] boost::json::value doctor_json(const doctor::Findings& findings);

}  // namespace sextant::cli
