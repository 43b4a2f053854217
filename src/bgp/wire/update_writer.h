// UPDATE messages, outgoing: routes that share attributes, packed. RFC 4271 section 4.3, RFC 4760,
// RFC 7606 section 5.1 (MP attributes first, alone with their family), RFC 8950.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bgp/wire/family.h"
#include "bgp/wire/link_state.h"
#include "bgp/wire/next_hop.h"
#include "bgp/wire/nlri.h"

namespace sextant::bgp {

/// Appends whole messages, each at most `limit` bytes, to one buffer: what is announced or
/// withdrawn in a row goes into as few messages as it fits. The buffer ends between two messages
/// only after finish().
class UpdateWriter {
 public:
  /// `limit`: kMaxMessage or kMaxExtendedMessage. `out` must outlive the writer.
  UpdateWriter(std::vector<std::uint8_t>& out, Family family, std::size_t limit)
      : out_(out), family_(family), limit_(limit) {}

  /// The routes that follow share this block (encode_attributes: without NEXT_HOP and
  /// MP_REACH_NLRI) and next hop. False where no message of this size can hold it with a single
  /// route: nothing of it may be announced (RFC 8654 section 4). `largest` is the size of the
  /// largest of the routes.
  [[nodiscard]] bool begin(std::span<const std::uint8_t> attributes, const NextHop& next_hop,
                           std::size_t largest = kLargestNlri);

  /// Precondition: begin() said true.
  void announce(const PrefixNlri& nlri);
  void announce(const SrPolicyNlri& nlri);
  void announce(const VpnNlri& nlri);
  void announce(const LinkStateNlri& nlri);
  void withdraw(const PrefixNlri& nlri);
  void withdraw(const SrPolicyNlri& nlri);
  void withdraw(const VpnNlri& nlri);
  void withdraw(const LinkStateNlri& nlri);
  /// Completes the message that is open, if any.
  void finish();

 private:
  static constexpr std::size_t kLargestNlri = 28;  // VPN-IPv6; routes of BGP-LS may be larger
  enum class Open : std::uint8_t { kNothing, kAnnouncement, kWithdrawal };
  template <typename Nlri>
  void add(Open kind, const Nlri& nlri);
  void open(Open kind);

  std::vector<std::uint8_t>& out_;
  Family family_;
  std::size_t limit_;
  Open open_ = Open::kNothing;
  std::size_t start_ = 0;           // of the open message
  std::size_t mp_length_at_ = 0;    // of the open MP attribute's length; 0: classic IPv4
  std::vector<std::uint8_t> head_;  // body of an announcement up to its first NLRI
  std::vector<std::uint8_t> tail_;  // attributes behind the MP attribute
  std::size_t head_mp_length_at_ = 0;
};

/// RFC 4724 section 2: the whole message.
[[nodiscard]] std::vector<std::uint8_t> encode_end_of_rib(Family family);

}  // namespace sextant::bgp
