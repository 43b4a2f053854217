// Policies with their fate, and events, as the daemon's API says them.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

#include "base/result.h"
#include "injector/backend.h"
#include "injector/injected_policy.h"

namespace sextant::injector {

/// The policy's document with a `status`: {peers: [...], headends: [...], ...}.
[[nodiscard]] boost::json::object to_json(const PolicyReport& report);
/// {type: Present|Announced|Changed|Withdrawn, policy: {...}}
[[nodiscard]] boost::json::object to_json(const PolicyEvent& event);
[[nodiscard]] std::string_view to_string(PolicyEvent::Kind kind);

/// {items: [...]} of reports, in one pass over the text. Error: it is not that.
[[nodiscard]] Result<std::vector<PolicyReport>> read_reports(const std::string& text);
/// One line of a watch.
[[nodiscard]] Result<PolicyEvent> read_event(const std::string& line);

/// {items: [{...}]} of documents, for requests.
[[nodiscard]] std::string documents_text(const std::vector<InjectedPolicy>& policies);

}  // namespace sextant::injector
