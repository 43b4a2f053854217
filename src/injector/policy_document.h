// An injected policy as a document: what files, the daemon's API and `-o yaml` have in common
// (docs/reference-injector.md).
//
//   apiVersion: sextant.dev/v1alpha1
//   kind: InjectedPolicy
//   metadata: {name: gold}
//   spec: {distinguisher: 4, color: 94, endpoint: "fd12::1000", segmentLists: [...], ...}
//
// Writing and reading it again gives the same policy; unknown sub-TLVs alone have no place in it.
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string_view>

#include "injector/injected_policy.h"
#include "sources/fields.h"

namespace sextant::injector {

inline constexpr std::string_view kApiVersion = "sextant.dev/v1alpha1";
inline constexpr std::string_view kPolicyKind = "InjectedPolicy";

[[nodiscard]] boost::json::object to_document(const InjectedPolicy& policy);

/// Of the whole document. What is wrong goes to `fields`; none where that makes it unusable.
[[nodiscard]] std::optional<InjectedPolicy> read_injected_policy(const sources::Value& root,
                                                                 sources::Fields& fields);

/// A behavior as a name ("End.DT6") or as a code point (18).
[[nodiscard]] std::optional<srv6::Behavior> read_behavior(const sources::Value& value,
                                                          sources::Fields& fields);
/// What makes a policy impossible on the wire or for every headend: no list, an empty one, ...
void check_tunnel(const bgp::SrPolicyTunnel& tunnel, const sources::Value& at,
                  sources::Fields& fields);

}  // namespace sextant::injector
