#include "cli/output.h"

#include <yaml-cpp/emitter.h>

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cctype>

namespace sextant::cli {
namespace {

namespace json = boost::json;

void append_json(std::string& text, const json::value& value, std::size_t depth) {
  const auto line = [&text](std::size_t at) {
    text += '\n';
    text.append(2 * at, ' ');
  };
  if (const auto* object = value.if_object(); object && !object->empty()) {
    text += '{';
    bool first = true;
    for (const auto& [key, member] : *object) {
      if (!std::exchange(first, false)) text += ',';
      line(depth + 1);
      text += json::serialize(json::value(key)) + ": ";
      append_json(text, member, depth + 1);
    }
    line(depth);
    text += '}';
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    text += '[';
    bool first = true;
    for (const auto& element : *array) {
      if (!std::exchange(first, false)) text += ',';
      line(depth + 1);
      append_json(text, element, depth + 1);
    }
    line(depth);
    text += ']';
  } else if (value.is_double()) {
    text += std::to_string(value.get_double());  // serialize() writes 1.5E0
  } else {
    text += json::serialize(value);
  }
}

/// Whether every YAML reader, 1.1 ones included, takes the bare text for a string.
bool plain_string(std::string_view text) {
  static constexpr std::array<std::string_view, 10> kWords{"true", "false", "null", "yes", "no",
                                                           "on",   "off",   "y",    "n",   "~"};
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text.front())) == 0) return false;
  const auto plain = [](char byte) {
    return std::isalnum(static_cast<unsigned char>(byte)) != 0 ||
           std::string_view("._-/").find(byte) != std::string_view::npos;
  };
  if (!std::all_of(text.begin(), text.end(), plain)) return false;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  return std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
}

void emit(YAML::Emitter& out, const json::value& value) {
  switch (value.kind()) {
    case json::kind::object:
      if (value.get_object().empty()) out << YAML::Flow;
      out << YAML::BeginMap;
      for (const auto& [key, member] : value.get_object()) {
        out << YAML::Key << std::string(key) << YAML::Value;
        emit(out, member);
      }
      out << YAML::EndMap;
      break;
    case json::kind::array:
      if (value.get_array().empty()) out << YAML::Flow;
      out << YAML::BeginSeq;
      for (const auto& element : value.get_array()) emit(out, element);
      out << YAML::EndSeq;
      break;
    case json::kind::string: {
      const std::string text(value.get_string());
      if (!plain_string(text)) out << YAML::DoubleQuoted;
      out << text;
      break;
    }
    case json::kind::bool_:
      out << value.get_bool();
      break;
    case json::kind::double_:
      out << std::to_string(value.get_double());
      break;
    case json::kind::null:
      out << YAML::Null;
      break;
    default:
      out << json::serialize(value);  // integers
  }
}

}  // namespace

std::string indented_json(const json::value& value) {
  std::string text;
  append_json(text, value, 0);
  return text + '\n';
}

std::string yaml(const json::value& value) {
  YAML::Emitter out;
  emit(out, value);
  return std::string(out.c_str()) + '\n';
}

}  // namespace sextant::cli
