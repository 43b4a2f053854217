// The routes that a BGP speaker holds, as JSON (docs/reference-api.md): every path of every peer,
// and this node's own.
//
// There may be a million of them. The text is made piece by piece, as the client takes it, so that
// neither the loop stands still for it nor all of it is in memory. What changes meanwhile is told
// as it was or as it is; a destination that goes and comes back may be missing, or there twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bgp/rib/path.h"

namespace sextant::bgp {
class Speaker;
}
namespace sextant::bgp_source {
class RouteBook;
}

namespace sextant::agent {

class BgpRoutesBody {
 public:
  /// Both must outlive it; both null: the agent does not speak BGP.
  BgpRoutesBody(const bgp::Speaker* speaker, const bgp_source::RouteBook* book)
      : speaker_(speaker), book_(book) {}

  /// The next piece of the whole document; empty: that was all.
  [[nodiscard]] std::string next();

 private:
  /// The paths of a destination. Returns how many.
  std::size_t append(bgp::EntryId entry, std::string& piece);

  const bgp::Speaker* speaker_;
  const bgp_source::RouteBook* book_;
  std::size_t family_ = 0;   // of bgp::kFamilies
  std::uint32_t entry_ = 0;  // of the family's table
  bool begun_ = false;
  bool some_ = false;  // an item was written
  bool ended_ = false;
};

}  // namespace sextant::agent
