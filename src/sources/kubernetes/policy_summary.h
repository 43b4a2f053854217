// What all headends make of one SRv6Policy: the `status` of that object. Pure.
//
// Accepted: the object reads, and the nodes that it names exist.
//   True   Accepted
//   False  Invalid (the message names the field), HeadendNotFound, EndpointNotFound,
//          SegmentNotFound (what else the object says is in force, and Ready tells of that)
// Ready: every selected headend has reported this generation, and has programmed it.
//   True   Programmed
//   False  NotAccepted, NoHeadend,
//          Pending (some have not reported this generation yet, no one failed),
//          PartiallyProgrammed (some have it, some failed), Failed (none has it),
//          NotActive (all prefer another object's candidate path: it stands by)
//
// Selected headends are the nodes that the policy's headend selects and for which an agent has
// spoken (a router or a node without Sextant never will), without the endpoint itself (its own pods
// need no tunnel); a node that the policy names counts in any case.
#pragma once

#include <boost/json/fwd.hpp>
#include <string>
#include <vector>

#include "overlay/intent.h"
#include "sources/kubernetes/headend_board.h"

namespace sextant::kubernetes {

inline constexpr std::size_t kNotReadyHeadends = 10;  // listed; the rest is counted

struct NotReadyHeadend {
  std::string node;
  Trouble trouble;
  friend bool operator==(const NotReadyHeadend&, const NotReadyHeadend&) = default;
};

struct PolicySummary {
  std::int64_t observed_generation = 0;
  std::vector<Condition> conditions;  // "Accepted", "Ready"; then those of others, as they are
  std::size_t headends = 0;
  std::size_t ready = 0;
  std::vector<NotReadyHeadend> not_ready;  // the first by name; at most kNotReadyHeadends
  friend bool operator==(const PolicySummary&, const PolicySummary&) = default;
};

/// One SRv6Policy as the API server has it.
struct PolicyObject {
  std::string name;
  ObjectVersion version;
  std::string resource_version;
  std::vector<overlay::Policy> policies;  // what it wants; empty where it cannot be read
  std::string fault;                      // why it cannot be read
  PolicySummary written;                  // its status now
};
[[nodiscard]] PolicyObject read_policy_object(const boost::json::object& object);

/// `policy`: the object's number on the board. Times are those of `object.written` where nothing
/// changed, else `time`.
[[nodiscard]] PolicySummary summarize(const PolicyObject& object, std::uint32_t policy,
                                      HeadendBoard& board, Time time);

[[nodiscard]] boost::json::object to_json(const PolicySummary& summary);

}  // namespace sextant::kubernetes
