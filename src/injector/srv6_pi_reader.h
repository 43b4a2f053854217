// The policy files of SRv6-PI, the injector of the paper "Extending Kubernetes Networking to make
// use of Segment Routing over IPv6" (arXiv 2301.01178), as they are: a map with `nlri`,
// `segmentlist`, `bsid`, `priority`, ... in place of a kind.
#pragma once

#include <optional>

#include "injector/injected_policy.h"
#include "sources/fields.h"

namespace sextant::injector {

/// Whether the document looks like one.
[[nodiscard]] bool is_srv6_pi(const sources::Value& root);

struct Srv6PiReading {
  InjectedPolicy policy;
  bool withdraw = false;  // `iswithdraw: true`
};

/// `age`, `sourceasn` and `neighborip` say what GoBGP showed when the file was made: they are
/// checked by nobody. Weight 0, which all of these files have, is that of an only list: as none
/// given (RFC 9256 section 2.2). What is wrong goes to `fields`.
[[nodiscard]] std::optional<Srv6PiReading> read_srv6_pi(const sources::Value& root,
                                                        sources::Fields& fields);

}  // namespace sextant::injector
