// Reads a whole collection page by page. Private to this room.
#pragma once

#include <boost/json/fwd.hpp>
#include <functional>
#include <memory>
#include <string>

#include "kube/client.h"

namespace sextant::kube {

struct ListQuery {
  Resource resource;
  std::string ns = {};
  Selectors selectors = {};
  unsigned page = 500;
  /// Empty: as the store has it now. Else from the server's memory, and not older than this; "0":
  /// whatever that has. Without pages: with them it would be read from the store, as it was then.
  std::string not_older_than = {};
};

struct Lister {
  std::function<void()> begin;  // and again: what came before is void
  std::function<void(const boost::json::object&)> item;
};

/// The resource version that the list shows. When the continue token expires in the middle
/// (compaction), begins again, at last without pages.
[[nodiscard]] Task<Answer<std::string>> list_all(std::shared_ptr<Transport> transport,
                                                 ListQuery query, Lister lister);

/// `target` with the selectors' parameters.
void add_selectors(std::string& target, const Selectors& selectors);

}  // namespace sextant::kube
