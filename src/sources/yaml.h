// YAML text -> documents, with libyaml: the parser whose Go port Kubernetes itself uses, so that a
// file means here what it means to kubectl. JSON is read as the YAML that it is.
//
// Plain scalars are typed as Kubernetes' reader types them (yes, no, on and off are booleans).
// Anchors and aliases are followed, up to a bound; merge keys (`<<`) are not known.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "sources/value.h"

namespace sextant::sources {

struct YamlError {
  std::uint32_t line = 0;    // from 1
  std::uint32_t column = 0;  // from 1
  std::string reason;        // "mapping values are not allowed in this context"
  friend bool operator==(const YamlError&, const YamlError&) = default;
};

/// One Value a document. `lines_before` is added to all line numbers: for YAML that stands inside
/// another file.
[[nodiscard]] tl::expected<std::vector<Value>, YamlError> parse_yaml(
    std::string_view text, std::uint32_t lines_before = 0);

}  // namespace sextant::sources
