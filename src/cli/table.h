// Tables for people: aligned columns, two spaces between them, no trailing blanks and no line
// breaking, so that `grep`, `awk` and `less -S` work on them.
#pragma once

#include <string>
#include <vector>

namespace sextant::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  /// Missing cells at the end are empty.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  [[nodiscard]] std::string to_string() const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace sextant::cli
