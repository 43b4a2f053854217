#include "kube/item_splitter.h"

#include <fmt/format.h>

namespace sextant::kube {
namespace {

tl::unexpected<Error> bad(std::string cause) {
  return failure("read", "the list", std::move(cause));
}

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

Result<void> ItemSplitter::add(std::string_view piece) {
  for (std::size_t at = 0; at < piece.size();) {
    auto& text = in_item() ? item_ : envelope_;
    if (in_string_) {
      // The bulk of a list is strings: taken in runs.
      auto end = at;
      bool closed = false;
      for (; end < piece.size() && !closed; ++end) {
        const char c = piece[end];
        if (escaped_)
          escaped_ = false;
        else if (c == '\\')
          escaped_ = true;
        else
          closed = c == '"';
      }
      text.append(piece, at, end - at);
      if (depth_ == 1 && !in_items_) name_.append(piece, at, end - at - (closed ? 1 : 0));
      in_string_ = !closed;
      at = end;
    } else {
      if (auto taken = take_structure(piece[at]); !taken) return taken;
      ++at;
    }
    if (item_.size() > limit_ || envelope_.size() > limit_)
      return bad(fmt::format("an object in it is larger than {} bytes", limit_));
  }
  return {};
}

Result<void> ItemSplitter::take_structure(char c) {
  if (is_space(c)) return {};
  if (depth_ == 0 && (begun_ || c != '{')) return bad("it is no JSON object");
  begun_ = true;
  const bool between_items = in_items_ && depth_ == kItemDepth;
  if (between_items && c != '{' && c != ',' && c != ']') return bad("an item is no object");
  const bool opens_item = between_items && c == '{';
  if (in_item() || opens_item)
    item_ += c;
  else if (!between_items || c == ']')
    envelope_ += c;
  switch (c) {
    case '"':
      in_string_ = true;
      if (depth_ == 1) name_.clear();
      break;
    case '{':
      ++depth_;
      break;
    case '[':
      if (depth_ == 1 && name_ == "items") in_items_ = true;
      ++depth_;
      break;
    case '}':
    case ']':
      --depth_;
      if (in_items_ && depth_ == kItemDepth) {
        on_item_(item_);
        item_.clear();
      }
      if (depth_ == 1) {
        in_items_ = false;
        name_.clear();
      }
      break;
    default:
      break;
  }
  return {};
}

Result<std::string> ItemSplitter::finish() {
  if (!begun_ || depth_ != 0) return bad("it ends in the middle");
  return std::move(envelope_);
}

}  // namespace sextant::kube
