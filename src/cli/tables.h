// The API's answers as tables for people.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

namespace sextant::cli {

/// Each takes the answer of the API path of its name; docs/reference-api.md has the fields. Missing
/// fields print as "-".
[[nodiscard]] std::string status_table(const boost::json::value& answer);
[[nodiscard]] std::string sids_table(const boost::json::value& answer);
[[nodiscard]] std::string policies_table(const boost::json::value& answer);
[[nodiscard]] std::string routes_table(const boost::json::value& answer);
[[nodiscard]] std::string nodes_table(const boost::json::value& answer);

}  // namespace sextant::cli
