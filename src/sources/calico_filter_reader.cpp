// Calico's BGPFilter: which routes pass to and from a peer. A rule that asks for what Sextant
// cannot look at is left out with a warning; the others of its filter count.
#include <string>

#include "sources/readers.h"

namespace sextant::sources {
namespace {

enum class Match : std::uint8_t { kEqual, kNotEqual, kIn, kNotIn };

/// Whether the rule can be had here.
bool is_supported(const Value& rule, Fields& fields) {
  for (const auto* name : {"source", "interface", "asPathPrefix", "priority", "operations"}) {
    const auto* value = fields.optional(rule, name);
    if (value == nullptr || (value->items.empty() && value->text.empty())) continue;
    fields.warn(*value, "rules cannot ask for this here: the rule is left out");
    return false;
  }
  return true;
}

void read_lengths(const Value& rule, Fields& fields, BgpFilterRule& to) {
  const auto* lengths = fields.optional(rule, "prefixLength");
  if (lengths == nullptr) return;
  const auto widest = address_bits(to.family);
  const auto read = [&](std::string_view name, std::uint8_t& length) {
    const auto* value = fields.optional(*lengths, name);
    const auto number = value == nullptr ? std::nullopt : fields.number(*value, 0, widest);
    if (number) length = static_cast<std::uint8_t>(*number);
  };
  read("min", to.min_length);
  read("max", to.max_length);
}

void read_match(const Value& rule, Fields& fields, BgpFilterRule& to) {
  to.max_length = address_bits(to.family);
  const auto* cidr = fields.optional(rule, "cidr");
  if (cidr == nullptr || cidr->text.empty()) return;
  const auto prefix = fields.prefix(*cidr);
  const auto* matching = fields.required(rule, "matchOperator");
  const auto match = matching == nullptr
                         ? std::nullopt
                         : fields.word<Match>(*matching, {{"Equal", Match::kEqual},
                                                          {"NotEqual", Match::kNotEqual},
                                                          {"In", Match::kIn},
                                                          {"NotIn", Match::kNotIn}});
  if (!prefix || !match) return;
  if (prefix->family() != to.family) {
    fields.error(*cidr, "'" + cidr->text + "' is of the other family than the list's");
    return;
  }
  to.within = *prefix;
  to.outside = match == Match::kNotEqual || match == Match::kNotIn;
  to.min_length = prefix->length();
  if (match == Match::kEqual || match == Match::kNotEqual) to.max_length = prefix->length();
  read_lengths(rule, fields, to);
}

void read_rules(const Value& spec, std::string_view name, Family family, Fields& fields,
                std::vector<BgpFilterRule>& rules) {
  const auto* value = fields.optional(spec, name);
  const auto* entries = value == nullptr ? nullptr : fields.list(*value);
  if (entries == nullptr) return;
  for (const auto& entry : *entries) {
    BgpFilterRule rule{.family = family};
    const auto* action = fields.required(entry, "action");
    if (action == nullptr) continue;
    rule.accept = fields.word<bool>(*action, {{"Accept", true}, {"Reject", false}}).value_or(true);
    read_match(entry, fields, rule);
    if (const auto* type = fields.optional(entry, "peerType");
        type != nullptr && !type->text.empty())
      rule.external = fields.word<bool>(*type, {{"eBGP", true}, {"iBGP", false}});
    if (const auto* communities = fields.optional(entry, "communities")) {
      const auto* values = fields.required(*communities, "values");
      const auto* list = values == nullptr ? nullptr : fields.list(*values, 1);
      for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
        if (auto one = read_community((*list)[i], fields))
          rule.communities.push_back(std::move(*one));
      }
    }
    if (is_supported(entry, fields)) rules.push_back(std::move(rule));
  }
}

}  // namespace

void read_bgp_filter(const Value& root, Fields& fields, Object& object) {
  const auto* spec = fields.optional(root, "spec");
  BgpFilter filter;
  if (spec != nullptr) {
    read_rules(*spec, "importV4", Family::kIpv4, fields, filter.import_rules);
    read_rules(*spec, "importV6", Family::kIpv6, fields, filter.import_rules);
    read_rules(*spec, "exportV4", Family::kIpv4, fields, filter.export_rules);
    read_rules(*spec, "exportV6", Family::kIpv6, fields, filter.export_rules);
  }
  if (!fields.failed()) object.bgp = std::move(filter);
}

}  // namespace sextant::sources
