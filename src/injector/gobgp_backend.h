// Policies injected through a running GoBGP 3 daemon, over its gRPC API (the service
// apipb.GobgpApi), as SRv6-PI does. GoBGP keeps them in memory: they last as long as that daemon,
// not longer.
//
// What its API cannot say: what headends make of a policy (RFC 9857 routes are unknown to
// GoBGP 3.10). Its gRPC port knows no user: whoever reaches it may change routes. Calls here are
// plain text, without TLS.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "injector/backend.h"

namespace sextant::injector {

inline constexpr std::uint16_t kGobgpPort = 50051;

struct GobgpOptions {
  std::string host;  // a name or an address
  std::uint16_t port = kGobgpPort;
  /// Of policies that name neither headends nor a convention.
  Convention convention = Convention::kStandard;
  /// Of each call. The first one, which asks who is there, has 5 s at most.
  std::chrono::milliseconds deadline{30'000};
  /// How often watch() looks.
  std::chrono::milliseconds watch_interval{1'000};
};

/// Asks it who it is. Errors: nobody answers there, in time; it is not GoBGP 3; it has no BGP
/// server.
[[nodiscard]] Result<std::unique_ptr<Backend>> connect_gobgp(GobgpOptions options);

}  // namespace sextant::injector
