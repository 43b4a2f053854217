// SRv6Locator: a node's claim to a block of the locator pool.
#include "sources/readers.h"

namespace sextant::sources {

using overlay::LocatorReach;

void read_srv6_locator(const Value& root, Fields& fields, Object& object) {
  const auto* spec = fields.required(root, "spec");
  if (spec == nullptr) return;
  fields.only(*spec, {"prefix", "nodeName", "reach"});
  const auto* name = fields.required(*spec, "nodeName");
  const auto* prefix = fields.required(*spec, "prefix");
  if (name == nullptr || prefix == nullptr) return;
  auto& part = object.node.emplace();
  if (auto node = fields.name(*name)) part.node = std::move(*node);
  if (const auto block = fields.prefix(*prefix)) {
    const auto locator = srv6::Locator::make(*block);
    if (locator)
      part.locator = *locator;
    else
      fields.error(*prefix, "'" + prefix->text + "' cannot be a locator: " + locator.error().cause);
  }
  part.reach = LocatorReach::kFabric;
  if (const auto* reach = fields.optional(*spec, "reach")) {
    part.reach = fields.word<LocatorReach>(
        *reach, {{"Fabric", LocatorReach::kFabric}, {"OnLink", LocatorReach::kOnLink}});
  }
}

}  // namespace sextant::sources
