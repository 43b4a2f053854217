// The plugin's configuration, as the runtime gives it on standard input.
//
//   {"cniVersion": "1.0.0", "name": "pods", "type": "sextant-cni", "maxSegments": 6,
//    "ipam": {"type": "host-local", "ranges": [[{"subnet": "172.16.0.0/26"}]]}}
//
// A conflist's plugin; the runtime puts `cniVersion`, `name`, `prevResult`, `runtimeConfig` and
// `cni.dev/valid-attachments` (GC) in. `mtu` (of the pods) wins over `maxSegments`, from which it
// is computed. `dns` wins over the IPAM plugin's. Fields that other plugins or the runtime own
// (capabilities, args, ...) are ignored.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "cni/attachment_result.h"
#include "cni/outcome.h"
#include "dataplane/linux/netlink/mac_address.h"

namespace sextant::cni {

/// Ascending.
inline constexpr std::array<std::string_view, 4> kSupportedVersions{"0.3.1", "0.4.0", "1.0.0",
                                                                    "1.1.0"};
inline constexpr std::size_t kDefaultMaxSegments = 6;

/// Whose attachment: a container's interface.
struct Owner {
  std::string container_id;
  std::string ifname;
  friend auto operator<=>(const Owner&, const Owner&) = default;
};

struct NetworkConfig {
  std::string cni_version;
  std::string name;
  std::string ipam_type;
  std::optional<std::uint32_t> mtu = {};
  std::size_t max_segments = kDefaultMaxSegments;
  /// runtimeConfig.mac: what the runtime wants the pod's interface to have (capability "mac").
  std::optional<netlink::MacAddress> mac = {};
  std::optional<ResultDns> dns = {};
  std::optional<AttachmentResult> previous = {};
  /// GC: the attachments that the runtime knows; nothing where it did not say.
  std::optional<std::set<Owner>> valid_attachments = {};
  /// host-local's folder of this network's leases; empty where another plugin gives the addresses.
  std::string lease_folder = {};
  std::string text;  // as it came in: what the IPAM plugin gets
};

[[nodiscard]] Outcome<NetworkConfig> parse_config(std::string text);

/// `cniVersion` of any JSON object; empty where there is none. For VERSION, and for errors about
/// the rest.
[[nodiscard]] Outcome<std::string> parse_version(std::string_view text);

}  // namespace sextant::cni
