// Reading objects of the API that Sextant's own agents wrote: what is missing or of another type
// reads as empty, since a user may have edited it.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace sextant::kubernetes {

/// The member at the end of the path; null where there is none.
template <typename... Keys>
[[nodiscard]] const boost::json::value* find(const boost::json::value& from, Keys... path) {
  const boost::json::value* at = &from;
  for (const std::string_view key : std::initializer_list<std::string_view>{path...}) {
    const auto* object = at->if_object();
    at = object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
    if (at == nullptr) return nullptr;
  }
  return at;
}

template <typename Key, typename... Keys>
[[nodiscard]] const boost::json::value* find(const boost::json::object& from, Key key,
                                             Keys... path) {
  const std::string_view name(key);
  const auto* at = from.if_contains({name.data(), name.size()});
  return at == nullptr ? nullptr : find(*at, path...);
}

[[nodiscard]] inline std::string text_of(const boost::json::value* value) {
  const auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

template <typename Json, typename... Keys>
[[nodiscard]] std::string text_at(const Json& from, Keys... path) {
  return text_of(find(from, path...));
}

/// 0 where it is no whole number.
[[nodiscard]] inline std::int64_t number_of(const boost::json::value* value) {
  if (value == nullptr || !value->is_number()) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  return error ? 0 : number;
}

template <typename Json, typename... Keys>
[[nodiscard]] std::int64_t number_at(const Json& from, Keys... path) {
  return number_of(find(from, path...));
}

[[nodiscard]] inline boost::json::string json_text(std::string_view text) {
  return boost::json::string(text.data(), text.size());
}

}  // namespace sextant::kubernetes
