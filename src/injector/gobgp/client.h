// The calls to GoBGP's API that injecting takes. Each ends at its deadline; what gRPC says of a
// failure becomes an Error that says what to do. Private to this room: it includes gRPC.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "gobgp.grpc.pb.h"
#include "injector/gobgp_backend.h"

namespace sextant::injector {

class GobgpClient {
 public:
  explicit GobgpClient(const GobgpOptions& options);

  /// Error: BGP was not started in it.
  [[nodiscard]] Result<void> require_bgp();
  /// All of a table, with attributes as on the wire. `peer`: of kAdjOut.
  [[nodiscard]] Result<std::vector<apipb::Path>> paths(apipb::TableType table, bgp::Family family,
                                                       const std::string& peer = {});
  [[nodiscard]] Result<std::vector<apipb::Peer>> peers();
  /// Adds, replaces and withdraws in one step: all or none.
  [[nodiscard]] Result<void> update(std::vector<apipb::Path> paths);

 private:
  class Call;
  [[nodiscard]] Result<void> judge(const grpc::Status& status, std::string operation,
                                   std::chrono::milliseconds deadline) const;

  GobgpOptions options_;
  std::string place_;  // "GoBGP at 192.168.9.254:50051"
  std::unique_ptr<apipb::GobgpApi::Stub> stub_;
};

}  // namespace sextant::injector
