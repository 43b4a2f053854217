// The machine-readable forms of `sextant -o`: the API's JSON, indented, or the same as YAML.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>

namespace sextant::cli {

[[nodiscard]] std::string indented_json(const boost::json::value& value);
[[nodiscard]] std::string yaml(const boost::json::value& value);

}  // namespace sextant::cli
