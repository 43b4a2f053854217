// Structured logs: one JSON object a line, for log collectors.
//
//   {"time":"2026-11-23T01:02:03.456Z","level":"warning","node":"worker1","msg":"not applied: ...",
//    "object":"route 10.0.1.0/24","error":{"operation":"add route","object":"10.0.1.0/24",
//    "cause":"File exists (EEXIST)","hint":"remove the other one","errno":17}}
//
// `time` is RFC 3339 in UTC; what follows `msg` are the line's fields (base/log.h). Text that is
// not UTF-8 is mended (base/utf8.h), so that each line is one valid JSON object whatever a name
// holds.
#pragma once

#include <memory>
#include <string>

namespace spdlog {
class formatter;
}

namespace sextant::agent {

[[nodiscard]] std::unique_ptr<spdlog::formatter> make_json_formatter(std::string node);

}  // namespace sextant::agent
