#include "cli/trace_question.h"

#include <algorithm>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include "cli/agent_query.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;

/// The family of whichever end is an address, else the wanted one.
std::optional<Family> family_of(const TraceRequest& request) {
  for (const auto* end : {&request.source, &request.destination})
    if (const auto address = IpAddress::parse(*end)) return address->family();
  return request.family;
}

std::string trace_target(const TraceRequest& request) {
  const auto encode = [](const std::string& value) {
    return boost::urls::encode(value, boost::urls::unreserved_chars);
  };
  std::string target =
      "/v1/trace?source=" + encode(request.source) + "&destination=" + encode(request.destination);
  if (request.family) target += "&family=" + std::string(to_string(*request.family));
  return target;
}

/// An end with the name of its pod, where that is known.
json::value named_party(const json::value& answer, std::string_view key,
                        const std::vector<PodName>& pods) {
  auto party = answer.at(key);
  std::string name;
  if (const auto address = IpAddress::parse(json_text(party, "address")))
    name = pod_name(pods, *address);
  party.as_object()["name"] = name.empty() ? json::value(nullptr) : json::value(name);
  return party;
}

Result<void> name_to_address(const TraceRequest& request, std::string& end) {
  if (IpAddress::parse(end)) return {};
  const auto address = pod_address(request.pods, end, family_of(request));
  if (!address) return tl::unexpected(address.error());
  if (*address) end = (*address)->to_string();
  return {};
}

}  // namespace

std::string json_text(const json::value& object, std::string_view key) {
  const auto& value = object.as_object().at(key);
  return value.is_string() ? std::string(value.get_string()) : std::string();
}

std::optional<Ipv6Address> json_address6(const json::value& object, std::string_view key) {
  const auto parsed = Ipv6Address::parse(json_text(object, key));
  return parsed ? std::optional(*parsed) : std::nullopt;
}

std::vector<srv6::SegmentList> lists_of(const json::value& decision) {
  std::vector<srv6::SegmentList> lists;
  for (const auto& entry : decision.at("segmentLists").as_array()) {
    srv6::SegmentList list{.segments = {}, .weight = entry.at("weight").to_number<std::uint32_t>()};
    for (const auto& segment : entry.at("segments").as_array()) {
      if (const auto sid = srv6::Sid::parse(std::string(segment.as_string())))
        list.segments.push_back(*sid);
    }
    lists.push_back(std::move(list));
  }
  return lists;
}

const TraceSite* find_site(const std::vector<TraceSite>& sites, const std::string& node) {
  const auto found = std::ranges::find(sites, node, &TraceSite::node);
  return found == sites.end() ? nullptr : &*found;
}

Result<TraceQuestion> ask_agents(TraceRequest& request, std::vector<TraceSite>& sites) {
  for (auto* end : {&request.source, &request.destination})
    if (auto done = name_to_address(request, *end); !done) return tl::unexpected(done.error());
  auto& first = sites.front();
  const auto nodes = ask_agent(first.socket, "/v1/nodes");
  if (!nodes) return tl::unexpected(nodes.error());
  const auto target = trace_target(request);
  const auto answer = ask_agent(first.socket, target);
  if (!answer) return tl::unexpected(answer.error());
  if (first.node.empty()) first.node = json_text(*answer, "node");
  TraceQuestion question{.names = TraceNames::from(*nodes),
                         .source = named_party(*answer, "source", request.pods),
                         .destination = named_party(*answer, "destination", request.pods)};
  const auto read = [&](std::string_view key, TraceDirection& direction) -> Result<void> {
    direction.decision = answer->at(key);
    direction.headend = json_text(direction.decision, "headend");
    // The headend itself knows best.
    const auto* own = find_site(sites, direction.headend);
    if (own == nullptr || own == &first) return {};
    const auto its = ask_agent(own->socket, target);
    if (!its) return tl::unexpected(its.error());
    direction.decision = its->at(key);
    return {};
  };
  if (auto done = read("forward", question.forward); !done) return tl::unexpected(done.error());
  if (auto done = read("reverse", question.reverse); !done) return tl::unexpected(done.error());
  const auto source = IpAddress::parse(json_text(question.source, "address"));
  const auto destination = IpAddress::parse(json_text(question.destination, "address"));
  if (!source) return tl::unexpected(source.error());
  if (!destination) return tl::unexpected(destination.error());
  question.forward.from = question.reverse.to = *source;
  question.forward.to = question.reverse.from = *destination;
  return question;
}

}  // namespace sextant::cli
