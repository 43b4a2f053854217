#include "dataplane/linux/seg6.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <linux/seg6.h>
#include <linux/seg6_genl.h>
#include <linux/seg6_iptunnel.h>
#include <linux/seg6_local.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "dataplane/linux/netlink/route.h"

namespace sextant::dataplane {
namespace {

// RFC 8754 section 2, as the kernel wants it from user space: the whole list, last segment first.
std::vector<std::uint8_t> srh_bytes(std::span<const srv6::Sid> visits) {
  const auto srh = srv6::make_srh(visits, srv6::EncapMode::kEncaps, 0);
  if (!srh) return {};
  return srv6::encode(*srh).value_or(std::vector<std::uint8_t>{});
}

std::optional<std::vector<srv6::Sid>> visits_of(std::span<const std::uint8_t> bytes) {
  const auto srh = srv6::decode_srh(bytes);
  if (!srh) return std::nullopt;
  return std::vector<srv6::Sid>(srh->segments.rbegin(), srh->segments.rend());
}

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using GenericSocket = std::unique_ptr<mnl_socket, CloseSocket>;

int store_family(const nlmsghdr* message, void* family) {
  const auto id = netlink::Attributes::of<genlmsghdr>(*message).u16(CTRL_ATTR_FAMILY_ID);
  if (id) *static_cast<std::uint16_t*>(family) = *id;
  return MNL_CB_OK;
}

int store_source(const nlmsghdr* message, void* source) {
  const auto address = netlink::Attributes::of<genlmsghdr>(*message).address(SEG6_ATTR_DST);
  if (address && address->is_v6()) *static_cast<Ipv6Address*>(source) = address->v6();
  return MNL_CB_OK;
}

// A generic netlink request and its acknowledgement; errno in the Error's place is left to the
// caller.
class GenericRequest {
 public:
  GenericRequest(std::uint16_t family, std::uint8_t command) {
    header_ = mnl_nlmsg_put_header(buffer_);
    header_->nlmsg_type = family;
    header_->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    auto* generic =
        static_cast<genlmsghdr*>(mnl_nlmsg_put_extra_header(header_, sizeof(genlmsghdr)));
    generic->cmd = command;
    generic->version = 1;
  }
  [[nodiscard]] nlmsghdr* header() { return header_; }
  // 0 or an errno.
  [[nodiscard]] int run(mnl_socket* socket, mnl_cb_t on_reply, void* data) {
    if (mnl_socket_sendto(socket, header_, header_->nlmsg_len) < 0) return errno;
    for (;;) {
      const auto length = mnl_socket_recvfrom(socket, buffer_, sizeof buffer_);
      if (length < 0) return errno;
      const int state = mnl_cb_run(buffer_, static_cast<std::size_t>(length), 0,
                                   mnl_socket_get_portid(socket), on_reply, data);
      if (state < 0) return errno;
      if (state == MNL_CB_STOP) return 0;
    }
  }

 private:
  alignas(nlmsghdr) char buffer_[8192] = {};
  nlmsghdr* header_;
};

}  // namespace

void put_encap(netlink::Message& message, std::uint16_t type_attribute,
               std::uint16_t encap_attribute, const Seg6Encap& encap) {
  message.u16(type_attribute, LWTUNNEL_ENCAP_SEG6);
  const auto nest = message.nest(encap_attribute);
  const std::int32_t mode = encap.mode == srv6::EncapMode::kEncapsReduced
                                ? SEG6_IPTUN_MODE_ENCAP_RED
                                : SEG6_IPTUN_MODE_ENCAP;
  // struct seg6_iptunnel_encap: the mode, then the header
  std::vector<std::uint8_t> payload(sizeof mode);
  std::memcpy(payload.data(), &mode, sizeof mode);
  const auto srh = srh_bytes(encap.segments);
  payload.insert(payload.end(), srh.begin(), srh.end());
  message.bytes(SEG6_IPTUNNEL_SRH, payload);
}

void put_encap(netlink::Message& message, std::uint16_t type_attribute,
               std::uint16_t encap_attribute, const Seg6Local& local) {
  message.u16(type_attribute, LWTUNNEL_ENCAP_SEG6_LOCAL);
  const auto nest = message.nest(encap_attribute);
  message.u32(SEG6_LOCAL_ACTION, local.action);
  if (!local.segments.empty()) message.bytes(SEG6_LOCAL_SRH, srh_bytes(local.segments));
  if (local.next_hop4) message.address(SEG6_LOCAL_NH4, *local.next_hop4);
  if (local.next_hop6) message.address(SEG6_LOCAL_NH6, *local.next_hop6);
  if (local.table) message.u32(SEG6_LOCAL_TABLE, netlink::number(*local.table));
  const auto counters = message.nest(SEG6_LOCAL_COUNTERS);
  message.u64(SEG6_LOCAL_CNT_PACKETS, 0);
  message.u64(SEG6_LOCAL_CNT_BYTES, 0);
  message.u64(SEG6_LOCAL_CNT_ERRORS, 0);
}

std::optional<Seg6Encap> parse_seg6_encap(const netlink::Attributes& encap) {
  const auto payload = encap.bytes(SEG6_IPTUNNEL_SRH);
  std::int32_t mode = 0;
  if (!payload || payload->size() < sizeof mode) return std::nullopt;
  std::memcpy(&mode, payload->data(), sizeof mode);
  if (mode != SEG6_IPTUN_MODE_ENCAP && mode != SEG6_IPTUN_MODE_ENCAP_RED) return std::nullopt;
  auto visits = visits_of(payload->subspan(sizeof mode));
  if (!visits) return std::nullopt;
  return Seg6Encap{.mode = mode == SEG6_IPTUN_MODE_ENCAP ? srv6::EncapMode::kEncaps
                                                         : srv6::EncapMode::kEncapsReduced,
                   .segments = std::move(*visits)};
}

std::optional<Seg6Local> parse_seg6_local(const netlink::Attributes& encap) {
  const auto action = encap.u32(SEG6_LOCAL_ACTION);
  if (!action) return std::nullopt;
  Seg6Local local{.action = *action};
  if (const auto srh = encap.bytes(SEG6_LOCAL_SRH)) {
    auto visits = visits_of(*srh);
    if (!visits) return std::nullopt;
    local.segments = std::move(*visits);
  }
  if (const auto next_hop = encap.address(SEG6_LOCAL_NH4); next_hop && next_hop->is_v4()) {
    local.next_hop4 = next_hop->v4();
  }
  if (const auto next_hop = encap.address(SEG6_LOCAL_NH6); next_hop && next_hop->is_v6()) {
    local.next_hop6 = next_hop->v6();
  }
  if (const auto table = encap.u32(SEG6_LOCAL_TABLE)) local.table = netlink::TableId{*table};
  return local;
}

std::optional<Seg6Count> parse_seg6_count(const netlink::Attributes& encap) {
  const auto counters = encap.nest(SEG6_LOCAL_COUNTERS);
  const auto packets = counters.u64(SEG6_LOCAL_CNT_PACKETS);
  const auto bytes = counters.u64(SEG6_LOCAL_CNT_BYTES);
  if (!packets || !bytes) return std::nullopt;
  return Seg6Count{.packets = *packets, .bytes = *bytes};
}

Result<std::optional<Seg6Count>> read_seg6_count(netlink::Socket& socket, const srv6::Sid& sid,
                                                 netlink::TableId table, std::uint32_t mark) {
  netlink::Message get(
      RTM_GETROUTE, 0,
      rtmsg{.rtm_family = AF_INET6, .rtm_dst_len = 128, .rtm_flags = RTM_F_FIB_MATCH});
  get.address(RTA_DST, sid.address()).u32(RTA_MARK, mark).about(sid.to_string());
  std::optional<Seg6Count> count;
  const auto done = socket.request(std::move(get), [&](const nlmsghdr& reply) {
    const auto route = netlink::parse_route(reply);
    if (!route || route->destination != IpPrefix::host(sid.address()) || route->table != table)
      return;  // a shorter prefix
    count = parse_seg6_count(netlink::Attributes::of<rtmsg>(reply).nest(RTA_ENCAP));
  });
  // ENETUNREACH, EHOSTUNREACH: it is gone, and nothing shorter leads there.
  if (!done && done.error().errno_value != ENETUNREACH && done.error().errno_value != EHOSTUNREACH)
    return tl::unexpected(done.error());
  return count;
}

Result<bool> set_tunnel_source(const Ipv6Address& source) {
  const std::string operation = "set the source of outer headers";
  const GenericSocket socket(mnl_socket_open(NETLINK_GENERIC));
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) {
    return system_error(operation, source.to_string(), errno);
  }
  std::uint16_t family = 0;
  {
    GenericRequest request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
    mnl_attr_put_strz(request.header(), CTRL_ATTR_FAMILY_NAME, SEG6_GENL_NAME);
    if (const int error = request.run(socket.get(), store_family, &family)) {
      return system_error(operation + ": find the kernel's SEG6 interface for", source.to_string(),
                          error);
    }
  }
  Ipv6Address present;
  {
    GenericRequest request(family, SEG6_CMD_GET_TUNSRC);
    if (const int error = request.run(socket.get(), store_source, &present)) {
      return system_error("read the source of outer headers", "", error);
    }
  }
  if (present == source) return false;
  GenericRequest request(family, SEG6_CMD_SET_TUNSRC);
  mnl_attr_put(request.header(), SEG6_ATTR_DST, source.bytes().size(), source.bytes().data());
  if (const int error = request.run(socket.get(), nullptr, nullptr)) {
    return system_error(operation, source.to_string(), error);
  }
  return true;
}

}  // namespace sextant::dataplane
