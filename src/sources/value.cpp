#include "sources/value.h"

namespace sextant::sources {
namespace {

bool find_path(const Value& from, const Value& target, std::string& path) {
  if (&from == &target) return true;
  const auto length = path.size();
  for (std::size_t i = 0; i < from.items.size(); ++i) {
    if (from.kind == Value::Kind::kMap) {
      // An annotation's key holds dots itself: metadata.annotations[sextant.dev/locator].
      const bool dotted = from.keys[i].find_first_of("./") != std::string::npos;
      if (dotted) {
        path += "[" + from.keys[i] + "]";
      } else {
        path += (length == 0 ? "" : ".") + from.keys[i];
      }
    } else {
      path += "[" + std::to_string(i) + "]";
    }
    if (find_path(from.items[i], target, path)) return true;
    path.resize(length);
  }
  return false;
}

}  // namespace

const Value* Value::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

std::string_view to_string(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::kNull:
      return "nothing";
    case Value::Kind::kBool:
      return "a boolean";
    case Value::Kind::kNumber:
      return "a number";
    case Value::Kind::kString:
      return "a string";
    case Value::Kind::kList:
      return "a list";
    case Value::Kind::kMap:
      return "a map";
  }
  return "unknown";
}

std::string path_of(const Value& root, const Value& target) {
  std::string path;
  find_path(root, target, path);
  return path;
}

}  // namespace sextant::sources
