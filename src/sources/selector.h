// Calico's selector language, by which its objects choose nodes: an expression over labels.
//
//   role == 'rr' && rack in {'a', 'b'} || !has(maintenance)
//
// ==, !=, in {}, not in {}, contains, starts with, ends with (each with strings in single or double
// quotes), has(), all(), global(), !, &&, ||, parentheses; && binds tighter than ||. Without the
// label, != and `not in` hold and the other comparisons do not. Nothing at all is all(), and so is
// global(): nodes belong to no namespace. projectcalico.org "Selectors".
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sextant::sources {

class Selector {
 public:
  /// Error: where reading stopped, and what was needed there.
  [[nodiscard]] static Result<Selector> parse(std::string_view text);
  [[nodiscard]] bool matches(const std::map<std::string, std::string>& labels) const;
  [[nodiscard]] const std::string& text() const { return text_; }
  friend bool operator==(const Selector& a, const Selector& b) { return a.text_ == b.text_; }

 private:
  struct Term;
  class Parser;
  Selector(std::string text, std::shared_ptr<const Term> root)
      : text_(std::move(text)), root_(std::move(root)) {}

  std::string text_;
  std::shared_ptr<const Term> root_;  // never changed: copies share it
};

}  // namespace sextant::sources
