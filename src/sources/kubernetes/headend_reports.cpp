#include "sources/kubernetes/headend_reports.h"

#include <algorithm>
#include <charconv>

#include "sources/kubernetes/json_text.h"

namespace sextant::kubernetes {
namespace {

namespace json = boost::json;
using Entry = HeadendReport::Entry;

constexpr std::string_view kPolicyPrefix = "SRv6Policy/";

std::uint32_t bounded(std::int64_t number) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(number, 0, UINT32_MAX));
}

/// "1a2b3c4d/3"
Entry read_line(std::uint32_t policy, const std::string& line) {
  Entry entry{.policy = policy, .programmed = true};
  const auto slash = line.find('/');
  if (slash == std::string::npos) return entry;
  entry.uid = uid_number(line);
  std::from_chars(line.data() + slash + 1, line.data() + line.size(), entry.generation);
  return entry;
}

}  // namespace

std::uint32_t PolicyNames::number(const std::string& name) {
  const auto [at, fresh] = numbers_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
  if (fresh) names_.push_back(&at->first);
  return at->second;
}

std::optional<std::uint32_t> PolicyNames::find(const std::string& name) const {
  const auto found = numbers_.find(name);
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

std::uint32_t uid_number(std::string_view uid) {
  std::uint32_t number = 0;
  std::from_chars(uid.data(), uid.data() + std::min<std::size_t>(uid.size(), 8), number, 16);
  return number;
}

std::optional<HeadendReport> read_headend_report(const json::object& srv6_node,
                                                 PolicyNames& names) {
  const auto* counts = find(srv6_node, "status", "policyCounts");
  if (counts == nullptr) return std::nullopt;
  HeadendReport report;
  const auto* full = find(srv6_node, "status", "policies");
  if (full != nullptr && full->is_array()) {
    for (const auto& value : full->get_array()) {
      const auto object = text_at(value, "object");
      if (!object.starts_with(kPolicyPrefix)) continue;
      const auto policy = names.number(object.substr(kPolicyPrefix.size()));
      const auto* programmed = find(value, "programmed");
      const Entry entry{
          .policy = policy,
          .uid = uid_number(text_at(value, "uid")),
          .generation = bounded(number_at(value, "observedGeneration")),
          .programmed = programmed != nullptr && programmed->is_bool() && programmed->get_bool()};
      if (!entry.programmed)
        report.trouble[policy] = {text_at(value, "reason"), text_at(value, "message")};
      report.entries.push_back(entry);
    }
  }
  const auto* lines = find(srv6_node, "status", "programmedPolicies");
  if (lines != nullptr && lines->is_object())
    for (const auto& line : lines->get_object())
      report.entries.push_back(
          read_line(names.number(std::string(line.key())), text_of(&line.value())));
  std::ranges::sort(report.entries);
  const auto [first, last] = std::ranges::unique(report.entries, {}, &Entry::policy);
  report.entries.erase(first, last);
  report.entries.shrink_to_fit();
  return report;
}

}  // namespace sextant::kubernetes
