#include "common/row.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <vector>

namespace sextant::bench {
namespace {

std::string quoted(const std::string& text) {
  return boost::json::serialize(boost::json::string(text));
}

/// Four digits that count; all of them from 1000 on, for rates.
std::string number(double value) {
  return std::abs(value) >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.4g}", value);
}

/// "103400", "103.4 k": with a unit prefix from 10,000 on.
std::string readable(double value) {
  constexpr std::array<const char*, 4> kPrefixes{"", " k", " M", " G"};
  std::size_t prefix = 0;
  while (std::abs(value) >= 10'000 && prefix + 1 < kPrefixes.size()) {
    value /= 1000;
    ++prefix;
  }
  return fmt::format("{:.4g}{}", value, kPrefixes[prefix]);
}

std::string with_spread(const Figure& figure) {
  if (figure.lowest == figure.highest) return readable(figure.value);
  return fmt::format("{} ({} .. {})", readable(figure.value), readable(figure.lowest),
                     readable(figure.highest));
}

}  // namespace

std::optional<double> ratio(const Row& row) {
  if (!row.peer || !row.peer->failure.empty()) return std::nullopt;
  const double ours = row.ours.value, theirs = row.peer->theirs.value;
  const bool more = row.better == Better::kMore;
  const double divisor = more ? theirs : ours;
  if (divisor == 0) return std::nullopt;
  return (more ? ours : theirs) / divisor;
}

std::string to_json(const Row& row) {
  std::string text = fmt::format(R"({{"bench":{},"case":{},"unit":{},"ours":{})", quoted(row.bench),
                                 quoted(row.name), quoted(row.unit), number(row.ours.value));
  if (row.peer && !row.peer->failure.empty()) {
    text +=
        fmt::format(R"(,"peer":{},"failed":{})", quoted(row.peer->name), quoted(row.peer->failure));
  } else if (row.peer) {
    text += fmt::format(R"(,"peer":{},"theirs":{})", quoted(row.peer->name),
                        number(row.peer->theirs.value));
    if (const auto value = ratio(row)) text += fmt::format(R"(,"ratio":{:.3f})", *value);
    if (row.peer->theirs.runs != 0 && row.peer->theirs.runs != row.ours.runs) {
      text += fmt::format(R"(,"theirRuns":{})", row.peer->theirs.runs);
    }
  }
  return text + fmt::format(R"(,"runs":{}}})", row.ours.runs);
}

std::string to_table(std::span<const Row> rows) {
  using Cells = std::array<std::string, 7>;
  std::vector<Cells> lines{{"CASE", "UNIT", "OURS", "PEER", "THEIRS", "RATIO", "RUNS"}};
  for (const Row& row : rows) {
    Cells cells{row.name, row.unit, with_spread(row.ours)};
    if (row.peer) {
      cells[3] = row.peer->name;
      const auto& failure = row.peer->failure;
      cells[4] = failure.empty() ? with_spread(row.peer->theirs) : failure;
      if (const auto value = ratio(row)) cells[5] = fmt::format("{:.2f}", *value);
    }
    cells[6] = std::to_string(row.ours.runs);
    lines.push_back(std::move(cells));
  }
  std::array<std::size_t, 7> widths{};
  for (const Cells& cells : lines) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], cells[i].size());
    }
  }
  std::string text;
  for (const Cells& cells : lines) {
    for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
      text += fmt::format("{:<{}}  ", cells[i], widths[i]);
    }
    text += cells.back() + '\n';
  }
  return text;
}

}  // namespace sextant::bench
