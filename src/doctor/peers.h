// The other nodes: what is asked of each by probes, and what the answers mean.
//
// Every probe of the overlay is an echo request behind the outer header that this node's data plane
// would write. The peer's SID decapsulates it, and its host answers. Between the two overlay
// addresses the answer comes back through the peer's data plane; between the two underlay addresses
// it comes back plainly, and shows the way there alone; under Calico's IPAM, where nodes have no
// overlay addresses, there is nothing else. What tells the causes apart is what else is answered:
//
//   peer's address   SID   SID behind an SRH
//        no           no          no         the peer is down, or the underlay does not reach it
//        yes          no          no         its SID is not routed, or nobody decapsulates there
//        yes          yes         no         somebody on the way drops packets with an SRH
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor/agent_facts.h"
#include "doctor/finding.h"
#include "doctor/prober.h"

namespace sextant::doctor {

struct SizeProbe {
  std::size_t size = 0;  // of the outer packet
  Outcome outcome;
};

struct PeerFacts {
  std::string name;
  Family family = Family::kIpv6;  // of the inner packets
  std::optional<Ipv6Address> address;
  std::optional<srv6::Sid> sid;
  bool unasked = false;    // the nodes have no addresses that could ask and answer
  bool on_link = false;    // the locator is not the fabric's business
  std::string unroutable;  // what this node's routing says about the SID; empty where it has a way
  Outcome underlay;        // echo to the peer's address
  Outcome plain;           // to the SID; the answer comes plainly
  Outcome overlay;         // to the SID; the answer comes through the overlay
  // The rest is asked for in the way that was answered, plainly where both were.
  Outcome srh_done;               // the SID in an SRH with no segment left
  Outcome srh_end;                // by the peer's End SID, with one segment left
  SizeProbe full;                 // the pods' largest packet, without an SRH
  SizeProbe full_srh;             // the same behind the longest list
  std::vector<SizeProbe> ladder;  // smaller ones, with an SRH where that is what failed
  [[nodiscard]] bool reached() const { return plain.answered || overlay.answered; }
};

struct ListFacts {
  ActiveList list;
  std::string first_unroutable;  // of its first segment
  Outcome whole;
  /// By the first 1, 2, ... segments and then the service SID; asked only where the whole fails.
  std::vector<Outcome> beginnings;
  bool service_sid_works = false;
};

[[nodiscard]] Findings check_peer(const PeerFacts& peer);
[[nodiscard]] Findings check_list(const ListFacts& facts);

struct PeerSurvey {
  std::vector<PeerFacts> peers;
  std::vector<ListFacts> lists;
  std::size_t left_out = 0;          // peers that were not asked, being too many
  std::size_t lists_left_out = 0;    // towards peers that were asked
  std::vector<std::string> unknown;  // asked for by name, and not known
  std::string failed;                // why nothing could be probed; empty where it could
};

/// `names`: the peers to ask, with the lists towards them; all where it is empty. Takes at most
/// about 5 seconds.
[[nodiscard]] PeerSurvey survey_peers(const AgentFacts& agent,
                                      const std::vector<std::string>& names);
[[nodiscard]] Findings check_survey(const PeerSurvey& survey);

}  // namespace sextant::doctor
