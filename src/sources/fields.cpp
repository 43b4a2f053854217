#include "sources/fields.h"

#include <algorithm>
#include <charconv>

namespace sextant::sources {
namespace {

constexpr std::size_t kMostFindings =
    20;  // an object; a hundred thousand bad prefixes are one mistake

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

/// What is wrong with a scalar's type, with the way out where YAML itself plays the trick.
std::string type_mismatch(const Value& value, std::string_view wanted) {
  std::string reason{to_string(value.kind)};
  if (!value.text.empty()) reason += " (" + value.text + ")";
  reason += " where " + std::string(wanted) + " is needed";
  if (wanted == "a string") {
    if (value.kind == Value::Kind::kNumber || value.kind == Value::Kind::kBool) {
      reason += "; put it in quotes";
    } else if (value.kind == Value::Kind::kMap && value.keys.size() == 1 &&
               value.keys[0].find(':') != std::string::npos) {
      // `- fcff:6::` is a map from "fcff:6:" to nothing.
      reason += "; an address that ends in a colon needs quotes";
    }
  }
  return reason;
}

bool repeats(const Value& map, std::string_view name) {
  return std::ranges::count(map.keys, name) > 1;
}

}  // namespace

bool is_kubernetes_name(std::string_view text) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (text.empty() || text.size() > 253) return false;
  char before = '.';
  for (const char c : text) {
    if (!alphanumeric(c) && c != '-' && c != '.') return false;
    if (before == '.' && !alphanumeric(c)) return false;  // each label starts ...
    if (c == '.' && !alphanumeric(before)) return false;  // ... and ends with one of these
    before = c;
  }
  return alphanumeric(before);
}

overlay::Location Fields::location(const Value& at) const {
  return at.line == 0 ? source_ : source_ + ":" + std::to_string(at.line);
}

void Fields::add(Severity severity, const Value& at, std::string reason) {
  if (findings_.size() >= kMostFindings) {
    ++left_out_;
    return;
  }
  const auto path = path_of(root_, at);
  std::string text = prefix_ + path;
  if (!path.empty()) text += ": ";
  Finding finding{severity, {key_, location(at), text + std::move(reason)}};
  // A value that is no map is found wrong at each of its fields.
  if (std::ranges::find(findings_, finding) == findings_.end()) {
    findings_.push_back(std::move(finding));
  }
}

void Fields::error(const Value& at, std::string reason) {
  failed_ = true;
  add(Severity::kError, at, std::move(reason));
}

void Fields::warn(const Value& at, std::string reason) {
  add(Severity::kWarning, at, std::move(reason));
}

std::vector<Finding> Fields::release() {
  if (left_out_ > 0) {
    findings_.push_back({failed_ ? Severity::kError : Severity::kWarning,
                         {key_, location(root_),
                          prefix_ + "and " + std::to_string(left_out_) + " more like these"}});
  }
  return std::move(findings_);
}

void Fields::take(Fields&& part) {
  failed_ = failed_ || part.failed_;
  auto findings = part.release();
  findings_.insert(findings_.end(), findings.begin(), findings.end());
}

const Value* Fields::optional(const Value& map, std::string_view name) {
  if (map.kind != Value::Kind::kMap) {
    if (map.kind != Value::Kind::kNull) error(map, type_mismatch(map, "a map"));
    return nullptr;
  }
  const auto* found = map.find(name);
  if (repeats(map, name)) {
    const auto last = std::ranges::find(map.keys.rbegin(), map.keys.rend(), name);
    error(map.items[static_cast<std::size_t>(map.keys.rend() - last) - 1],
          "is given twice, first on line " + std::to_string(found->line));
    return nullptr;
  }
  return found == nullptr || found->kind == Value::Kind::kNull ? nullptr : found;
}

const Value* Fields::required(const Value& map, std::string_view name) {
  const auto* found = optional(map, name);
  const bool explained =
      (map.kind != Value::Kind::kMap && map.kind != Value::Kind::kNull) || repeats(map, name);
  if (found == nullptr && !explained) {
    error(map, "the field '" + std::string(name) + "' is missing");
  }
  return found;
}

void Fields::only(const Value& map, std::span<const std::string_view> names) {
  if (map.kind != Value::Kind::kMap) return;  // said where the map is read
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    if (std::ranges::find(names, map.keys[i]) != names.end()) continue;
    std::string known;
    for (const auto name : names) known += (known.empty() ? "" : ", ") + std::string(name);
    warn(map.items[i], "unknown field, ignored; known here: " + known);
  }
}

std::optional<std::string> Fields::string(const Value& value) {
  if (value.kind == Value::Kind::kString) return value.text;
  error(value, type_mismatch(value, "a string"));
  return std::nullopt;
}

std::optional<std::int64_t> Fields::number(const Value& value, std::int64_t lowest,
                                           std::int64_t highest) {
  if (value.kind != Value::Kind::kNumber) {
    error(value, type_mismatch(value, "a number"));
    return std::nullopt;
  }
  std::int64_t number = 0;
  const auto* end = value.text.data() + value.text.size();
  const auto read = std::from_chars(value.text.data(), end, number);
  if (read.ec != std::errc{} || read.ptr != end || number < lowest || number > highest) {
    error(value, value.text + " is not a whole number from " + std::to_string(lowest) + " to " +
                     std::to_string(highest));
    return std::nullopt;
  }
  return number;
}

const std::vector<Value>* Fields::list(const Value& value, std::size_t least, std::size_t most) {
  if (value.kind != Value::Kind::kList) {
    error(value, type_mismatch(value, "a list"));
    return nullptr;
  }
  if (value.items.size() < least) {
    error(value, "is empty; needs at least " + std::to_string(least) +
                     (least == 1 ? " entry" : " entries"));
    return nullptr;
  }
  if (value.items.size() > most) {
    error(value, std::to_string(value.items.size()) + " entries are too many; at most " +
                     std::to_string(most));
    return nullptr;
  }
  return &value.items;
}

std::optional<std::map<std::string, std::string>> Fields::string_map(const Value& value) {
  if (value.kind != Value::Kind::kMap) {
    error(value, type_mismatch(value, "a map"));
    return std::nullopt;
  }
  std::map<std::string, std::string> map;
  for (std::size_t i = 0; i < value.keys.size(); ++i) {
    if (auto text = string(value.items[i])) map[value.keys[i]] = std::move(*text);
  }
  return map;
}

std::optional<std::string> Fields::name(const Value& value) {
  auto text = string(value);
  if (text && !is_kubernetes_name(*text)) {
    error(value, quoted(*text) +
                     " is not a name as Kubernetes has them (lower case letters, digits, " +
                     "'-' and '.')");
    return std::nullopt;
  }
  return text;
}

template <typename T>
std::optional<T> Fields::parsed(const Value& value) {
  const auto text = string(value);
  if (!text) return std::nullopt;
  auto result = T::parse(*text);
  if (!result) {
    const auto& problem = result.error();
    // "'fcff:6:::1' is not an IPv6 address", "'10.0.1.1/24': host bits are set; write 10.0.1.0/24"
    const bool is_sentence =
        problem.cause.starts_with("not ") || problem.cause.find(" where ") != std::string::npos;
    error(value, quoted(*text) + (is_sentence ? " is " : ": ") + problem.cause +
                     (problem.hint.empty() ? "" : "; " + problem.hint));
    return std::nullopt;
  }
  return *result;
}

std::optional<IpAddress> Fields::address(const Value& value) { return parsed<IpAddress>(value); }
std::optional<IpPrefix> Fields::prefix(const Value& value) { return parsed<IpPrefix>(value); }
std::optional<srv6::Sid> Fields::sid(const Value& value) { return parsed<srv6::Sid>(value); }

}  // namespace sextant::sources
