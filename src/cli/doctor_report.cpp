#include "cli/doctor_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>
#include <map>

namespace sextant::cli {
namespace {

namespace json = boost::json;
using doctor::Verdict;

/// Names of others are printed (nodes, files): none may steer the terminal.
std::string printable(std::string text) {
  for (auto& byte : text)
    if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) byte = ' ';
  return text;
}

std::map<Verdict, std::size_t> counts_of(const doctor::Findings& findings) {
  std::map<Verdict, std::size_t> counts{
      {Verdict::kOk, 0}, {Verdict::kWarn, 0}, {Verdict::kFail, 0}};
  for (const auto& finding : findings) ++counts[finding.verdict];
  return counts;
}

}  // namespace

Verdict worst(const doctor::Findings& findings) {
  Verdict verdict = Verdict::kOk;
  for (const auto& finding : findings) verdict = std::max(verdict, finding.verdict);
  return verdict;
}

std::string doctor_text(const doctor::Findings& findings, bool problems_only) {
  std::size_t check = 0, object = 0;
  for (const auto& finding : findings) {
    if (problems_only && finding.verdict == Verdict::kOk) continue;
    check = std::max(check, finding.check.size());
    object = std::max(object, std::min<std::size_t>(finding.object.size(), 40));
  }
  std::string text;
  for (const auto& finding : findings) {
    if (problems_only && finding.verdict == Verdict::kOk) continue;
    text += fmt::format("{:4}  {:{}}  {:{}}  {}\n", to_string(finding.verdict), finding.check,
                        check, printable(finding.object), object, printable(finding.found));
    if (!finding.why.empty()) text += fmt::format("        why: {}\n", printable(finding.why));
    if (!finding.mend.empty()) text += fmt::format("        do:  {}\n", printable(finding.mend));
  }
  const auto counts = counts_of(findings);
  text +=
      fmt::format("{}{} ok, {} warnings, {} failed\n", text.empty() ? "" : "\n",
                  counts.at(Verdict::kOk), counts.at(Verdict::kWarn), counts.at(Verdict::kFail));
  return text;
}

json::value doctor_json(const doctor::Findings& findings) {
  const auto name = [](Verdict verdict) {
    const auto text = to_string(verdict);
    return json::string(text.data(), text.size());
  };
  json::array array;
  for (const auto& finding : findings)
    array.push_back({{"verdict", name(finding.verdict)},
                     {"check", finding.check},
                     {"object", finding.object},
                     {"found", finding.found},
                     {"why", finding.why},
                     {"mend", finding.mend}});
  const auto counts = counts_of(findings);
  return {{"verdict", name(worst(findings))},
          {"counts",
           {{"ok", counts.at(Verdict::kOk)},
            {"warn", counts.at(Verdict::kWarn)},
            {"fail", counts.at(Verdict::kFail)}}},
          {"findings", std::move(array)}};
}

}  // namespace sextant::cli
