#include "dataplane/linux/gateway.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <sstream>
#include <utility>

#include "dataplane/linux/names.h"
#include "dataplane/linux/netlink/link.h"
#include "dataplane/linux/netlink/neighbor.h"
#include "dataplane/linux/netlink/sysctl.h"
#include "dataplane/linux/writes.h"

namespace sextant::dataplane {
namespace {

using netlink::IfIndex;
using netlink::Netns;
using netlink::Socket;
using Sysctls = std::span<const std::pair<std::string_view, std::string_view>>;

constexpr char kNamesDirectory[] = "/run/netns";

std::optional<ino_t> inode_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_ino;
}

std::string process_path(pid_t pid, std::string_view what) {
  return "/proc/" + std::to_string(pid) + "/" + std::string(what);
}

// The parent of a process, 0 where there is none or it cannot be told. proc(5): the name may hold
// anything, also ')'.
pid_t parent_of(pid_t pid) {
  std::ifstream file(process_path(pid, "stat"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto name_end = text.rfind(')');
  pid_t parent = 0;
  char state = 0;
  if (name_end != std::string::npos) {
    std::istringstream(text.substr(name_end + 1)) >> state >> parent;
  }
  return parent;
}

// The oldest ancestor whose namespaces may be looked at (process 1 where that is allowed): the
// machine, or the container. A mount in the own mount namespace would go with the agent where that
// is private, as under `ip netns exec`.
pid_t origin() {
  pid_t oldest = ::getpid();
  for (pid_t pid = parent_of(oldest); pid > 0 && inode_of(process_path(pid, "ns/mnt"));
       pid = parent_of(pid)) {
    oldest = pid;
  }
  return oldest;
}

// Runs `work` in a child that has entered the mount namespace in which names lie; its errno is the
// result.
Result<void> in_names_mounts(const std::string& operation, const std::string& name,
                             const std::function<int(const std::string& path)>& work) {
  const std::string mounts_path = process_path(origin(), "ns/mnt");
  const bool enter = inode_of(mounts_path) != inode_of("/proc/self/ns/mnt");
  const UniqueFd mounts(enter ? ::open(mounts_path.c_str(), O_RDONLY | O_CLOEXEC) : -1);
  if (enter && !mounts) return system_error(operation, name, errno);
  const std::string path = std::string(kNamesDirectory) + "/" + name;
  const pid_t child = ::fork();
  if (child < 0) return system_error(operation, name, errno);
  if (child == 0) {
    if (enter && ::setns(mounts.get(), CLONE_NEWNS) != 0) ::_exit(errno);
    ::_exit(work(path));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return system_error(operation, name, errno);
  }
  const int error = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
  if (error != 0) return system_error(operation, name, error);
  return {};
}

// As `ip netns add` does: the directory is a shared mount of its own, the name a bind mount of the
// namespace.
// `enter` moves this process, a child, into the namespace.
int mount_namespace(const std::string& path, const std::function<int()>& enter) {
  ::mkdir(kNamesDirectory, 0755);
  if (::mount("", kNamesDirectory, "none", MS_SHARED | MS_REC, nullptr) != 0) {
    if (errno != EINVAL) return errno;
    if (::mount(kNamesDirectory, kNamesDirectory, "none", MS_BIND | MS_REC, nullptr) != 0 ||
        ::mount("", kNamesDirectory, "none", MS_SHARED | MS_REC, nullptr) != 0) {
      return errno;
    }
  }
  // Readable, so that an agent without CAP_DAC_OVERRIDE can tell a name whose mount is gone.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0444));
  if (!file) return errno;
  if (enter() != 0 || ::mount("/proc/self/ns/net", path.c_str(), "none", MS_BIND, nullptr) != 0) {
    const int error = errno;
    ::unlink(path.c_str());
    return error;
  }
  return 0;
}

int mount_new_namespace(const std::string& path) {
  return mount_namespace(path, [] { return ::unshare(CLONE_NEWNET); });
}

// In a container the folder may be mounted several times over, one copy hiding others, and a name
// that is a mount point in any of them cannot be unlinked from here. Without any copy of the
// folder it can: then the kernel takes the mount away in every mount namespace, the node's too.
// This process, a child, ends afterwards.
int unlink_from_outside(const std::string& path) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", "none", MS_PRIVATE | MS_REC, nullptr) != 0) {
    return errno;
  }
  const UniqueFd folder(::open(kNamesDirectory, O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return errno;
  constexpr int kCopies = 64;  // at most
  for (int i = 0; i < kCopies && (::umount2(path.c_str(), MNT_DETACH) == 0 ||
                                  ::umount2(kNamesDirectory, MNT_DETACH) == 0);
       ++i) {
  }
  const auto name = path.substr(path.rfind('/') + 1);
  return ::unlinkat(folder.get(), name.c_str(), 0) == 0 || errno == ENOENT ? 0 : errno;
}

int unmount_namespace(const std::string& path) {
  // EINVAL: a name without a mount (left by a crash or a reboot); ENOENT: none at all.
  if (::umount2(path.c_str(), MNT_DETACH) != 0 && errno != EINVAL && errno != ENOENT) return errno;
  if (::unlink(path.c_str()) == 0 || errno == ENOENT) return 0;
  return errno == EBUSY ? unlink_from_outside(path) : errno;
}

void set_sysctls(Sysctls sysctls, ApplyReport& report) {
  for (const auto& [name, value] : sysctls) {
    book(report, "sysctl " + std::string(name), netlink::write_sysctl(name, value));
  }
}

// For a namespace in which this thread does not run; failures are problems of the report.
void set_sysctls(const Netns& netns, Sysctls sysctls, ApplyReport& report) {
  const auto entered = netns.run([&] { set_sysctls(sysctls, report); });
  if (!entered) report.problems.push_back({.object = "gateway", .error = entered.error()});
}

void ensure_neighbor(Socket& socket, const netlink::Neighbor& wanted, ApplyReport& report) {
  const auto present = netlink::list_neighbors(socket, wanted.link);
  if (present) {
    for (const auto& neighbor : *present) {
      if (neighbor.address == wanted.address && neighbor.mac == wanted.mac &&
          neighbor.is_permanent()) {
        return;
      }
    }
  }
  book(report, "neighbor " + wanted.address.to_string(),
       netlink::set_permanent_neighbor(socket, wanted));
}

Result<void> ensure_up(Socket& socket, const netlink::Link& link, ApplyReport& report) {
  if (link.is_up() && link.mtu == kLinkMtu) return {};
  auto changed = netlink::change_link(socket, link.index, {.up = true, .mtu = kLinkMtu});
  if (changed) ++report.writes;
  return changed;
}

}  // namespace

Result<std::string> Gateway::name_here() {
  const auto here = inode_of("/proc/thread-self/ns/net");
  if (!here) return system_error("find the own network namespace", "", errno);
  const auto names = Netns::list();
  if (!names) return tl::unexpected(names.error());
  for (const auto& name : *names) {
    if (inode_of(std::string(kNamesDirectory) + "/" + name) == here) return name + "-gw";
  }
  if (inode_of(process_path(origin(), "ns/net")) == here) return std::string("sextant");
  return "sextant-" + std::to_string(*here);
}

Result<Gateway> Gateway::open_or_create(ApplyReport& report) {
  auto name = name_here();
  if (!name) return tl::unexpected(name.error());
  const std::string path = std::string(kNamesDirectory) + "/" + *name;
  auto netns = Netns::open_path(path);
  if (!netns) {
    // EINVAL: a name whose namespace is gone, as after a reboot.
    if (netns.error().errno_value == EINVAL) {
      if (auto gone = in_names_mounts("remove stale gateway namespace", *name, unmount_namespace);
          !gone) {
        return tl::unexpected(gone.error());
      }
    } else if (netns.error().errno_value != ENOENT) {
      return tl::unexpected(netns.error());
    }
    if (auto made = in_names_mounts("make gateway namespace", *name, mount_new_namespace); !made) {
      made.error().hint = "run as root or with CAP_SYS_ADMIN";
      return tl::unexpected(made.error());
    }
    ++report.writes;
    netns = Netns::open_path(path);
    if (!netns) return tl::unexpected(netns.error());
  }
  auto socket = netns->run([] { return Socket::make(); });
  if (!socket) return tl::unexpected(socket.error());
  return Gateway(std::move(*name), std::move(*netns), std::move(*socket));
}

Result<void> Gateway::keep_name(ApplyReport& report) const {
  const std::string path = std::string(kNamesDirectory) + "/" + name_;
  const auto named = Netns::open_path(path);
  // EINVAL: an empty file, from which somebody took the mount.
  if (named || (named.error().errno_value != ENOENT && named.error().errno_value != EINVAL)) {
    return {};
  }
  auto kept = in_names_mounts("name gateway namespace", name_, [&](const std::string& at) {
    return mount_namespace(at, [&] { return ::setns(netns_.fd(), CLONE_NEWNET); });
  });
  if (kept) ++report.writes;
  return kept;
}

bool Gateway::exists() {
  const auto name = name_here();
  return name && Netns::open_path(std::string(kNamesDirectory) + "/" + *name);
}

bool Gateway::is_linked(Socket& host) {
  if (!exists()) return false;
  const auto link = netlink::find_link(host, std::string(kHostInner));
  return link && *link;
}

Result<void> Gateway::remove(Socket& host) {
  for (const auto name : {kHostInner, kHostOuter}) {
    const auto deleted = netlink::delete_link(host, std::string(name));
    if (!deleted && deleted.error().errno_value != ENODEV) return deleted;
  }
  const auto name = name_here();
  if (!name) return tl::unexpected(name.error());
  return in_names_mounts("remove gateway namespace", *name, unmount_namespace);
}

Result<void> Gateway::ensure_pair(Socket& host, std::string_view host_end,
                                  std::string_view gateway_end, ApplyReport& report) {
  const std::string host_name(host_end), gateway_name(gateway_end);
  const auto mine = netlink::find_link(host, host_name);
  if (!mine) return tl::unexpected(mine.error());
  const auto theirs = netlink::find_link(socket_, gateway_name);
  if (!theirs) return tl::unexpected(theirs.error());
  const bool joined = *mine && *theirs && (*mine)->kind == "veth" && (*theirs)->kind == "veth" &&
                      (*mine)->peer == (*theirs)->index && (*theirs)->peer == (*mine)->index;
  if (joined) return {};
  if (*mine && (*mine)->kind != "veth") {
    return failure("make device", host_name, "a device of that name and another kind is there",
                   "rename or remove it");
  }
  if (*mine) {
    const auto deleted = netlink::delete_link(host, (*mine)->index);
    // ENODEV: it has just gone by itself, with a gateway namespace that somebody removed
    if (!deleted && deleted.error().errno_value != ENODEV) return deleted;
  }
  if (*theirs) {
    const auto deleted = netlink::delete_link(socket_, (*theirs)->index);
    // ENODEV: it was the other end of the one just deleted
    if (!deleted && deleted.error().errno_value != ENODEV) return deleted;
  }
  const bool inner = host_end == kHostInner;
  auto made = netlink::create_veth(
      host, {.name = host_name, .mac = inner ? kHostInnerMac : kHostOuterMac, .mtu = kLinkMtu},
      {.name = gateway_name,
       .netns = &netns_,
       .mac = inner ? kGatewayInnerMac : kGatewayOuterMac,
       .mtu = kLinkMtu});
  if (made) ++report.writes;
  return made;
}

Result<void> Gateway::prepare(Socket& host, ApplyReport& report) {
  for (const auto& [host_end, gateway_end] :
       {std::pair{kHostInner, kGatewayInner}, std::pair{kHostOuter, kGatewayOuter}}) {
    if (auto made = ensure_pair(host, host_end, gateway_end, report); !made) return made;
  }
  // Before the links are up, so that no autoconfigured address ever appears. seg6_flowlabel gives
  // the underlay's ECMP the entropy of inner flows; hash policy 1 spreads flows over weighted lists
  // by ports. The host's ends: rp_filter loose, because a remote node's own address arrives here
  // and is routed by the underlay.
  static constexpr std::pair<std::string_view, std::string_view> kGatewaySysctls[] = {
      {"net/ipv4/ip_forward", "1"},
      {"net/ipv6/conf/all/forwarding", "1"},
      {"net/ipv4/conf/all/rp_filter", "0"},
      {"net/ipv4/conf/inner/rp_filter", "0"},
      {"net/ipv4/conf/outer/rp_filter", "0"},
      {"net/ipv4/conf/inner/accept_local",
       "1"},  // the host's packets come from the overlay address
      {"net/ipv4/conf/inner/send_redirects", "0"},
      {"net/ipv4/conf/all/send_redirects", "0"},
      {"net/ipv6/conf/inner/addr_gen_mode", "1"},
      {"net/ipv6/conf/outer/addr_gen_mode", "1"},
      {"net/ipv6/conf/inner/accept_ra", "0"},
      {"net/ipv6/conf/outer/accept_ra", "0"},
      {"net/ipv6/conf/all/seg6_enabled", "1"},
      {"net/ipv6/conf/outer/seg6_enabled", "1"},
      {"net/ipv6/seg6_flowlabel", "1"},
      {"net/ipv4/nexthop_compat_mode", "0"},  // else each edit notifies once a prefix
      {"net/ipv4/fib_multipath_hash_policy", "1"},
      {"net/ipv6/fib_multipath_hash_policy", "1"},
  };
  static constexpr std::pair<std::string_view, std::string_view> kHostSysctls[] = {
      {"net/ipv4/ip_forward", "1"},
      {"net/ipv6/conf/all/forwarding", "1"},
      {"net/ipv4/conf/sextant0/rp_filter", "2"},
      {"net/ipv6/conf/sextant0/addr_gen_mode", "1"},
      {"net/ipv6/conf/sextant1/addr_gen_mode", "1"},
      {"net/ipv6/conf/sextant0/accept_ra", "0"},
      {"net/ipv6/conf/sextant1/accept_ra", "0"},
  };
  set_sysctls(netns_, kGatewaySysctls, report);
  set_sysctls(kHostSysctls, report);

  struct End {
    Socket& socket;
    std::string_view name;
    IfIndex& index;
    Ipv6Address neighbor;
    netlink::MacAddress mac;
  };
  const std::array ends{
      End{host, kHostInner, host_inner_, kGatewaySide, kGatewayInnerMac},
      End{host, kHostOuter, host_outer_, kGatewaySide, kGatewayOuterMac},
      End{socket_, kGatewayInner, inner_, kHostSide, kHostInnerMac},
      End{socket_, kGatewayOuter, outer_, kHostSide, kHostOuterMac},
  };
  for (const auto& end : ends) {
    const auto link = netlink::get_link(end.socket, std::string(end.name));
    if (!link) return tl::unexpected(link.error());
    end.index = link->index;
    if (auto up = ensure_up(end.socket, *link, report); !up) return up;
    ensure_neighbor(end.socket, {.link = link->index, .address = end.neighbor, .mac = end.mac},
                    report);
  }
  const auto lo = netlink::get_link(socket_, "lo");
  if (!lo) return tl::unexpected(lo.error());
  if (!lo->is_up()) {
    if (auto up = netlink::set_link_up(socket_, "lo"); !up) return up;
    ++report.writes;
  }
  return {};
}

}  // namespace sextant::dataplane
