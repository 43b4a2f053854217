#include "sources/kubernetes/json_value.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace sextant::kubernetes {

namespace json = boost::json;
using sources::Value;

Value value_of(const json::value& from) {
  Value value;
  switch (from.kind()) {
    case json::kind::null:
      break;
    case json::kind::bool_:
      value.kind = Value::Kind::kBool;
      value.text = from.get_bool() ? "true" : "false";
      break;
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_:
      value.kind = Value::Kind::kNumber;
      value.text = json::serialize(from);
      break;
    case json::kind::string:
      value.kind = Value::Kind::kString;
      value.text = from.get_string();
      value.literal = true;
      break;
    case json::kind::array:
      value.kind = Value::Kind::kList;
      value.items.reserve(from.get_array().size());
      for (const auto& item : from.get_array()) value.items.push_back(value_of(item));
      break;
    case json::kind::object:
      value.kind = Value::Kind::kMap;
      value.items.reserve(from.get_object().size());
      value.keys.reserve(from.get_object().size());
      for (const auto& [key, item] : from.get_object()) {
        value.keys.emplace_back(key);
        value.items.push_back(value_of(item));
      }
      break;
  }
  return value;
}

}  // namespace sextant::kubernetes
