// The result of ADD (CNI specification, section 5), as read from an IPAM plugin or a prevResult and
// as written.
//
// Versions differ in few fields: before 1.0.0 each IP names its family in `version`; 1.1.0 brought
// an interface's `mtu`, `socketPath` and `pciID` and a route's `mtu`, `advmss`, `priority`, `table`
// and `scope`.
#pragma once

#include <boost/json/fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "cni/outcome.h"

namespace sextant::cni {

struct ResultInterface {
  std::string name;
  std::string mac = {};
  std::string sandbox = {};  // the namespace's path; empty on the host
  std::optional<std::uint32_t> mtu = {};
  std::string socket_path = {};
  std::string pci_id = {};
  friend bool operator==(const ResultInterface&, const ResultInterface&) = default;
};

struct ResultIp {
  IpAddress address;
  std::uint8_t prefix_length = 0;
  std::optional<IpAddress> gateway = {};
  std::optional<std::size_t> interface = {};  // index into `interfaces`
  friend bool operator==(const ResultIp&, const ResultIp&) = default;
};

struct ResultRoute {
  IpPrefix destination;
  std::optional<IpAddress> gateway = {};
  std::optional<std::uint32_t> mtu = {};
  std::optional<std::uint32_t> advmss = {};
  std::optional<std::uint32_t> priority = {};
  std::optional<std::uint32_t> table = {};
  std::optional<std::uint32_t> scope = {};
  friend bool operator==(const ResultRoute&, const ResultRoute&) = default;
};

struct ResultDns {
  std::vector<std::string> nameservers = {};
  std::string domain = {};
  std::vector<std::string> search = {};
  std::vector<std::string> options = {};
  [[nodiscard]] bool empty() const {
    return nameservers.empty() && domain.empty() && search.empty() && options.empty();
  }
  friend bool operator==(const ResultDns&, const ResultDns&) = default;
};

struct AttachmentResult {
  std::vector<ResultInterface> interfaces = {};
  std::vector<ResultIp> ips = {};
  std::vector<ResultRoute> routes = {};
  ResultDns dns = {};
  friend bool operator==(const AttachmentResult&, const AttachmentResult&) = default;
};

/// Errors name the field: "ips[0].address: ...". `where` goes before it: "prevResult.".
[[nodiscard]] Result<AttachmentResult> parse_result(const boost::json::value& value,
                                                    std::string_view where);
[[nodiscard]] Result<ResultDns> parse_dns(const boost::json::value& value, std::string_view where);

[[nodiscard]] boost::json::object to_json(const AttachmentResult& result,
                                          std::string_view cni_version);

}  // namespace sextant::cni
