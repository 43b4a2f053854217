#include "dataplane/linux/tc_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/log.h"
#include "dataplane/linux/netlink/message.h"

namespace sextant::dataplane {
namespace {

// Behind what others do at low numbers, before what they leave to the end.
constexpr std::uint32_t kPriority = 2200;
constexpr std::uint32_t kHandle = 0x5358;

std::string device_name(netlink::IfIndex device) {
  return "device " + std::to_string(netlink::number(device));
}

int log_libbpf(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG) return 0;
  char text[1024];
  const int length = std::vsnprintf(text, sizeof text, format, arguments);
  if (length > 0 &&
      text[std::min<std::size_t>(static_cast<std::size_t>(length), sizeof text - 1) - 1] == '\n') {
    text[std::strlen(text) - 1] = '\0';
  }
  log::debug("{}", text);
  return length;
}

bpf_tc_hook hook_of(netlink::IfIndex device, TcHook hook) {
  bpf_tc_hook result{};
  result.sz = sizeof result;
  result.ifindex = static_cast<int>(netlink::number(device));
  result.attach_point = hook == TcHook::kIngress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return result;
}

bpf_tc_opts place() {
  bpf_tc_opts result{};
  result.sz = sizeof result;
  result.handle = kHandle;
  result.priority = kPriority;
  return result;
}

// Anybody's, at either hook of the clsact qdisc.
Result<bool> has_filters(netlink::Socket& socket, netlink::IfIndex device) {
  bool found = false;
  for (const std::uint32_t hook : {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS}) {
    tcmsg header{.tcm_family = AF_UNSPEC, .tcm_ifindex = static_cast<int>(netlink::number(device))};
    header.tcm_parent = TC_H_MAKE(TC_H_CLSACT, hook);
    const auto done = socket.dump(netlink::Message(RTM_GETTFILTER, 0, header),
                                  [&](const nlmsghdr&) { found = true; });
    if (!done) return tl::unexpected(done.error());
  }
  return found;
}

}  // namespace

Result<BpfProgram> describe_program(int fd) {
  BpfProgram program;
  std::array<std::uint32_t, 64> ids{};
  bpf_prog_info info{};
  info.nr_map_ids = ids.size();
  info.map_ids = reinterpret_cast<std::uint64_t>(ids.data());
  std::uint32_t length = sizeof info;
  if (const int error = bpf_obj_get_info_by_fd(fd, &info, &length); error != 0) {
    return system_error("read BPF program", "", -error);
  }
  std::memcpy(&program.tag, info.tag, sizeof program.tag);
  for (std::size_t i = 0; i < std::min<std::size_t>(info.nr_map_ids, ids.size()); ++i) {
    const UniqueFd map(bpf_map_get_fd_by_id(ids[i]));
    bpf_map_info described{};
    length = sizeof described;
    if (!map || bpf_obj_get_info_by_fd(map.get(), &described, &length) != 0) continue;
    const std::string name = described.name;
    if (name.starts_with("sx_")) program.map_ids.emplace(name, ids[i]);
  }
  return program;
}

Result<UniqueFd> find_tc_program(netlink::IfIndex device, TcHook hook) {
  // libbpf would complain on standard error of every device without a qdisc. All use of it begins
  // here.
  libbpf_set_print(log_libbpf);
  const auto at = hook_of(device, hook);
  auto found = place();
  const int error = bpf_tc_query(&at, &found);
  // ENOENT: no such filter; EINVAL: no clsact qdisc; ENODEV: the device has gone.
  if (error == -ENOENT || error == -EINVAL || error == -ENODEV) return UniqueFd();
  if (error != 0) return system_error("look for tc program", device_name(device), -error);
  const int fd = bpf_prog_get_fd_by_id(found.prog_id);
  if (fd == -ENOENT) return UniqueFd();  // gone in between
  if (fd < 0) return system_error("open BPF program", device_name(device), -fd);
  return UniqueFd(fd);
}

Result<bool> attach_tc_program(netlink::IfIndex device, TcHook hook, int program) {
  const auto present = find_tc_program(device, hook);
  if (!present) return tl::unexpected(present.error());
  if (*present) {
    const auto theirs = describe_program(present->get());
    const auto ours = describe_program(program);
    if (theirs && ours && *theirs == *ours) return false;
  }
  auto at = hook_of(device, hook);
  if (const int error = bpf_tc_hook_create(&at); error != 0 && error != -EEXIST) {
    return system_error("add clsact qdisc", device_name(device), -error);
  }
  auto options = place();
  options.prog_fd = program;
  options.flags = BPF_TC_F_REPLACE;
  if (const int error = bpf_tc_attach(&at, &options); error != 0) {
    return system_error("attach tc program", device_name(device), -error);
  }
  return true;
}

Result<bool> detach_tc_program(netlink::Socket& socket, netlink::IfIndex device, TcHook hook) {
  const auto present = find_tc_program(device, hook);
  if (!present) return tl::unexpected(present.error());
  if (!*present) return false;
  auto at = hook_of(device, hook);
  auto options = place();
  const int error = bpf_tc_detach(&at, &options);
  if (error != 0 && error != -ENOENT) {
    return system_error("detach tc program", device_name(device), -error);
  }
  const auto used = has_filters(socket, device);
  if (!used) return tl::unexpected(used.error());
  if (*used) return true;
  at.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  const int removed = bpf_tc_hook_destroy(&at);                    // the whole qdisc
  if (removed != 0 && removed != -ENOENT && removed != -EINVAL) {  // it has gone in between
    return system_error("remove clsact qdisc", device_name(device), -removed);
  }
  return true;
}

}  // namespace sextant::dataplane
