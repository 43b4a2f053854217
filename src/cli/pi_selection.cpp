#include "cli/pi_selection.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace sextant::cli {
namespace {

using injector::PolicyReport;

struct Pattern {
  std::uint32_t color = 0;
  IpAddress endpoint;
  std::optional<std::uint32_t> distinguisher = {};
};

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

/// COLOR,ENDPOINT[,DISTINGUISHER]
std::optional<Pattern> pattern_of(std::string_view text) {
  const auto first = text.find(',');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = text.find(',', first + 1);
  const auto color = number(text.substr(0, first));
  const auto endpoint = IpAddress::parse(text.substr(first + 1, second - first - 1));
  if (!color || !endpoint) return std::nullopt;
  Pattern pattern{.color = *color, .endpoint = *endpoint};
  if (second == std::string_view::npos) return pattern;
  pattern.distinguisher = number(text.substr(second + 1));
  return pattern.distinguisher ? std::optional(pattern) : std::nullopt;
}

}  // namespace

Result<std::vector<PolicyReport>> select_policies(const std::vector<PolicyReport>& reports,
                                                  const std::string& text) {
  std::vector<PolicyReport> found;
  for (const auto& report : reports)
    if (!text.empty() && report.policy.name == text) found.push_back(report);
  if (!found.empty()) return found;
  const auto pattern = pattern_of(text);
  for (const auto& report : reports) {
    const auto& key = report.policy.key;
    if (pattern && key.color.value == pattern->color && key.endpoint == pattern->endpoint &&
        pattern->distinguisher.value_or(key.distinguisher) == key.distinguisher)
      found.push_back(report);
  }
  if (!found.empty()) return found;
  return failure("find policy", text, "no such policy is announced",
                 pattern ? "`sextant pi list` shows those that are"
                         : "name one of `sextant pi list`, or COLOR,ENDPOINT[,DISTINGUISHER]");
}

std::string full_title(const injector::InjectedPolicy& policy) {
  const auto key = injector::to_string(policy.key);
  return policy.name.empty() ? key : policy.name + " (" + key + ")";
}

}  // namespace sextant::cli
