// Cuts the items out of a List while its JSON arrives, so that a list of any length costs the
// memory of one item. Private to this room.
//
// What is not in the top-level "items" (metadata with the resource version and the continue token)
// comes out as the envelope: the same object with an empty array in their place. Only structure is
// looked at here: items and the envelope are parsed, and found bad, by their reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant::kube {

class ItemSplitter {
 public:
  /// `limit`: of one item and of the envelope.
  ItemSplitter(std::size_t limit, std::function<void(std::string_view)> on_item)
      : limit_(limit), on_item_(std::move(on_item)) {}

  /// Calls `on_item` with each item (an object's text) that is complete now.
  [[nodiscard]] Result<void> add(std::string_view piece);
  /// The envelope. An error where the JSON is not complete.
  [[nodiscard]] Result<std::string> finish();

 private:
  [[nodiscard]] Result<void> take_structure(char c);
  [[nodiscard]] bool in_item() const { return in_items_ && depth_ > kItemDepth; }

  static constexpr std::size_t kItemDepth = 2;  // inside of {"items": [

  std::size_t limit_;
  std::function<void(std::string_view)> on_item_;
  std::string envelope_;
  std::string item_;
  std::string name_;       // the last string at depth 1: perhaps a member's name
  std::size_t depth_ = 0;  // of open objects and arrays
  bool in_string_ = false;
  bool escaped_ = false;
  bool in_items_ = false;
  bool begun_ = false;
};

}  // namespace sextant::kube
