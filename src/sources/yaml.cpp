#include "sources/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace sextant::sources {
namespace {

constexpr std::size_t kMaxDepth = 64;         // our deepest object needs 9
constexpr std::size_t kMaxAliased = 100'000;  // values that aliases may copy: no "billion laughs"

struct Parser {
  yaml_parser_t raw{};
  Parser() { yaml_parser_initialize(&raw); }
  ~Parser() { yaml_parser_delete(&raw); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
};

struct Event {
  yaml_event_t raw{};
  Event() = default;
  ~Event() { yaml_event_delete(&raw); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
};

std::string_view view(const yaml_char_t* text, std::size_t length) {
  return {reinterpret_cast<const char*>(text), length};
}
std::string_view view(const yaml_char_t* text) {
  return text == nullptr ? std::string_view{} : reinterpret_cast<const char*>(text);
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

bool is_number(std::string_view text) {
  if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
  if (is_one_of(text, {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"})) return true;
  if (text.empty() || (text[0] != '.' && (text[0] < '0' || text[0] > '9'))) return false;
  const auto* end = text.data() + text.size();
  for (const auto& [prefix, base] : {std::pair{"0x", 16}, {"0o", 8}, {"0b", 2}}) {
    if (text.starts_with(prefix)) {
      unsigned long long number = 0;
      const auto read = std::from_chars(text.data() + 2, end, number, base);
      return read.ec != std::errc::invalid_argument && read.ptr == end;
    }
  }
  double number = 0;
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec != std::errc::invalid_argument && read.ptr == end;
}

Value::Kind plain_kind(std::string_view text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return Value::Kind::kNull;
  if (is_one_of(text, {"true", "True", "TRUE", "false", "False", "FALSE", "yes", "Yes", "YES", "no",
                       "No", "NO", "on", "On", "ON", "off", "Off", "OFF"})) {
    return Value::Kind::kBool;
  }
  return is_number(text) ? Value::Kind::kNumber : Value::Kind::kString;
}

std::size_t count(const Value& value) {
  std::size_t sum = 1;
  for (const auto& item : value.items) sum += count(item);
  return sum;
}

class Builder {
 public:
  explicit Builder(std::uint32_t lines_before) : lines_before_(lines_before) {}

  std::optional<YamlError> take(const yaml_event_t& event) {
    at_ = event.start_mark;
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        return scalar(event);
      case YAML_ALIAS_EVENT:
        return alias(view(event.data.alias.anchor));
      case YAML_SEQUENCE_START_EVENT:
        return open(Value::Kind::kList, view(event.data.sequence_start.anchor));
      case YAML_MAPPING_START_EVENT:
        return open(Value::Kind::kMap, view(event.data.mapping_start.anchor));
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        return close();
      case YAML_DOCUMENT_START_EVENT:
        anchors_.clear();
        return std::nullopt;
      default:
        return std::nullopt;
    }
  }

  std::vector<Value> release() { return std::move(documents_); }

 private:
  struct Open {
    Value value;
    std::string anchor;
    std::optional<std::string> key = std::nullopt;  // of the map entry that is being read
  };

  [[nodiscard]] Value make(Value::Kind kind) const {
    Value value;
    value.kind = kind;
    value.line = static_cast<std::uint32_t>(at_.line) + 1 + lines_before_;
    value.column = static_cast<std::uint32_t>(at_.column) + 1;
    return value;
  }

  [[nodiscard]] YamlError fail(std::string reason) const {
    const auto place = make(Value::Kind::kNull);
    return {place.line, place.column, std::move(reason)};
  }

  std::optional<YamlError> scalar(const yaml_event_t& event) {
    const auto& raw = event.data.scalar;
    const auto text = view(raw.value, raw.length);
    const auto tag = view(raw.tag);
    auto value = make(Value::Kind::kString);
    if (raw.style == YAML_PLAIN_SCALAR_STYLE && raw.plain_implicit != 0) {
      value.kind = plain_kind(text);
    } else if (tag == YAML_INT_TAG || tag == YAML_FLOAT_TAG) {
      value.kind = Value::Kind::kNumber;
    }
    value.literal = raw.style == YAML_LITERAL_SCALAR_STYLE;
    if (value.kind != Value::Kind::kNull) value.text = text;
    if (auto anchor = view(raw.anchor); !anchor.empty()) anchors_[std::string(anchor)] = value;
    // A key is a string whatever it looks like: `on: ...`.
    if (!open_.empty() && expects_key()) {
      open_.back().key = std::string(text);
      return std::nullopt;
    }
    return add(std::move(value));
  }

  std::optional<YamlError> alias(std::string_view name) {
    const auto found = anchors_.find(std::string(name));
    if (found == anchors_.end()) return fail("unknown anchor '" + std::string(name) + "'");
    aliased_ += count(found->second);
    if (aliased_ > kMaxAliased) return fail("the aliases expand to too many values");
    return add(found->second);
  }

  std::optional<YamlError> open(Value::Kind kind, std::string_view anchor) {
    if (open_.size() >= kMaxDepth) return fail("nested too deeply");
    if (!open_.empty() && expects_key()) return fail("a list or a map as the key of a map");
    open_.push_back({make(kind), std::string(anchor)});
    return std::nullopt;
  }

  std::optional<YamlError> close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    if (!done.anchor.empty()) anchors_[done.anchor] = done.value;
    return add(std::move(done.value));
  }

  [[nodiscard]] bool expects_key() const {
    return open_.back().value.kind == Value::Kind::kMap && !open_.back().key;
  }

  std::optional<YamlError> add(Value value) {
    if (open_.empty()) {
      documents_.push_back(std::move(value));
      return std::nullopt;
    }
    if (expects_key()) return fail("an alias as the key of a map");
    auto& parent = open_.back();
    if (parent.key) {
      parent.value.keys.push_back(std::move(*parent.key));
      parent.key.reset();
    }
    parent.value.items.push_back(std::move(value));
    return std::nullopt;
  }

  std::uint32_t lines_before_;
  yaml_mark_t at_{};
  std::vector<Value> documents_;
  std::vector<Open> open_;
  std::map<std::string, Value> anchors_;
  std::size_t aliased_ = 0;
};

YamlError parser_error(const yaml_parser_t& parser, std::string_view text,
                       std::uint32_t lines_before) {
  YamlError error{static_cast<std::uint32_t>(parser.problem_mark.line) + 1 + lines_before,
                  static_cast<std::uint32_t>(parser.problem_mark.column) + 1,
                  parser.problem != nullptr ? parser.problem : "out of memory"};
  if (parser.error == YAML_READER_ERROR) {  // has no mark, only an offset in bytes
    const auto before = text.substr(0, std::min(parser.problem_offset, text.size()));
    const auto lines = std::ranges::count(before, '\n');
    const auto line_start = before.rfind('\n');
    error.line = static_cast<std::uint32_t>(lines) + 1 + lines_before;
    error.column = static_cast<std::uint32_t>(
        before.size() - (line_start == std::string_view::npos ? 0 : line_start + 1) + 1);
  } else if (parser.context != nullptr && parser.context_mark.line != parser.problem_mark.line) {
    error.reason += " (" + std::string(parser.context) + " that starts on line " +
                    std::to_string(parser.context_mark.line + 1 + lines_before) + ")";
  }
  return error;
}

}  // namespace

tl::expected<std::vector<Value>, YamlError> parse_yaml(std::string_view text,
                                                       std::uint32_t lines_before) {
  Parser parser;
  yaml_parser_set_input_string(&parser.raw, reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
  Builder builder(lines_before);
  for (;;) {
    Event event;
    if (yaml_parser_parse(&parser.raw, &event.raw) == 0) {
      return tl::unexpected(parser_error(parser.raw, text, lines_before));
    }
    if (event.raw.type == YAML_STREAM_END_EVENT) return builder.release();
    if (auto error = builder.take(event.raw)) return tl::unexpected(std::move(*error));
  }
}

}  // namespace sextant::sources
