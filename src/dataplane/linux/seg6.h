// The kernel's SRv6 attributes: seg6 encapsulation and seg6local behaviors, written and read back.
// linux/seg6_iptunnel.h, linux/seg6_local.h, linux/seg6_genl.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/linux/netlink/attributes.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/message.h"
#include "dataplane/linux/netlink/socket.h"
#include "srv6/segment_list.h"

namespace sextant::dataplane {

/// H.Encaps or H.Encaps.Red of a whole list; the kernel does the reduction.
struct Seg6Encap {
  srv6::EncapMode mode = srv6::EncapMode::kEncapsReduced;
  std::vector<srv6::Sid> segments;
  friend bool operator==(const Seg6Encap&, const Seg6Encap&) = default;
};

/// One of the kernel's SEG6_LOCAL_ACTION_* with its parameters.
struct Seg6Local {
  std::uint32_t action = 0;
  std::vector<srv6::Sid> segments;             // END_B6_ENCAP
  std::optional<Ipv4Address> next_hop4 = {};   // END_DX4
  std::optional<Ipv6Address> next_hop6 = {};   // END_X, END_DX6
  std::optional<netlink::TableId> table = {};  // END_DT6
  friend bool operator==(const Seg6Local&, const Seg6Local&) = default;
};

/// `type_attribute` and `encap_attribute`: RTA_ENCAP_TYPE and RTA_ENCAP, or NHA_ENCAP_TYPE and
/// NHA_ENCAP.
void put_encap(netlink::Message& message, std::uint16_t type_attribute,
               std::uint16_t encap_attribute, const Seg6Encap& encap);
/// With counters (seg6local counts packets, bytes and errors where it is asked to when a SID is
/// installed).
void put_encap(netlink::Message& message, std::uint16_t type_attribute,
               std::uint16_t encap_attribute, const Seg6Local& local);

/// From the attributes inside RTA_ENCAP / NHA_ENCAP. None: not of that shape.
[[nodiscard]] std::optional<Seg6Encap> parse_seg6_encap(const netlink::Attributes& encap);
[[nodiscard]] std::optional<Seg6Local> parse_seg6_local(const netlink::Attributes& encap);

struct Seg6Count {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};
[[nodiscard]] std::optional<Seg6Count> parse_seg6_count(const netlink::Attributes& encap);

/// What a SID's route has counted, asked for by its address (`ip -s route get fibmatch mark MARK`):
/// a dump would go through every prefix of the overlay. None: there is no such route in `table`.
[[nodiscard]] Result<std::optional<Seg6Count>> read_seg6_count(netlink::Socket& socket,
                                                               const srv6::Sid& sid,
                                                               netlink::TableId table,
                                                               std::uint32_t mark);

/// The namespace's source of outer headers (`ip sr tunsrc`), of the calling thread's namespace.
/// True where it was another one.
[[nodiscard]] Result<bool> set_tunnel_source(const Ipv6Address& source);

}  // namespace sextant::dataplane
