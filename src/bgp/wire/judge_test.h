// An UPDATE as a receiver judges it as a whole: both levels of decoding, and the key of each SR
// Policy route.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bgp/wire/attributes.h"
#include "bgp/wire/update.h"

namespace sextant::bgp {

struct Judged {
  Judgement judgement;
  std::string unusable;
  std::vector<Attributes> attributes;  // of classic routes, of MP routes
};

inline Judged judge(std::span<const std::uint8_t> body, const SessionFacts& facts) {
  const auto view = split_update(body);
  Judged judged;
  judged.judgement = view.judgement;
  std::vector<std::uint8_t> block;
  view.shared.append_to(block);
  const auto decode = [&](const RouteKind& kind) {
    auto decoded = decode_attributes(block, facts, kind);
    judged.judgement.add(decoded.judgement);
    judged.unusable = decoded.unusable;
    judged.attributes.push_back(std::move(decoded.attributes));
  };
  if (!view.nlri.empty()) decode({kIpv4Unicast, true});
  if (view.reach && !view.reach->nlri.empty()) decode({view.reach->family, false});
  if (view.reach && is_known(view.reach->family) && view.reach->family.safi == Safi::kSrPolicy) {
    SrPolicyNlriCursor cursor(view.reach->family.afi, view.reach->nlri);
    SrPolicyNlri nlri;
    while (cursor.next(nlri)) {
      if (auto fault = check(nlri, facts)) judged.judgement.add(*fault);
    }
  }
  return judged;
}

}  // namespace sextant::bgp
