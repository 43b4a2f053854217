// Reading JSON of others that may have any shape: what is missing or of another kind reads as
// empty.
#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace sextant::cli {

/// None where `value` is no object or has no such member.
[[nodiscard]] const boost::json::value* member(const boost::json::value& value,
                                               std::string_view key);
[[nodiscard]] std::string text_of(const boost::json::value* value);
[[nodiscard]] const boost::json::array& elements(const boost::json::value* value);

}  // namespace sextant::cli
