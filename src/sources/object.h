// One Kubernetes object, read: what it wants of the overlay, and what was wrong with it.
//
// Reading an object knows nothing of files: the same code serves a manifest and an answer of the
// Kubernetes API.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "overlay/intent.h"
#include "sources/finding.h"
#include "sources/peering.h"
#include "sources/value.h"

namespace sextant::sources {

/// What one object says of one overlay node. Several objects may speak of one node: see
/// intent_store.h.
struct NodePart {
  std::string node;
  std::map<std::string, std::string> labels;
  std::vector<IpAddress> addresses;
  std::optional<srv6::Locator> locator;
  std::optional<overlay::LocatorReach> reach;
  overlay::FixedSids sids;
  std::vector<overlay::PodPrefix> pod_prefixes;
  friend bool operator==(const NodePart&, const NodePart&) = default;
};

/// An address of an IPAM block that a pod on another node than the block's has.
struct LentAddress {
  std::string node;  // the pod's
  IpAddress address;
  friend bool operator==(const LentAddress&, const LentAddress&) = default;
};

struct Object {
  overlay::ObjectKey key;
  overlay::Location location;
  /// Nothing else is set where the object has errors.
  bool usable = false;
  std::optional<NodePart> node;
  std::vector<overlay::Policy> policies;
  std::vector<LentAddress> lent;
  std::vector<IpPrefix> sid_prefixes;  // hold SIDs, and so no pods
  std::optional<BgpPart> bgp = {};
  std::vector<Finding> findings;
  friend bool operator==(const Object&, const Object&) = default;
};

/// What a document turned out to be.
enum class Recognition : std::uint8_t {
  kRead,            // `Reading::objects` has it
  kIgnored,         // not ours: a cluster holds many kinds
  kUnidentifiable,  // ours or broken, but which object it is cannot be told: `Reading::findings`
};

/// What came out of one or more documents.
struct Reading {
  std::vector<Object> objects;
  std::vector<Finding> findings;  // of documents that could not be identified
  std::vector<overlay::ObjectKey> ignored;
  /// A document may be an object that was there before and cannot be recognized now.
  bool unidentified = false;
};

/// Reads a document: one object, or a List of them, in which each object stands for itself.
/// `source` names where it comes from in locations ("policies.yaml").
void read_document(const Value& document, std::string_view source, Reading& reading);

}  // namespace sextant::sources
