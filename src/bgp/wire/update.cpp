#include "bgp/wire/update.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "bgp/wire/attributes.h"
#include "bgp/wire/next_hop.h"

namespace sextant::bgp {
namespace {

constexpr std::size_t kMaxErrorData = 1024;  // of an attribute, in a NOTIFICATION

std::vector<std::uint8_t> error_data(std::span<const std::uint8_t> bytes) {
  const auto some = bytes.first(std::min(bytes.size(), kMaxErrorData));
  return {some.begin(), some.end()};
}

// The attribute as a whole, and its value.
struct RawAttribute {
  std::uint8_t flags = 0;
  AttributeType type{};
  std::span<const std::uint8_t> whole;
  std::span<const std::uint8_t> value;
};

class Splitter {
 public:
  explicit Splitter(UpdateView& view) : view_(view) {}

  void split(std::span<const std::uint8_t> body) {
    // RFC 4271 section 4.3. RFC 7606 section 3 b leaves what follows to RFC 4271 section 6.3.
    ByteReader reader(body);
    view_.withdrawn = reader.take(reader.u16());
    if (!reader.ok()) {
      return reset(UpdateError::kMalformedAttributeList,
                   "Withdrawn Routes Length overruns the message (RFC 4271 section 6.3)");
    }
    view_.attributes = reader.take(reader.u16());
    if (!reader.ok()) {
      return reset(UpdateError::kMalformedAttributeList,
                   "Total Path Attribute Length overruns the message (RFC 4271 section 6.3)");
    }
    view_.nlri = reader.take(reader.remaining());
    check_classic(view_.withdrawn, "Withdrawn Routes");
    check_classic(view_.nlri, "NLRI");
    split_attributes();
  }

 private:
  void reset(UpdateError error, std::string reason) {
    view_.judgement.add({Verdict::kSessionReset, 0, std::move(reason), error, {}});
  }

  void check_classic(std::span<const std::uint8_t> nlri, const char* field) {
    if (check_nlri(kIpv4Unicast, nlri).ok) return;
    reset(UpdateError::kInvalidNetworkField,
          std::string(field) + ": a prefix cannot be read (RFC 7606 section 5.3)");
  }

  void split_attributes() {
    ByteReader reader(view_.attributes);
    std::size_t piece = 0;
    std::size_t piece_begin = 0;
    while (reader.remaining() > 0) {
      const std::size_t begin = reader.position();
      RawAttribute attribute;
      attribute.flags = reader.u8();
      attribute.type = static_cast<AttributeType>(reader.u8());
      const bool long_length = (attribute.flags & kFlagExtendedLength) != 0;
      attribute.value = reader.take(long_length ? reader.u16() : reader.u8());
      if (!reader.ok()) return broken_list();
      attribute.whole = view_.attributes.subspan(begin, reader.position() - begin);
      const bool reach = attribute.type == AttributeType::kMpReach;
      if (!reach && attribute.type != AttributeType::kMpUnreach) continue;
      if (reach ? seen_reach_ : seen_unreach_) {
        return reset(UpdateError::kMalformedAttributeList,
                     to_string(attribute.type) + " comes twice (RFC 7606 section 3 g)");
      }
      view_.shared.pieces[piece++] = view_.attributes.subspan(piece_begin, begin - piece_begin);
      piece_begin = reader.position();
      check_flags(attribute);
      if (reach) {
        seen_reach_ = true;
        read_reach(attribute);
      } else {
        seen_unreach_ = true;
        read_unreach(attribute);
      }
    }
    view_.shared.pieces[piece] = view_.attributes.subspan(piece_begin);
  }

  // RFC 7606 section 4. Without routes there is nothing to withdraw, and those that should have
  // come may lie in what cannot be read (section 5.2).
  void broken_list() {
    if (!view_.nlri.empty() || (view_.reach && !view_.reach->nlri.empty())) {
      view_.judgement.add({Verdict::kTreatAsWithdraw,
                           0,
                           "an attribute overruns the attribute list (RFC 7606 section 4)",
                           UpdateError::kAttributeLength,
                           {}});
    } else {
      reset(UpdateError::kMalformedAttributeList,
            "an attribute overruns the attribute list, before any route (RFC 7606 sections 4, "
            "5.2)");
    }
  }

  // RFC 4760: both are optional and non-transitive.
  void check_flags(const RawAttribute& attribute) {
    if ((attribute.flags & (kFlagOptional | kFlagTransitive)) == kFlagOptional) return;
    fault(attribute, Verdict::kTreatAsWithdraw, UpdateError::kAttributeFlags,
          "its flags are not those of an optional non-transitive attribute (RFC 7606 section 3 c)");
  }

  void fault(const RawAttribute& attribute, Verdict verdict, UpdateError error,
             const std::string& cause) {
    view_.judgement.add({verdict, static_cast<std::uint8_t>(attribute.type),
                         to_string(attribute.type) + ": " + cause, error,
                         error_data(attribute.whole)});
  }

  // Routes of an SR Policy family or of BGP-LS that cannot be read cost the family, not the session
  // (RFC 9830 section 5, RFC 9552 section 8.2.2); of others, RFC 7606 section 5.3 leaves the
  // session's end.
  void unreadable(const RawAttribute& attribute, Family family, const std::string& cause) {
    const char* section = !is_known(family)                ? nullptr
                          : family.safi == Safi::kSrPolicy ? " (RFC 9830 section 5)"
                          : family == kLinkState           ? " (RFC 9552 section 8.2.2)"
                                                           : nullptr;
    const bool disable = section != nullptr;
    if (disable) view_.disabled = family;
    fault(attribute, disable ? Verdict::kAfiSafiDisable : Verdict::kSessionReset,
          UpdateError::kOptionalAttribute,
          cause + (disable ? section : " (RFC 7606 sections 5.3, 7.11)"));
  }

  [[nodiscard]] bool readable(const RawAttribute& attribute, Family family,
                              std::span<const std::uint8_t> nlri) {
    if (!is_known(family)) return true;
    const auto check = check_nlri(family, nlri);
    if (!check.ok) {
      unreadable(attribute, family, "an " + to_string(family) + " route cannot be read");
      return false;
    }
    if (check.skipped > 0) {
      // It names nothing that could be withdrawn: the others stand.
      fault(attribute, Verdict::kAttributeDiscard, UpdateError::kOptionalAttribute,
            std::to_string(check.skipped) +
                (family == kLinkState
                     ? " routes are malformed (RFC 9552 section 8.2.2)"
                     : " routes have the length of the other address family (RFC 9830 section 5)"));
    }
    return true;
  }

  void read_reach(const RawAttribute& attribute) {
    // RFC 4760 section 3
    ByteReader reader(attribute.value);
    UpdateView::Reach reach;
    reach.family.afi = static_cast<Afi>(reader.u16());
    reach.family.safi = static_cast<Safi>(reader.u8());
    reach.next_hop = reader.take(reader.u8());
    reader.u8();  // reserved
    if (!reader.ok()) return unreadable(attribute, reach.family, "its length is wrong");
    reach.nlri = reader.take(reader.remaining());
    if (is_known(reach.family)) {
      const auto next_hop = decode_next_hop(reach.family, reach.next_hop);
      if (!next_hop) {
        return unreadable(attribute, reach.family,
                          "a next hop of " + std::to_string(reach.next_hop.size()) + " bytes");
      }
      if (!is_usable(*next_hop)) {
        fault(attribute, Verdict::kTreatAsWithdraw, UpdateError::kOptionalAttribute,
              "next hop " + next_hop->address.to_string() +
                  " is no host's address (RFC 4271 section 6.3)");
      }
    }
    if (readable(attribute, reach.family, reach.nlri)) view_.reach = reach;
  }

  void read_unreach(const RawAttribute& attribute) {
    // RFC 4760 section 4
    ByteReader reader(attribute.value);
    UpdateView::Unreach unreach;
    unreach.family.afi = static_cast<Afi>(reader.u16());
    unreach.family.safi = static_cast<Safi>(reader.u8());
    if (!reader.ok()) return unreadable(attribute, unreach.family, "its length is wrong");
    unreach.nlri = reader.take(reader.remaining());
    if (readable(attribute, unreach.family, unreach.nlri)) view_.unreach = unreach;
  }

  UpdateView& view_;
  bool seen_reach_ = false;
  bool seen_unreach_ = false;
};

}  // namespace

void SharedAttributes::append_to(std::vector<std::uint8_t>& out) const {
  out.reserve(out.size() + size());
  for (const auto piece : pieces) out.insert(out.end(), piece.begin(), piece.end());
}

std::optional<Family> UpdateView::end_of_rib() const {
  if (judgement.verdict() != Verdict::kAccept || !withdrawn.empty() || !nlri.empty() || reach ||
      shared.size() != 0) {
    return std::nullopt;
  }
  if (!unreach) return kIpv4Unicast;
  if (!unreach->nlri.empty()) return std::nullopt;
  return unreach->family;
}

UpdateView split_update(std::span<const std::uint8_t> body) {
  UpdateView view;
  Splitter(view).split(body);
  return view;
}

}  // namespace sextant::bgp
