// What the tests of reading share: YAML text in, objects and messages out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sources/object.h"
#include "sources/yaml.h"

namespace sextant::sources {

/// Reads all documents of `text`; where it is not YAML, the only message is the parser's.
inline Reading read(std::string_view text) {
  Reading reading;
  const auto documents = parse_yaml(text);
  if (!documents) {
    reading.findings.push_back({Severity::kError, {{}, {}, documents.error().reason}});
    return reading;
  }
  for (const auto& document : *documents) read_document(document, "a.yaml", reading);
  return reading;
}

/// "E a.yaml:3: SRv6Policy/gold: spec.color: ..." or "W ...".
inline std::vector<std::string> messages(const Reading& reading) {
  std::vector<std::string> texts;
  const auto add = [&](const std::vector<Finding>& findings) {
    for (const auto& finding : findings) {
      texts.push_back((finding.severity == Severity::kError ? "E " : "W ") + finding.text());
    }
  };
  for (const auto& object : reading.objects) add(object.findings);
  add(reading.findings);
  return texts;
}

inline srv6::Sid sid(std::string_view text) { return srv6::Sid::parse(text).value(); }
inline IpPrefix prefix(std::string_view text) { return IpPrefix::parse(text).value(); }
inline IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

}  // namespace sextant::sources
