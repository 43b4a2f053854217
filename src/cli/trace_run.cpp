#include "cli/trace_run.h"

#include <algorithm>
#include <boost/json/value.hpp>
#include <cctype>
#include <map>
#include <random>

#include "cli/trace_names.h"
#include "cli/trace_question.h"
#include "cli/trace_report.h"
#include "dataplane/linux/netlink/netns.h"
#include "trace/raw_channel.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;
using trace::Flow;
using trace::Protocol;
using trace::Walk;

constexpr std::uint16_t kTraceroutePort = 33434, kWebPort = 80;
constexpr std::uint16_t kFirstDynamicPort = 49152, kDynamicPorts = 16384;  // RFC 6335 section 6

std::string upper(std::string_view text) {
  std::string result(text);
  for (auto& letter : result)
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return result;
}

/// One end from which probes are sent. Its flow goes to the other end.
struct Session {
  Flow flow;
  Ipv6Address source;  // of outer headers
  std::unique_ptr<trace::Channel> channel;
  std::unique_ptr<trace::Tracer> tracer;
  std::optional<trace::Departure> departure;
};

class Run {
 public:
  Run(TraceRequest request, std::vector<TraceSite> sites)
      : request_(std::move(request)), sites_(std::move(sites)) {
    std::random_device random;
    id_ = static_cast<std::uint16_t>(random() % 0xffff + 1);
  }

  Result<json::object> run();

 private:
  Result<Session*> session(const TraceDirection& end, const TraceDirection& other);
  Result<trace::Departure*> departure(Session& session);
  Result<json::object> trace(const TraceDirection& direction, const TraceDirection& other);
  Result<void> probe_here(const TraceDirection& direction, Session& session, json::object& report);
  Result<void> probe_other_lists(const TraceDirection& direction, Session& session,
                                 const trace::Outer& like,
                                 const std::vector<srv6::SegmentList>& lists, json::array& entries);
  Result<void> probe_there(const TraceDirection& direction, Session& session, json::object& report);
  [[nodiscard]] json::array list_entries(const std::vector<srv6::SegmentList>& lists) const;
  [[nodiscard]] WalkContext context(const TraceDirection& direction, const Flow& flow,
                                    bool back) const;
  [[nodiscard]] Flow forward_flow() const;
  /// The traced flow, or the one of its answers.
  [[nodiscard]] Flow flow_of(const TraceDirection& direction) const;

  TraceRequest request_;
  std::vector<TraceSite> sites_;
  std::uint16_t id_ = 0;
  TraceQuestion question_;
  std::map<std::string, Session> sessions_;  // by node
};

Flow Run::forward_flow() const {
  Flow flow{.source = question_.forward.from, .destination = question_.forward.to};
  flow.protocol = request_.protocol.value_or(request_.all ? Protocol::kUdp : Protocol::kIcmp);
  if (flow.protocol == Protocol::kIcmp) return flow;
  flow.source_port = request_.source_port;
  if (flow.source_port == 0)
    flow.source_port = static_cast<std::uint16_t>(kFirstDynamicPort + id_ % kDynamicPorts);
  flow.destination_port = request_.destination_port;
  if (flow.destination_port == 0)
    flow.destination_port = flow.protocol == Protocol::kTcp ? kWebPort : kTraceroutePort;
  return flow;
}

Flow Run::flow_of(const TraceDirection& direction) const {
  auto flow = forward_flow();
  if (&direction == &question_.forward) return flow;
  std::swap(flow.source, flow.destination);
  std::swap(flow.source_port, flow.destination_port);
  return flow;
}

/// The end where `end` starts; null where no probes can be sent from there.
Result<Session*> Run::session(const TraceDirection& end, const TraceDirection& other) {
  const auto* from = find_site(sites_, end.headend);
  const auto source = json_address6(end.decision, "encapsulationSource");
  if (from == nullptr || !source || end.headend == other.headend) return nullptr;
  if (const auto found = sessions_.find(end.headend); found != sessions_.end())
    return &found->second;
  Session session{.flow = flow_of(end), .source = *source};
  const auto open = [&] {
    return trace::open_raw_channel(session.flow.source, session.flow.destination, session.source);
  };
  Result<std::unique_ptr<trace::Channel>> channel;
  if (from->netns.empty()) {
    channel = open();
  } else {
    const auto netns = netlink::Netns::open(from->netns);
    if (!netns) return tl::unexpected(netns.error());
    channel = netns->run(open);
  }
  if (!channel) return tl::unexpected(channel.error());
  session.channel = std::move(*channel);
  session.tracer = std::make_unique<trace::Tracer>(*session.channel, request_.limits, id_);
  return &sessions_.emplace(end.headend, std::move(session)).first->second;
}

Result<trace::Departure*> Run::departure(Session& session) {
  if (!session.departure) {
    auto done = session.tracer->depart(session.flow);
    if (!done) return tl::unexpected(done.error());
    session.departure = std::move(*done);
  }
  return &*session.departure;
}

json::array Run::list_entries(const std::vector<srv6::SegmentList>& lists) const {
  std::uint64_t total = 0;
  for (const auto& list : lists) total += list.weight;
  json::array entries;
  for (const auto& list : lists) {
    entries.push_back(
        {{"segments", segments_json(list.segments, question_.names)},
         {"weight", list.weight},
         {"share",
          total == 0 ? 0.0 : static_cast<double>(list.weight) / static_cast<double>(total)},
         {"use", nullptr}});
  }
  return entries;
}

WalkContext Run::context(const TraceDirection& direction, const Flow& flow, bool back) const {
  const auto endpoint = json_address6(direction.decision, "endpoint");
  return {.names = question_.names,
          .headend = direction.headend,
          .endpoint = endpoint ? question_.names.node(*endpoint) : std::string(),
          .destination = direction.to,
          .protocol = upper(to_string(flow.protocol)),
          .back = back};
}

void describe_use(json::object& entry, ListUse use, const trace::Outer& outer, const Flow& flow) {
  entry["use"] = use == ListUse::kSeen        ? "Seen"
                 : use == ListUse::kOtherFlow ? "OtherFlow"
                                              : "Crafted";
  const bool bare = outer.visits.size() == 1 && !outer.srh_for_one;
  entry["encapsulation"] = bare                                            ? "NoSRH"
                           : outer.mode == srv6::EncapMode::kEncapsReduced ? "H.Encaps.Red"
                                                                           : "H.Encaps";
  entry["flowLabel"] = outer.flow_label;
  const bool ports = flow.protocol != Protocol::kIcmp;
  entry["sourcePort"] = ports ? json::value(flow.source_port) : json::value(nullptr);
  entry["destinationPort"] = ports ? json::value(flow.destination_port) : json::value(nullptr);
}

Result<void> Run::probe_here(const TraceDirection& direction, Session& session,
                             json::object& report) {
  const auto lists = lists_of(direction.decision);
  auto entries = list_entries(lists);
  const auto sent = departure(session);
  if (!sent) return tl::unexpected(sent.error());
  const auto& left = **sent;
  report["method"] = "Probed";
  if (!left.outer) {
    const auto away = "no encapsulated packet left " + direction.headend;
    report["note"] =
        !left.refusal.empty() ? away + ": " + left.refusal
        : left.delivered      ? away + ", yet " + direction.to.to_string() +
                               " answered: the packets go another way than the overlay's; "
                               "somebody else routes them (sextant status)"
        : left.refused ? away + ": " + left.refused->from.to_string() + " answers " +
                             icmp_error_text(*left.refused)
                       : away +
                             " within the timeout: is its forwarding in order (sextant status), "
                             "does its firewall let the packets out?";
    report["segmentLists"] = std::move(entries);
    report["complete"] = false;
    return {};
  }
  auto found = std::ranges::find(lists, left.outer->visits, &srv6::SegmentList::segments);
  auto at = static_cast<std::size_t>(found - lists.begin());
  if (found == lists.end()) {
    report["note"] = "the packets carry a list that " + direction.headend +
                     "'s agent does not want: is its data plane in order? see sextant status";
    entries.push_back({{"segments", segments_json(left.outer->visits, question_.names)},
                       {"weight", nullptr},
                       {"share", nullptr}});
    at = entries.size() - 1;
  }
  auto outer = *left.outer;
  if (request_.flow_label && &direction == &question_.forward)
    outer.flow_label = *request_.flow_label;
  auto walk = session.tracer->walk(left.flow, outer, left.device, false);
  if (!walk) return tl::unexpected(walk.error());
  if (!walk->delivered) walk->delivered = left.delivered;
  auto& entry = entries[at].as_object();
  describe_use(entry, ListUse::kSeen, outer, left.flow);
  add_walk(entry, *walk, context(direction, session.flow, false));
  if (request_.all) {
    if (auto done = probe_other_lists(direction, session, *left.outer, lists, entries); !done)
      return done;
  }
  report["segmentLists"] = std::move(entries);
  return {};
}

/// The lists that the traced flow does not take: by a flow that does, else crafted.
Result<void> Run::probe_other_lists(const TraceDirection& direction, Session& session,
                                    const trace::Outer& like,
                                    const std::vector<srv6::SegmentList>& lists,
                                    json::array& entries) {
  const auto trace_list = [&](std::size_t at, ListUse use, const Flow& flow,
                              const trace::Outer& outer, trace::Device device) -> Result<void> {
    const auto walk = session.tracer->walk(flow, outer, device, true);
    if (!walk) return tl::unexpected(walk.error());
    auto& entry = entries[at].as_object();
    describe_use(entry, use, outer, flow);
    add_walk(entry, *walk, context(direction, flow, false));
    return {};
  };
  const auto untraced = [&](std::size_t at) { return entries[at].at("use").is_null(); };
  const auto any_untraced = [&] {
    for (std::size_t at = 0; at < lists.size(); ++at)
      if (untraced(at)) return true;
    return false;
  };
  Flow flow = session.flow;
  auto& port = &direction == &question_.forward ? flow.source_port : flow.destination_port;
  const bool vary = flow.protocol != Protocol::kIcmp && request_.source_port == 0;
  for (unsigned i = 0; vary && i < request_.limits.flows && any_untraced(); ++i) {
    const auto offset = static_cast<unsigned>(port - kFirstDynamicPort + 1);
    port = static_cast<std::uint16_t>(kFirstDynamicPort + offset % kDynamicPorts);
    const auto left = session.tracer->choose(flow);
    if (!left) return tl::unexpected(left.error());
    if (!left->outer) continue;
    const auto found = std::ranges::find(lists, left->outer->visits, &srv6::SegmentList::segments);
    const auto at = static_cast<std::size_t>(found - lists.begin());
    if (found == lists.end() || !untraced(at)) continue;
    if (auto done = trace_list(at, ListUse::kOtherFlow, flow, *left->outer, left->device); !done)
      return done;
  }
  for (std::size_t at = 0; at < lists.size(); ++at) {
    if (!untraced(at)) continue;
    auto outer = like;
    outer.visits = lists[at].segments;
    if (auto done = trace_list(at, ListUse::kCrafted, session.flow, outer, {}); !done) return done;
  }
  return {};
}

/// The list by which the answer came: all of its SIDs stand in the header, or all but the first.
std::optional<std::size_t> list_seen(const std::vector<srv6::SegmentList>& lists,
                                     const trace::Encapsulation& seen) {
  const auto named = seen.named();
  for (const bool reduced : {false, true}) {
    for (std::size_t at = 0; at < lists.size(); ++at) {
      const auto& segments = lists[at].segments;
      if (segments.size() == named.size() + (reduced ? 1 : 0) &&
          std::equal(named.rbegin(), named.rend(), segments.rbegin()))
        return at;
    }
  }
  return std::nullopt;
}

Result<void> Run::probe_there(const TraceDirection& direction, Session& session,
                              json::object& report) {
  const auto lists = lists_of(direction.decision);
  auto entries = list_entries(lists);
  const auto sent = departure(session);
  if (!sent) return tl::unexpected(sent.error());
  const auto& answered = (*sent)->answered_by;
  std::optional<std::size_t> seen;
  if (answered) {
    seen = list_seen(lists, *answered);
    if (!seen) {
      report["note"] = "the answer came by another list than " + direction.headend +
                       "'s objects say: is its data plane in order? see sextant status there";
      entries.push_back({{"segments", segments_json(answered->named(), question_.names)},
                         {"weight", nullptr},
                         {"share", nullptr},
                         {"use", nullptr}});
      seen = entries.size() - 1;
    }
  } else if ((*sent)->delivered) {
    report["note"] = "the answer did not come through the overlay";
  }
  const auto far = question_.names.end_sid(direction.headend);
  report["method"] = far ? "ProbedThroughEndSID" : "Computed";
  const auto label = answered         ? answered->flow_label
                     : (*sent)->outer ? (*sent)->outer->flow_label
                                      : 0;
  for (std::size_t at = 0; at < entries.size(); ++at) {
    auto& entry = entries[at].as_object();
    const bool only = !seen && lists.size() == 1;
    if (seen == at) entry["use"] = "Seen";
    if (!far || (seen != at && !only && !request_.all)) continue;
    const auto visits = at < lists.size() ? lists[at].segments : answered->named();
    const auto passes =
        session.tracer->find_label_back(session.flow, session.source, *far, visits, label);
    if (!passes) return tl::unexpected(passes.error());
    const auto walk = session.tracer->walk_back(session.flow, session.source, *far, visits,
                                                passes->value_or(label));
    if (!walk) return tl::unexpected(walk.error());
    describe_use(entry, seen == at ? ListUse::kSeen : ListUse::kCrafted, walk->outer,
                 flow_of(direction));
    add_walk(entry, *walk, context(direction, session.flow, true));
  }
  report["segmentLists"] = std::move(entries);
  return {};
}

Result<json::object> Run::trace(const TraceDirection& direction, const TraceDirection& other) {
  json::object report = direction.decision.as_object();
  report["from"] = direction.from.to_string();
  report["to"] = direction.to.to_string();
  report["method"] = "None";
  report["note"] = nullptr;
  report["complete"] = json_text(direction.decision, "outcome") == "Local";
  if (json_text(direction.decision, "outcome") != "Path") return report;
  report["segmentLists"] = list_entries(lists_of(direction.decision));

  const auto here = session(direction, other);
  if (!here) return tl::unexpected(here.error());
  const auto there = session(other, direction);
  if (!there) return tl::unexpected(there.error());
  Result<void> done;
  if (*here != nullptr) {
    done = probe_here(direction, **here, report);
  } else if (*there != nullptr) {
    done = probe_there(direction, **there, report);
  } else {
    report["method"] = "Computed";
  }
  if (!done) return tl::unexpected(done.error());
  bool complete = false;
  for (const auto& list : report["segmentLists"].as_array()) {
    const auto* arrived = list.as_object().if_contains("complete");
    if (arrived == nullptr) continue;
    complete = arrived->as_bool();
    if (!complete) break;
  }
  report["complete"] = complete;
  return report;
}

Result<json::object> Run::run() {
  auto asked = ask_agents(request_, sites_);
  if (!asked) return tl::unexpected(asked.error());
  question_ = std::move(*asked);
  const bool local = question_.forward.headend == question_.reverse.headend;
  if (!local && find_site(sites_, question_.forward.headend) == nullptr &&
      find_site(sites_, question_.reverse.headend) == nullptr) {
    return failure(
        "trace", request_.source + " to " + request_.destination,
        "neither end is on this node, " + sites_.front().node,
        "run it on " + question_.forward.headend + " or on " + question_.reverse.headend);
  }
  const auto flow = forward_flow();
  json::object report{{"node", sites_.front().node},
                      {"source", question_.source},
                      {"destination", question_.destination},
                      {"protocol", upper(to_string(flow.protocol))}};
  const bool ports = flow.protocol != Protocol::kIcmp;
  report["sourcePort"] = ports ? json::value(flow.source_port) : json::value(nullptr);
  report["destinationPort"] = ports ? json::value(flow.destination_port) : json::value(nullptr);
  json::array directions;
  auto there = trace(question_.forward, question_.reverse);
  if (!there) return tl::unexpected(there.error());
  directions.emplace_back(std::move(*there));
  if (!request_.one_way && !local) {
    auto back = trace(question_.reverse, question_.forward);
    if (!back) return tl::unexpected(back.error());
    directions.emplace_back(std::move(*back));
  }
  report["directions"] = std::move(directions);
  return report;
}

}  // namespace

Result<json::object> run_trace(const TraceRequest& request, std::vector<TraceSite> sites) {
  return Run(request, std::move(sites)).run();
}

bool trace_arrived(const json::object& report) {
  return std::ranges::all_of(report.at("directions").as_array(), [](const json::value& direction) {
    return direction.at("complete").as_bool();
  });
}

}  // namespace sextant::cli
