// A tree of values as YAML and JSON have them, each with the place where it was written, so that
// messages can name it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::sources {

struct Value {
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kList, kMap };

  Kind kind = Kind::kNull;
  bool literal = false;      // a string written as a block (`|`): its text starts on the line after
  std::uint32_t line = 0;    // from 1; 0: not known
  std::uint32_t column = 0;  // from 1
  std::string text;          // kBool, kNumber, kString: as written, without quotes
  std::vector<Value> items;  // kList
  std::vector<std::string> keys;  // kMap: of `items`, in the order written; may repeat

  /// The value of a map's key; null where the key is absent (or this is not a map).
  [[nodiscard]] const Value* find(std::string_view key) const;
};

/// "a string", "a list", ...
[[nodiscard]] std::string_view to_string(Value::Kind kind);

/// Where `target` lies below `root`: "spec.candidatePaths[0].name"; empty for `root` itself. A walk
/// of the tree: for messages only.
[[nodiscard]] std::string path_of(const Value& root, const Value& target);

}  // namespace sextant::sources
