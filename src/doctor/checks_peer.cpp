#include <fmt/format.h>
#include <fmt/ranges.h>

#include "doctor/peers.h"

namespace sextant::doctor {
namespace {

// RFC 4443 section 3.
constexpr std::uint8_t kUnreachable = 1, kTooBig = 2, kTimeExceeded = 3, kParameterProblem = 4;

std::string milliseconds(const Outcome& outcome) {
  return fmt::format("{:.1f} ms", static_cast<double>(outcome.after.count()) / 1000);
}

/// Why a probe was not answered, as far as anybody said.
std::string said(const Outcome& outcome) {
  if (!outcome.refused.empty()) return "this node does not send it: " + outcome.refused;
  if (!outcome.error) return "no answer";
  const auto from = outcome.error->from.to_string();
  switch (outcome.error->type) {
    case kUnreachable:
      return fmt::format(
          "{} answers: {}", from,
          outcome.error->code == 1 ? "administratively prohibited" : "destination unreachable");
    case kTooBig:
      return fmt::format("{} answers: too big, MTU {}", from, outcome.error->mtu);
    case kTimeExceeded:
      return from + " answers: hop limit exceeded, there is a loop";
    case kParameterProblem:
      return from + " answers: parameter problem, it rejects the header";
    default:
      return "no answer";
  }
}

std::string object_of(const PeerFacts& peer) {
  return peer.name + " " + std::string(sextant::to_string(peer.family));
}

Finding sid_unreached(const PeerFacts& peer) {
  const auto sid = peer.sid->to_string();
  if (!peer.unroutable.empty())
    return {Verdict::kFail,
            "peer SID",
            object_of(peer),
            fmt::format("{}: {}", sid, peer.unroutable),
            "this node has no way to the SID: packets for the peer's pods are dropped here",
            "ip -6 route get " + sid +
                "; announce the peer's locator in the underlay's routing, or "
                "set sextant.dev/locator-reach: on-link where it is on this link"};
  if (peer.underlay.sent_at_all && !peer.underlay.answered)
    return {Verdict::kFail,
            "peer SID",
            object_of(peer),
            fmt::format("neither {} nor the node's address {} answers ({})", sid,
                        peer.address->to_string(), said(peer.underlay)),
            "the peer is down, or the underlay does not reach it",
            "ping -6 " + peer.address->to_string() + "; is the node up, and its uplink?"};
  const auto& asked = peer.plain.sent_at_all ? peer.plain : peer.overlay;
  if (asked.error && asked.error->type == kUnreachable)
    return {Verdict::kFail,
            "peer SID",
            object_of(peer),
            fmt::format("{}: {}", sid, said(asked)),
            "the underlay reaches the peer's address, but has no route for its SIDs",
            "on that router: a route for the peer's locator, announced to the others"};
  if (!peer.on_link && peer.underlay.answered)
    return {Verdict::kFail,
            "peer SID",
            object_of(peer),
            fmt::format("{}: {}; the node's address answers", sid, said(asked)),
            "the fabric carries packets to the peer's address, but drops those to its locator "
            "(no route for it there, or only a default one), or the peer does not decapsulate",
            "sextant trace shows the last hop; announce the locator in the underlay's routing, or "
            "set sextant.dev/locator-reach: on-link where it is on this link; on the peer: sextant "
            "doctor, sextant sids (do its counters move?)"};
  return {
      Verdict::kFail,
      "peer SID",
      object_of(peer),
      fmt::format("{}: {}; the node's address answers", sid, said(asked)),
      "the peer is up and its SID is routed, but no packet comes back through the overlay: nobody "
      "decapsulates there, a filter drops IP in IPv6 on the way, or the peer has no way back",
      "on the peer: sextant doctor, sextant sids (do its counters move?)"};
}

void check_srh(Findings& findings, const PeerFacts& peer) {
  const bool done = peer.srh_done.answered;
  const bool end = peer.srh_end.answered;
  if (!peer.srh_done.sent_at_all) return;
  if (done && (end || !peer.srh_end.sent_at_all)) {
    findings.push_back(
        {Verdict::kOk, "peer SRH", object_of(peer),
         "packets with an SRH pass, " + milliseconds(end ? peer.srh_end : peer.srh_done)});
    return;
  }
  if (done) {
    findings.push_back(
        {Verdict::kFail, "peer SRH", object_of(peer),
         "its End SID does not forward: " + said(peer.srh_end),
         "packets with an SRH pass, so it is the peer: policies that visit this node "
         "lose their packets",
         "on the peer: sextant sids, sextant doctor"});
    return;
  }
  findings.push_back(
      {Verdict::kFail, "peer SRH", object_of(peer),
       "without an SRH the SID answers, behind one it does not: " + said(peer.srh_done),
       "somebody on the way drops packets with a routing header: policies of several segments lose "
       "their packets, plain paths work",
       "allow routing header type 4 (IPv6 next header 43) on the underlay's firewalls and "
       "routers within the SR domain; sextant trace shows how far packets get"});
}

void check_size(Findings& findings, const PeerFacts& peer) {
  const bool srh_too = peer.full_srh.outcome.sent_at_all && peer.srh_end.answered;
  const bool plain_fails = peer.full.outcome.sent_at_all && !peer.full.outcome.answered;
  const bool srh_fails = srh_too && !peer.full_srh.outcome.answered;
  if (!plain_fails && !srh_fails) {
    const auto size = srh_too ? peer.full_srh.size : peer.full.size;
    if (peer.full.outcome.sent_at_all)
      findings.push_back({Verdict::kOk, "peer MTU", object_of(peer),
                          fmt::format("{} bytes pass on the wire", size)});
    return;
  }
  const auto& failed = plain_fails ? peer.full : peer.full_srh;
  std::size_t passes = 0;
  for (const auto& step : peer.ladder)
    if (step.outcome.answered) passes = std::max(passes, step.size);
  // What a router said is exact.
  if (failed.outcome.error && failed.outcome.error->mtu < failed.size)
    passes = std::max<std::size_t>(passes, failed.outcome.error->mtu);
  auto found =
      fmt::format("{} bytes{} do not pass: {}", failed.size,
                  plain_fails ? "" : " behind the longest segment list", said(failed.outcome));
  if (passes > 0 && !failed.outcome.error) found += fmt::format("; {} do", passes);
  findings.push_back(
      {Verdict::kFail, "peer MTU", object_of(peer), found,
       failed.outcome.error
           ? "the underlay carries less than this node's uplinks say: pods are told "
             "packet by packet, and those that ignore it hang"
           : "big packets vanish without a word: connections open, and hang once "
             "data flows",
       fmt::format("raise the MTU on the way to {}, or lower the uplinks' MTU on the nodes{}",
                   failed.size, passes > 0 ? fmt::format(" to {}", passes) : "")});
}

}  // namespace

Findings check_peer(const PeerFacts& peer) {
  if (!peer.sid)
    return {{Verdict::kFail, "peer SID", object_of(peer),
             "no SID is known that delivers packets of this family", "there is no path to its pods",
             "give the Node an annotation sextant.dev/locator, or its ConfigMap localsids"}};
  if (peer.unasked)
    return {{Verdict::kOk, "peer SID", object_of(peer),
             "not probed: the two nodes have no addresses of this family"}};
  if (!peer.reached()) return {sid_unreached(peer)};
  Findings findings;
  if (peer.overlay.answered) {
    findings.push_back({Verdict::kOk, "peer SID", object_of(peer),
                        peer.sid->to_string() + " answers, " + milliseconds(peer.overlay)});
  } else if (!peer.overlay.sent_at_all) {
    findings.push_back({Verdict::kOk, "peer SID", object_of(peer),
                        peer.sid->to_string() + " answers, " + milliseconds(peer.plain) +
                            "; past the overlay, in which these nodes have no addresses"});
  } else {
    findings.push_back(
        {Verdict::kFail, "peer way back", object_of(peer),
         peer.sid->to_string() +
             " is reached, but its answer through the overlay does not come: " + said(peer.overlay),
         "the peer's path to this node loses packets, or this node's SIDs do not take them",
         "on the peer: sextant doctor --peer with this node's name; here: sextant sids (do the "
         "counters move?)"});
  }
  if (peer.underlay.sent_at_all && !peer.underlay.answered)
    findings.push_back(
        {Verdict::kOk, "peer address", peer.name,
         peer.address->to_string() + " does not answer echo requests; its SID does"});
  check_srh(findings, peer);
  check_size(findings, peer);
  return findings;
}

Findings check_list(const ListFacts& facts) {
  const auto& segments = facts.list.segments;
  std::vector<std::string> words;
  for (const auto& sid : segments) words.push_back(sid.to_string());
  const auto object = fmt::format("{} to {} {}", facts.list.policy, facts.list.node,
                                  sextant::to_string(facts.list.family));
  const auto list = fmt::format("{}", fmt::join(words, ", "));
  if (!facts.first_unroutable.empty())
    return {{Verdict::kFail, "policy", object,
             fmt::format("first segment {}: {}", words.front(), facts.first_unroutable),
             "packets of this policy are dropped on this node",
             "ip -6 route get " + words.front() +
                 "; correct the segment, or announce it in the "
                 "underlay's routing"}};
  if (!facts.service_sid_works)
    return {{Verdict::kWarn, "policy", object, list + ": not probed",
             "the endpoint does not answer on the plain path: mend that first",
             "see the peer's findings"}};
  if (!facts.whole.sent_at_all) return {};
  if (facts.whole.answered)
    return {{Verdict::kOk, "policy", object, list + ": answered, " + milliseconds(facts.whole)}};
  for (std::size_t i = 0; i < facts.beginnings.size(); ++i) {
    if (facts.beginnings[i].answered) continue;
    return {
        {Verdict::kFail, "policy", object,
         fmt::format("{}: lost from segment {} on, {}: {}", list, i + 1, words[i],
                     said(facts.beginnings[i])),
         "packets of this policy are lost, the plain path works: the segment is not routed, its "
         "node is no endpoint for it (Linux: seg6_enabled), or drops routing headers",
         "sextant trace shows the last hop; correct or remove the segment"}};
  }
  return {
      {Verdict::kFail, "policy", object, list + ": " + said(facts.whole),
       "each segment works by itself, the whole list does not: too many segments for a router on "
       "the way, or its MTU",
       "sextant trace shows the last hop"}};
}

Findings check_survey(const PeerSurvey& survey) {
  Findings findings;
  if (!survey.failed.empty())
    findings.push_back({Verdict::kWarn, "peers", "all", "not probed: " + survey.failed,
                        "whether other nodes can be reached is not known", "sudo sextant doctor"});
  for (const auto& name : survey.unknown)
    findings.push_back({Verdict::kFail, "peers", name, "there is no such node with pods",
                        "nothing was probed for that name", "sextant nodes"});
  for (const auto& peer : survey.peers) append(findings, check_peer(peer));
  for (const auto& list : survey.lists) append(findings, check_list(list));
  if (survey.left_out > 0)
    findings.push_back({Verdict::kWarn, "peers", fmt::format("{} more", survey.left_out),
                        "not probed: only so many fit into the time",
                        "whether they and the policies towards them work is not known",
                        "sextant doctor --peer NAME for one of them"});
  if (survey.lists_left_out > 0)
    findings.push_back({Verdict::kWarn, "policy", fmt::format("{} more", survey.lists_left_out),
                        "segment lists not probed: only so many fit into the time",
                        "whether packets on them arrive is not known",
                        "sextant doctor --peer NAME for the lists towards one node"});
  return findings;
}

}  // namespace sextant::doctor
