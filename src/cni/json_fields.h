// Typed reading of JSON fields. Every error names the field and what was found there.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sextant::cni {

/// "mtu: expected a whole number, found "big""
[[nodiscard]] inline tl::unexpected<Error> wrong_field(std::string_view field,
                                                       std::string_view expected,
                                                       const boost::json::value& found) {
  return failure("read", std::string(field),
                 "expected " + std::string(expected) + ", found " + boost::json::serialize(found));
}

/// null and a missing field read alike: as nothing.
[[nodiscard]] inline const boost::json::value* find_field(const boost::json::object& object,
                                                          std::string_view name) {
  const auto* value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

/// Empty where the field is missing.
[[nodiscard]] inline Result<std::string> text_field(const boost::json::object& object,
                                                    std::string_view name,
                                                    std::string_view where = {}) {
  const auto* value = find_field(object, name);
  if (value == nullptr) return std::string();
  if (!value->is_string()) {
    return wrong_field(std::string(where) + std::string(name), "text", *value);
  }
  return std::string(value->get_string());
}

[[nodiscard]] inline Result<std::vector<std::string>> text_list_field(
    const boost::json::object& object, std::string_view name, std::string_view where = {}) {
  std::vector<std::string> texts;
  const auto* value = find_field(object, name);
  if (value == nullptr) return texts;
  const std::string field = std::string(where) + std::string(name);
  if (!value->is_array()) return wrong_field(field, "a list of texts", *value);
  for (const auto& each : value->get_array()) {
    if (!each.is_string()) return wrong_field(field, "a list of texts", *value);
    texts.emplace_back(each.get_string());
  }
  return texts;
}

}  // namespace sextant::cni
