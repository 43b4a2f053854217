// An injected policy as a route of GoBGP's API, and back.
#pragma once

#include "base/result.h"
#include "injector/injected_policy.h"

namespace apipb {
class Path;
}

namespace sextant::injector {

/// Family and NLRI alone: what a withdrawal takes.
[[nodiscard]] apipb::Path path_of(const PolicyKey& key);

/// `convention`: of policies that name neither headends nor one.
/// Error: a list or name that does not fit its length field.
[[nodiscard]] Result<apipb::Path> path_of(const InjectedPolicy& policy, Convention convention);

/// Whether it came over the API and not from a peer.
[[nodiscard]] bool is_local(const apipb::Path& path);

/// Of a path as ListPath gives it with enable_only_binary: NLRI and attributes as on the wire.
[[nodiscard]] Result<PolicyKey> key_of(const apipb::Path& path);
/// Error: not an SR Policy, or a Tunnel Encapsulation attribute that cannot be read.
[[nodiscard]] Result<InjectedPolicy> policy_of(const apipb::Path& path, Convention convention);

}  // namespace sextant::injector
