#include "sources/selector.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace sextant::sources {
namespace {

using Labels = std::map<std::string, std::string>;

constexpr int kDeepest = 100;  // parentheses in parentheses: the stack is not the peer's to fill

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '/' || c == '-';
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

}  // namespace

struct Selector::Term {
  enum class Kind : std::uint8_t {
    kAll,
    kHas,
    kIn,     // one of the values; == has a single one
    kNotIn,  // none of them, or no such label; != has a single one
    kContains,
    kStartsWith,
    kEndsWith,
    kNot,
    kAnd,
    kOr,
  };
  Kind kind = Kind::kAll;
  std::string label;
  std::vector<std::string> values;
  std::vector<Term> terms;

  [[nodiscard]] bool matches(const Labels& labels) const {
    const auto term_matches = [&](const Term& term) { return term.matches(labels); };
    switch (kind) {
      case Kind::kAll:
        return true;
      case Kind::kNot:
        return !terms.front().matches(labels);
      case Kind::kAnd:
        return std::ranges::all_of(terms, term_matches);
      case Kind::kOr:
        return std::ranges::any_of(terms, term_matches);
      default:
        return compares(labels.find(label), labels.end());
    }
  }

 private:
  [[nodiscard]] bool compares(Labels::const_iterator found, Labels::const_iterator none) const {
    if (found == none) return kind == Kind::kNotIn;
    const auto& value = found->second;
    switch (kind) {
      case Kind::kIn:
        return std::ranges::count(values, value) > 0;
      case Kind::kNotIn:
        return std::ranges::count(values, value) == 0;
      case Kind::kContains:
        return value.find(values.front()) != std::string::npos;
      case Kind::kStartsWith:
        return value.starts_with(values.front());
      case Kind::kEndsWith:
        return value.ends_with(values.front());
      default:
        return true;  // kHas
    }
  }
};

class Selector::Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  [[nodiscard]] Result<Term> whole() {
    skip();
    if (rest().empty()) return Term{};
    auto term = any_of(0);
    if (term && !rest().empty()) return wrong("&&, || or the end");
    return term;
  }

 private:
  using Kind = Term::Kind;

  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  void skip() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool take(std::string_view token) {
    if (!rest().starts_with(token)) return false;
    at_ += token.size();
    skip();
    return true;
  }
  [[nodiscard]] tl::unexpected<Error> wrong(const std::string& needed) const {
    return failure("read selector", std::string(text_),
                   "at character " + std::to_string(at_ + 1) + ": " + needed + " needed");
  }

  Result<Term> any_of(int depth) { return sequence(depth, "||", Kind::kOr); }

  /// Terms with one operator between them; those of && are the terms of ||.
  Result<Term> sequence(int depth, std::string_view separator, Kind kind) {
    Term all{.kind = kind};
    do {
      auto term = kind == Kind::kOr ? sequence(depth, "&&", Kind::kAnd) : operation(depth);
      if (!term) return term;
      all.terms.push_back(std::move(*term));
    } while (take(separator));
    if (all.terms.size() > 1) return all;
    Term only = std::move(all.terms.front());
    return only;
  }

  Result<Term> operation(int depth) {
    bool negated = false;
    while (take("!")) negated = !negated;
    auto term = operand(depth);
    if (!term || !negated) return term;
    Term opposite{.kind = Kind::kNot};
    opposite.terms.push_back(std::move(*term));
    return opposite;
  }

  Result<Term> operand(int depth) {
    if (take("(")) {
      if (depth == kDeepest) return wrong("fewer parentheses in parentheses");
      auto inner = any_of(depth + 1);
      if (inner && !take(")")) return wrong("')'");
      return inner;
    }
    for (const std::string_view all : {"all(", "global("}) {
      if (!take(all)) continue;
      if (!take(")")) return wrong("')'");
      return Term{};
    }
    if (take("has(")) {
      auto name = label();
      if (!name) return wrong("the name of a label");
      if (!take(")")) return wrong("')'");
      return Term{.kind = Kind::kHas, .label = std::move(*name)};
    }
    auto name = label();
    if (!name) return wrong("a label, has(), all(), ! or '('");
    return comparison(std::move(*name));
  }

  Result<Term> comparison(std::string name) {
    Term term{.label = std::move(name)};
    if (take("in")) return set(std::move(term), Kind::kIn);
    if (take("not") && take("in")) return set(std::move(term), Kind::kNotIn);
    if (take("==")) {
      term.kind = Kind::kIn;
    } else if (take("!=")) {
      term.kind = Kind::kNotIn;
    } else if (take("contains")) {
      term.kind = Kind::kContains;
    } else if (take("starts") && take("with")) {
      term.kind = Kind::kStartsWith;
    } else if (take("ends") && take("with")) {
      term.kind = Kind::kEndsWith;
    } else {
      return wrong("==, !=, in, not in, contains, starts with or ends with");
    }
    auto text = string();
    if (!text) return tl::unexpected(text.error());
    term.values.push_back(std::move(*text));
    return term;
  }

  Result<Term> set(Term term, Kind kind) {
    term.kind = kind;
    if (!take("{")) return wrong("'{'");
    while (!take("}")) {
      if (!term.values.empty() && !take(",")) return wrong("',' or '}'");
      auto text = string();
      if (!text) return tl::unexpected(text.error());
      term.values.push_back(std::move(*text));
    }
    return term;
  }

  std::optional<std::string> label() {
    const auto from = at_;
    while (at_ < text_.size() && is_label_character(text_[at_])) ++at_;
    std::string name(text_.substr(from, at_ - from));
    skip();
    if (name.empty()) return std::nullopt;
    return name;
  }

  Result<std::string> string() {
    const char quote = rest().empty() ? '\0' : rest().front();
    if (quote != '\'' && quote != '"') return wrong("a string in quotes");
    const auto end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) return wrong("the string's end");
    std::string value(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    skip();
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

Result<Selector> Selector::parse(std::string_view text) {
  auto root = Parser(text).whole();
  if (!root) return tl::unexpected(root.error());
  return Selector(std::string(text), std::make_shared<const Term>(std::move(*root)));
}

bool Selector::matches(const Labels& labels) const { return root_->matches(labels); }

}  // namespace sextant::sources
