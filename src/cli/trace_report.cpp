#include "cli/trace_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/value.hpp>
#include <chrono>
#include <optional>

#include "trace/wire.h"

namespace sextant::cli {
namespace {

namespace json = boost::json;
namespace wire = trace::wire;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

double milliseconds(trace::Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::string code_text(bool v4, std::uint8_t type, std::uint8_t code) {
  if (!v4 && type == wire::kUnreachable6) {
    switch (code) {
      case 0:
        return "no route to destination";
      case 1:
        return "administratively prohibited";
      case 3:
        return "address unreachable";
      case 4:
        return "port unreachable";
      default:
        break;
    }
  }
  if (v4 && type == wire::kUnreachable) {
    switch (code) {
      case 0:
        return "network unreachable";
      case 1:
        return "host unreachable";
      case 3:
        return "port unreachable";
      case 13:
        return "administratively prohibited";
      default:
        break;
    }
  }
  return fmt::format("code {}", code);
}

/// A hop as it is shown: the routers' hop limits aside.
struct Shown {
  trace::Hop hop;
  std::string node;
  std::vector<srv6::Sid> done;
};

std::string name_with(const std::string& number, const std::string& name) {
  return name.empty() ? number : number + " (" + name + ")";
}

std::vector<Shown> shown_hops(const trace::Walk& walk, const WalkContext& context) {
  std::vector<Shown> hops;
  for (const auto& hop : walk.hops) {
    Shown shown{.hop = hop, .node = {}, .done = {}};
    if (hop.answer) shown.node = context.names.node(hop.answer->from);
    if (context.back) {
      // The headend answers too, and its own two steps make its first router answer twice.
      if (hops.empty() && (shown.node == context.headend || !hop.answer)) continue;
      const bool twice = !hops.empty() && hop.answer && hops.back().hop.answer &&
                         hop.answer->from == hops.back().hop.answer->from &&
                         hop.segments_left == hops.back().hop.segments_left;
      if (twice) continue;
    }
    hops.push_back(std::move(shown));
  }
  return hops;
}

/// Which hop did which segments: Segments Left fell between it and the hop before.
void mark_segments(std::vector<Shown>& hops, const trace::Walk& walk, const TraceNames& names) {
  const auto& visits = walk.outer.visits;
  std::size_t left = visits.empty() ? 0 : visits.size() - 1;
  Shown* before = nullptr;
  for (auto& shown : hops) {
    if (!shown.hop.answer) continue;
    for (; left > shown.hop.segments_left; --left) {
      const auto& sid = visits[visits.size() - 1 - left];
      const auto owner = names.segment(sid).owner;
      // Linux looks at the hop limit behind the SRH; RFC 8986 section 4.1 has it before, and then
      // it is the hop before that did the segment.
      const bool earlier =
          before != nullptr && !owner.empty() && before->node == owner && shown.node != owner;
      auto& doer = earlier ? *before : shown;
      doer.done.push_back(sid);
      if (doer.node.empty()) doer.node = owner;
    }
    before = &shown;
  }
}

json::object hop_json(const Shown& shown, std::size_t number, const TraceNames& names) {
  json::object hop{{"hop", number}};
  if (!shown.hop.answer) {
    hop["address"] = nullptr;
    return hop;
  }
  hop["address"] = shown.hop.answer->from.to_string();
  hop["node"] = text_or_null(shown.node);
  hop["milliseconds"] = milliseconds(shown.hop.answer->after);
  hop["segmentsDone"] = segments_json(shown.done, names);
  hop["towards"] = shown.hop.towards.to_string();
  hop["segmentsLeft"] = shown.hop.segments_left;
  hop["error"] = text_or_null(shown.hop.refused ? icmp_error_text(*shown.hop.answer) : "");
  return hop;
}

std::string underlay_loss(const std::vector<Shown>& hops, const trace::Walk& walk,
                          const TraceNames& names) {
  const auto towards = [&](const Ipv6Address& address) {
    return name_with(address.to_string(), names.segment(srv6::Sid(address)).owner);
  };
  const auto last = std::find_if(hops.rbegin(), hops.rend(),
                                 [](const Shown& shown) { return shown.hop.answer.has_value(); });
  if (last == hops.rend()) {
    return "no router answers: lost on the way to " + towards(walk.outer.visits.front().address());
  }
  const auto who = name_with(last->hop.answer->from.to_string(), last->node);
  if (last->hop.refused) {
    return who + " answers " + icmp_error_text(*last->hop.answer) + ": lost on the way to " +
           towards(last->hop.towards);
  }
  return "nobody answers behind hop " + std::to_string(hops.rend() - last) + ", " + who +
         ": lost on the way to " + towards(last->hop.towards) + ", or there";
}

std::string loss(const std::vector<Shown>& hops, const trace::Walk& walk,
                 const WalkContext& context) {
  if (!walk.refusal.empty()) return "the probes cannot be sent: " + walk.refusal;
  if (context.back && hops.empty())
    return "the probes do not get behind " + context.headend +
           "'s End SID: is it reached, and does it forward packets from here?";
  if (!walk.decapsulated) return underlay_loss(hops, walk, context.names);
  auto node = context.names.node(walk.decapsulated->from);
  if (node.empty()) node = walk.decapsulated->from.to_string();
  return node + " decapsulates, but " + context.destination.to_string() + " does not answer " +
         context.protocol + ": is it there, and does a network policy let it through?";
}

}  // namespace

std::string icmp_error_text(const trace::Answer& answer) {
  const bool v4 = answer.from.is_v4();
  if (answer.type == (v4 ? wire::kTimeExceeded : wire::kTimeExceeded6)) return {};
  if (answer.type == (v4 ? wire::kUnreachable : wire::kUnreachable6))
    return "Destination Unreachable (" + code_text(v4, answer.type, answer.code) + ")";
  if (answer.type == (v4 ? wire::kParameterProblem : wire::kParameterProblem6))
    return "Parameter Problem (" + code_text(v4, answer.type, answer.code) + ")";
  if (!v4 && answer.type == wire::kTooBig6) return "Packet Too Big";
  return fmt::format("ICMP type {}, code {}", answer.type, answer.code);
}

json::array segments_json(const std::vector<srv6::Sid>& segments, const TraceNames& names) {
  json::array array;
  for (const auto& sid : segments) {
    const auto known = names.segment(sid);
    array.push_back({{"sid", sid.to_string()},
                     {"owner", text_or_null(known.owner)},
                     {"behavior", text_or_null(known.behavior)}});
  }
  return array;
}

json::object answer_json(const trace::Answer& answer, const TraceNames& names) {
  return {{"address", answer.from.to_string()},
          {"node", text_or_null(names.node(answer.from))},
          {"milliseconds", milliseconds(answer.after)}};
}

void add_walk(json::object& list, const trace::Walk& walk, const WalkContext& context) {
  auto hops = shown_hops(walk, context);
  mark_segments(hops, walk, context.names);
  json::array array;
  for (const auto& shown : hops)
    array.emplace_back(hop_json(shown, array.size() + 1, context.names));
  list["hops"] = std::move(array);
  json::value decapsulated = nullptr;
  if (walk.decapsulated) {
    decapsulated = answer_json(*walk.decapsulated, context.names);
    decapsulated.as_object()["error"] = text_or_null(icmp_error_text(*walk.decapsulated));
  } else if (walk.delivered || walk.arrived) {
    decapsulated = {{"address", nullptr}, {"node", context.endpoint}};
  }
  list["decapsulated"] = std::move(decapsulated);
  list["delivered"] = walk.delivered ? json::value(answer_json(*walk.delivered, context.names))
                                     : json::value(nullptr);
  const bool complete = context.back ? walk.arrived : walk.delivered.has_value();
  list["complete"] = complete;
  list["lost"] = complete ? json::value(nullptr) : json::value(loss(hops, walk, context));
}

}  // namespace sextant::cli
