// Small helpers for objects of the API as JSON. Private to this room.
#pragma once

#include <boost/json/fwd.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <string>
#include <string_view>

namespace sextant::kube {

/// Null where `value` is no object or has no such member.
[[nodiscard]] const boost::json::value* member(const boost::json::value& value,
                                               std::string_view name);
[[nodiscard]] const boost::json::value* member(const boost::json::object& object,
                                               std::string_view name);
/// Empty where there is no such text.
[[nodiscard]] std::string text_member(const boost::json::value& value, std::string_view name);
[[nodiscard]] std::string text_member(const boost::json::object& object, std::string_view name);

/// "namespace/name", or "name" of what is cluster-scoped; empty where there is no name.
[[nodiscard]] std::string key_of(const boost::json::object& object);
/// metadata.resourceVersion
[[nodiscard]] std::string version_of(const boost::json::object& object);

/// Any depth that the API server accepts.
[[nodiscard]] boost::json::value parse_json(std::string_view text,
                                            boost::system::error_code& error);

/// Parses one object after the other into the same memory.
class ObjectParser {
 public:
  ObjectParser();
  ~ObjectParser();
  ObjectParser(const ObjectParser&) = delete;
  ObjectParser& operator=(const ObjectParser&) = delete;
  /// Null where `text` is no JSON object; see error(). Valid until the next call.
  [[nodiscard]] const boost::json::object* parse(std::string_view text);
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
  std::string error_;
};

}  // namespace sextant::kube
