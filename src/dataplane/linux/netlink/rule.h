// Policy routing rules: which table a packet's route is looked up in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "dataplane/linux/netlink/ids.h"
#include "dataplane/linux/netlink/socket.h"

namespace sextant::netlink {

struct RoutingRule {
  Family family = Family::kIpv4;
  std::uint32_t priority = 0;
  std::optional<IpPrefix> from = {};
  std::optional<IpPrefix> to = {};
  std::string input_link = {};  // iif; by name, also of a device that is not there yet
  std::uint32_t mark = 0;
  std::uint32_t mark_mask = 0;  // 0 with a mark: all bits
  TableId table = TableId::kMain;
  RouteProtocol protocol = RouteProtocol::kUnspecified;

  /// "IPv4 rule 100 from 10.0.0.0/24 iif eth0 table 100"
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const RoutingRule&, const RoutingRule&) = default;
};

/// errno_value EEXIST where the same one is there.
[[nodiscard]] Result<void> add_rule(Socket& socket, const RoutingRule& rule);
/// errno_value ENOENT where it is not there.
[[nodiscard]] Result<void> delete_rule(Socket& socket, const RoutingRule& rule);
/// Lookup rules (not blackhole, goto, ...) of one family or both.
[[nodiscard]] Result<std::vector<RoutingRule>> list_rules(Socket& socket,
                                                          std::optional<Family> family = {});

}  // namespace sextant::netlink
