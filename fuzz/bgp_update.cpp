// An UPDATE: split, judged, its routes walked, and what is acceptable written again. The first byte
// chooses the session's facts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bgp/wire/judge_test.h"
#include "bgp/wire/link_state.h"
#include "bgp/wire/message.h"
#include "bgp/wire/next_hop.h"
#include "bgp/wire/update_writer.h"
#include "require.h"

using namespace sextant;
using namespace sextant::bgp;

namespace {

template <typename Nlri, typename Cursor>
std::vector<Nlri> read_all(Cursor cursor) {
  std::vector<Nlri> all;
  Nlri one;
  while (cursor.next(one)) all.push_back(one);
  fuzz::require(cursor.ok(), "what split_update passed can be read");
  return all;
}

// Announces and withdraws routes as read, and reads them again.
template <typename Nlri, typename Cursor>
void write_again(const UpdateView::Reach& reach) {
  const auto routes = read_all<Nlri>(Cursor(reach.family.afi, reach.nlri));
  const auto next_hop = decode_next_hop(reach.family, reach.next_hop);
  fuzz::require(next_hop.has_value(), "what split_update passed has a next hop");
  std::vector<std::uint8_t> out;
  UpdateWriter writer(out, reach.family, kMaxMessage);
  fuzz::require(writer.begin({}, *next_hop), "an empty block leaves room");
  for (const auto& route : routes) writer.announce(route);
  for (const auto& route : routes) writer.withdraw(route);
  writer.finish();
  std::vector<Nlri> announced;
  std::vector<Nlri> withdrawn;
  std::span<const std::uint8_t> rest(out);
  while (!rest.empty()) {
    const auto message = next_message(rest);
    fuzz::require(message && *message, "an own message is framed");
    const auto view = split_update((*message)->body);
    // A next hop that nobody can use stays one.
    fuzz::require(view.judgement.verdict() <= Verdict::kTreatAsWithdraw, "an own message is read");
    const auto add = [&](std::vector<Nlri>& to, std::span<const std::uint8_t> nlri) {
      for (const auto& route : read_all<Nlri>(Cursor(reach.family.afi, nlri))) to.push_back(route);
    };
    add(announced, view.reach ? view.reach->nlri : view.nlri);
    add(withdrawn, view.unreach ? view.unreach->nlri : view.withdrawn);
    rest = rest.subspan((*message)->size);
  }
  fuzz::require(announced == routes && withdrawn == routes, "routes read back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const SessionFacts facts{(data[0] & 1) == 0, (data[0] & 2) == 0,
                           static_cast<SrPolicyDialect>((data[0] >> 2) % 3)};
  const std::span<const std::uint8_t> body(data + 1, size - 1);
  const auto view = split_update(body);
  const auto judged = judge(body, facts);
  fuzz::require(judged.judgement.verdict() >= view.judgement.verdict(), "the worst verdict wins");
  if (judged.judgement.verdict() != Verdict::kAccept) {
    fuzz::require(!judged.judgement.reasons().empty(), "a verdict has a reason");
    (void)judged.judgement.notification();
  }
  if (view.judgement.verdict() > Verdict::kTreatAsWithdraw) return 0;
  fuzz::require(view.shared.size() <= body.size(), "shared attributes lie in the message");
  read_all<PrefixNlri>(PrefixNlriCursor(Afi::kIpv4, view.nlri));
  read_all<PrefixNlri>(PrefixNlriCursor(Afi::kIpv4, view.withdrawn));
  if (view.reach && is_known(view.reach->family)) {
    switch (view.reach->family.safi) {
      case Safi::kUnicast:
        write_again<PrefixNlri, PrefixNlriCursor>(*view.reach);
        break;
      case Safi::kSrPolicy:
        write_again<SrPolicyNlri, SrPolicyNlriCursor>(*view.reach);
        break;
      case Safi::kMplsVpn:
        write_again<VpnNlri, VpnNlriCursor>(*view.reach);
        break;
      case Safi::kLinkState:
        read_all<std::span<const std::uint8_t>>(LinkStateNlriCursor(view.reach->nlri));
        break;
    }
  }
  return 0;
}
