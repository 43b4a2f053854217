// A checked cursor over one object's fields: every mistake becomes a Finding with line and path,
// and reading goes on, so that one look at the messages shows all of them.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "overlay/intent.h"
#include "sources/finding.h"
#include "sources/value.h"

namespace sextant::sources {

class Fields {
 public:
  /// `root` and `key` must outlive it. Paths start at `root`, after `prefix` ("data.srv6: ").
  Fields(const Value& root, const overlay::ObjectKey& key, std::string_view source,
         std::string_view prefix = {})
      : root_(root), key_(key), source_(source), prefix_(prefix) {}

  void error(const Value& at, std::string reason);
  void warn(const Value& at, std::string reason);
  [[nodiscard]] const std::string& source() const { return source_; }
  /// Whether any error was found so far.
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::vector<Finding> release();
  /// Makes the findings of a part that has paths of its own (YAML inside a string) ours.
  void take(Fields&& part);

  /// A map's field; null where it is absent or null. Errors: `map` is no map, or names the field
  /// twice.
  const Value* optional(const Value& map, std::string_view name);
  /// The same; that it is absent is an error.
  const Value* required(const Value& map, std::string_view name);
  /// A warning for each field of `map` that is not among `names`.
  void only(const Value& map, std::span<const std::string_view> names);
  void only(const Value& map, std::initializer_list<std::string_view> names) {
    only(map, std::span(names.begin(), names.size()));
  }

  // Values. None (and an error) where the type or the range is wrong.
  std::optional<std::string> string(const Value& value);
  std::optional<std::int64_t> number(const Value& value, std::int64_t lowest, std::int64_t highest);
  const std::vector<Value>* list(const Value& value, std::size_t least = 0,
                                 std::size_t most = std::numeric_limits<std::size_t>::max());
  std::optional<std::map<std::string, std::string>> string_map(const Value& value);
  /// A Kubernetes object's or node's name: RFC 1123 subdomain.
  std::optional<std::string> name(const Value& value);
  std::optional<IpAddress> address(const Value& value);
  std::optional<IpPrefix> prefix(const Value& value);
  std::optional<srv6::Sid> sid(const Value& value);

  /// A word of an enumeration; the error lists the words.
  template <typename T>
  std::optional<T> word(const Value& value,
                        std::initializer_list<std::pair<std::string_view, T>> words) {
    const auto text = string(value);
    if (!text) return std::nullopt;
    std::string expected;
    for (const auto& [candidate, meaning] : words) {
      if (*text == candidate) return meaning;
      expected += (expected.empty() ? "" : " or ") + std::string(candidate);
    }
    error(value, "'" + *text + "' is not " + expected);
    return std::nullopt;
  }

  [[nodiscard]] overlay::Location location(const Value& at) const;

 private:
  void add(Severity severity, const Value& at, std::string reason);
  /// The value parsed by T::parse, whose error becomes ours.
  template <typename T>
  std::optional<T> parsed(const Value& value);

  const Value& root_;
  const overlay::ObjectKey& key_;
  std::string source_;
  std::string prefix_;
  std::vector<Finding> findings_;
  std::size_t left_out_ = 0;
  bool failed_ = false;
};

/// RFC 1123 subdomain, as Kubernetes demands of the names of nodes and of our kinds.
[[nodiscard]] bool is_kubernetes_name(std::string_view text);

}  // namespace sextant::sources
