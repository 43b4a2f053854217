#include "overlay/segments.h"

#include <utility>

namespace sextant::overlay {
namespace {

tl::expected<srv6::Sid, Fault> resolve_segment(const Segment& segment, const Directory& nodes) {
  if (const auto* sid = std::get_if<srv6::Sid>(&segment)) {
    const auto fault = address_fault(sid->address());
    if (fault.empty()) return *sid;
    return tl::unexpected(sid->to_string() + " is no SID: it is " + fault);
  }
  const auto& name = std::get<std::string>(segment);
  const auto* node = nodes.find(name);
  if (node == nullptr) return tl::unexpected("no node or router is called '" + name + "'");
  if (!node->end) return tl::unexpected("'" + name + "' has no End SID and no locator");
  return *node->end;
}

/// Appends the endpoint's service SID where the list does not end in one.
tl::expected<void, Fault> finish_at_endpoint(std::vector<srv6::Sid>& segments,
                                             const std::optional<srv6::Behavior>& said,
                                             const ListContext& context) {
  const auto last = segments.back();
  const auto own = context.endpoint != nullptr ? context.endpoint->decapsulation(last)
                                               : std::optional<srv6::Behavior>();
  auto behavior = own;
  if (!behavior && said && srv6::decapsulates(*said)) behavior = said;
  if (behavior && !srv6::decapsulates(*behavior, context.family)) {
    return tl::unexpected("ends in " + std::string(to_string(*behavior)) + " (" + last.to_string() +
                          "), which does not take " + std::string(to_string(context.family)) +
                          " packets");
  }
  if (context.endpoint == nullptr || own) return {};
  const auto* owner = context.nodes.by_locator(last);
  if (owner != nullptr && owner != context.endpoint &&
      (!owner->router || owner->decapsulation(last))) {
    return tl::unexpected("ends at node " + owner->name + " (" + last.to_string() +
                          "), not at the endpoint " + context.endpoint->name);
  }
  if (behavior) return {};
  if (const auto& service = context.endpoint->service_sid(context.family)) {
    segments.push_back(*service);
  }
  return {};
}

}  // namespace

tl::expected<srv6::SegmentList, Fault> complete(const WeightedSegments& list,
                                                const ListContext& context) {
  if (list.segments.empty()) return tl::unexpected(Fault("is empty"));
  if (list.weight == 0) return tl::unexpected(Fault("has weight 0"));
  srv6::SegmentList complete_list{.segments = {}, .weight = list.weight};
  for (std::size_t i = 0; i < list.segments.size(); ++i) {
    auto sid = resolve_segment(list.segments[i], context.nodes);
    if (!sid) return tl::unexpected("segment " + std::to_string(i + 1) + ": " + sid.error());
    const auto* owner = context.nodes.by_locator(*sid);
    if (i + 1 < list.segments.size() && owner != nullptr && owner->decapsulation(*sid)) {
      return tl::unexpected("segment " + std::to_string(i + 1) + ": " + sid->to_string() +
                            " decapsulates at node " + owner->name + ", so it must be the last");
    }
    complete_list.segments.push_back(*sid);
  }
  if (auto finished = finish_at_endpoint(complete_list.segments, list.last_behavior, context);
      !finished) {
    return tl::unexpected(std::move(finished.error()));
  }
  if (const auto depth = complete_list.segments.size(); depth > context.max_segments) {
    return tl::unexpected("has " + std::to_string(depth) +
                          " SIDs with the service SID, more than maxSegments (" +
                          std::to_string(context.max_segments) + ")");
  }
  return complete_list;
}

}  // namespace sextant::overlay
