// Logging for an operator: what happened, to which object, what follows.
//
//   log::info("reading all manifests in {} again", path);
//   log::warn({{"object", name}, {"error", error}}, "not applied: {}", error.message());
//
// The message is for people and says all of it. Fields say the same to machines: a formatter for
// structured logs reads them (fields()) while the line is written. Loggers are synchronous.
#pragma once

#include <spdlog/spdlog.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace sextant::log {

using spdlog::critical;
using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

/// A named value of one line. Refers to what it was made from, which outlives the call.
struct Field {
  using Value = std::variant<std::string_view, std::int64_t, double, const Error*>;

  Field(std::string_view field, std::string_view text) : name(field), value(text) {}
  Field(std::string_view field, const std::string& text) : name(field), value(text) {}
  Field(std::string_view field, const char* text) : name(field), value(text) {}
  Field(std::string_view field, std::integral auto number)
      : name(field), value(static_cast<std::int64_t>(number)) {}
  Field(std::string_view field, double number) : name(field), value(number) {}
  Field(std::string_view field, const Error& cause) : name(field), value(&cause) {}

  std::string_view name;
  Value value;
};
using Fields = std::initializer_list<Field>;

/// The fields of the line that this thread is writing.
[[nodiscard]] std::span<const Field> fields();

/// Gives the calling thread's next lines their fields.
class FieldScope {
 public:
  explicit FieldScope(Fields fields);
  ~FieldScope();
  FieldScope(const FieldScope&) = delete;
  FieldScope& operator=(const FieldScope&) = delete;
};

template <typename... Args>
void info(Fields fields, spdlog::format_string_t<Args...> format, Args&&... args) {
  const FieldScope scope(fields);
  spdlog::info(format, std::forward<Args>(args)...);
}
template <typename... Args>
void warn(Fields fields, spdlog::format_string_t<Args...> format, Args&&... args) {
  const FieldScope scope(fields);
  spdlog::warn(format, std::forward<Args>(args)...);
}
template <typename... Args>
void error(Fields fields, spdlog::format_string_t<Args...> format, Args&&... args) {
  const FieldScope scope(fields);
  spdlog::error(format, std::forward<Args>(args)...);
}
template <typename... Args>
void critical(Fields fields, spdlog::format_string_t<Args...> format, Args&&... args) {
  const FieldScope scope(fields);
  spdlog::critical(format, std::forward<Args>(args)...);
}

}  // namespace sextant::log
