// What the doctor says about one thing that it looked at.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace sextant::doctor {

enum class Verdict {
  kOk,
  kWarn,  // works now, or may: somebody should look
  kFail,  // pods are without network, or will be
};

/// "ok", "warn", "fail"
[[nodiscard]] constexpr std::string_view to_string(Verdict verdict) {
  return verdict == Verdict::kOk ? "ok" : verdict == Verdict::kWarn ? "warn" : "fail";
}

struct Finding {
  Verdict verdict = Verdict::kOk;
  std::string check;      // "sysctl", "peer SID": the same word for the same check
  std::string object;     // "net.ipv4.ip_forward", "worker2 IPv6"
  std::string found;      // what is there
  std::string why = {};   // why it matters; not for kOk
  std::string mend = {};  // the command that mends it, or what to look at; not for kOk
  friend bool operator==(const Finding&, const Finding&) = default;
};

using Findings = std::vector<Finding>;

inline void append(Findings& all, Findings more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace sextant::doctor
