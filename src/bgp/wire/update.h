// UPDATE messages, first level: where its parts lie. RFC 4271 section 4.3, RFC 4760, RFC 7606.
//
// Flow: split_update checks lengths and NLRI and returns spans into the message, without
// allocating. What routes share (the attributes without MP_REACH_NLRI and MP_UNREACH_NLRI) is
// decoded once per distinct block by decode_attributes (attributes.h); NLRI are read with the
// cursors of nlri.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "bgp/wire/family.h"
#include "bgp/wire/nlri.h"
#include "bgp/wire/verdict.h"

namespace sextant::bgp {

/// The attributes that the routes of an UPDATE share, in up to three pieces: MP_REACH_NLRI and
/// MP_UNREACH_NLRI are cut out.
struct SharedAttributes {
  std::array<std::span<const std::uint8_t>, 3> pieces{};
  [[nodiscard]] std::size_t size() const {
    return pieces[0].size() + pieces[1].size() + pieces[2].size();
  }
  /// Appends them in one piece: the key under which they are kept.
  void append_to(std::vector<std::uint8_t>& out) const;
};

struct UpdateView {
  struct Reach {
    Family family;
    std::span<const std::uint8_t> next_hop;  // its length fits the family: decode_next_hop
    std::span<const std::uint8_t> nlri;
  };
  struct Unreach {
    Family family;
    std::span<const std::uint8_t> nlri;
  };

  std::span<const std::uint8_t> withdrawn;   // IPv4 unicast
  std::span<const std::uint8_t> attributes;  // the whole block
  std::span<const std::uint8_t> nlri;        // IPv4 unicast; its next hop is an attribute
  std::optional<Reach> reach;
  std::optional<Unreach> unreach;
  SharedAttributes shared;
  /// So far: attributes other than the MP ones are not looked at. kTreatAsWithdraw: withdraw what
  /// `nlri` and `reach` name. kAfiSafiDisable: of `disabled`.
  Judgement judgement;
  std::optional<Family> disabled;

  /// RFC 4724 section 2: an empty UPDATE, or nothing but an empty MP_UNREACH_NLRI.
  [[nodiscard]] std::optional<Family> end_of_rib() const;
};

/// Of a message's body. NLRI and next hop of families that are not known (is_known) are not
/// checked: the caller drops them unless it negotiated them.
[[nodiscard]] UpdateView split_update(std::span<const std::uint8_t> body);

}  // namespace sextant::bgp
