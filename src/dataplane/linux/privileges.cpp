#include "dataplane/linux/privileges.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "dataplane/linux/netlink/sysctl.h"

namespace sextant::dataplane {

Result<void> check_privileges() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) {
    return system_error("read the own capabilities", "", errno);
  }
  constexpr std::array<std::pair<unsigned, const char*>, 3> kNeeded{{
      {CAP_NET_ADMIN, "CAP_NET_ADMIN"},
      {CAP_NET_RAW, "CAP_NET_RAW"},  // hears Packet Too Big
      {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
  }};
  for (const auto& [capability, name] : kNeeded) {
    if ((sets[capability / 32].effective & (1U << (capability % 32))) == 0) {
      return failure("start the Linux data plane", "", std::string("no ") + name,
                     std::string("run as root, or give the process ") + name);
    }
  }
  if (const auto flow_label = netlink::read_sysctl("net/ipv6/seg6_flowlabel"); !flow_label) {
    return failure("start the Linux data plane", "", "the kernel has no SRv6",
                   "it needs CONFIG_IPV6_SEG6_LWTUNNEL, and IPv6 not disabled");
  }
  return {};
}

}  // namespace sextant::dataplane
