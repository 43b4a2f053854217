// What a node's first process does before its container runtime starts, as shell scripts: they are
// little more than mounts.
//
// kPowerOn runs with the node's network namespace and fresh mount, PID, UTS and IPC namespaces. It
// joins the node's cgroups while the machine's are in sight, so that the cgroup namespace that it
// makes then has them as its root.
#pragma once

namespace sextant::cluster {

/// $0: the node's directory, $1: its name, $2: the name of its cgroup in each hierarchy, $3: its
/// disk.
inline constexpr const char* kPowerOn = R"sh(
set -eu
node=$1 cgroup=$2 disk=$3
fresh_cgroup() {
  top=$1
  # Version 1: a child of cpuset takes no process before both are filled.
  mkdir -p "$top/$cgroup"
  for file in cpuset.cpus cpuset.mems; do
    if [ -e "$top/$file" ] && [ ! -e "$top/cgroup.controllers" ]; then cat "$top/$file" >"$top/$cgroup/$file"; fi
  done
  # Version 2: children have the controllers that their parent hands on.
  if [ -e "$top/cgroup.controllers" ]; then
    for each in $(cat "$top/cgroup.controllers"); do echo "+$each" >"$top/cgroup.subtree_control" || true; done
  fi
  echo 0 >"$top/$cgroup/cgroup.procs"
}
while read -r _ target type _; do
  case $type in cgroup | cgroup2) fresh_cgroup "$target" ;; esac
done </proc/self/mounts

hostname "$node"
# The disk stays in reach as the working directory, by relative names, whatever is mounted over its path.
mkdir -p "$disk/plain/var/lib/containerd" "$disk/plain/var/log"
cd "$disk"
mount -t proc proc /proc
# /etc, /opt and /var/lib of the machine, with what the node writes on a disk of its own.
for each in etc opt var/lib; do
  mkdir -p "$disk/$each/upper" "$disk/$each/work"
  mount -t overlay overlay -o "lowerdir=/$each,upperdir=$disk/$each/upper,workdir=$disk/$each/work" "/$each"
done
# containerd's snapshots are overlays themselves, and an overlay cannot lie on another.
for each in /var/lib/containerd /var/log; do
  mkdir -p "$each"
  mount --no-canonicalize --bind "plain$each" "$each"
done
mkdir -p /var/lib/kubelet /var/lib/cni /etc/cni/net.d /opt/cni/bin
if [ ! -e /etc/sextant-testbed-node ]; then # the first time: nothing of the machine's own container runtime
  rm -rf /etc/cni/net.d/* /opt/cni/bin/* /var/lib/cni/*
  : >/etc/sextant-testbed-node
fi
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/netns /run/lock
exec unshare --cgroup sh -c "$4" "$0"
)sh";

/// In the cgroup namespace, on the node's disk, where the file `booted` tells that all is done.
inline constexpr const char* kInit = R"sh(
set -eu
mount -t sysfs sysfs /sys
mount -t bpf bpf /sys/fs/bpf
if [ "$(cat /proc/self/cgroup)" = 0::/ ]; then
  mount -t cgroup2 cgroup /sys/fs/cgroup
  mkdir -p /sys/fs/cgroup/init
  echo 0 >/sys/fs/cgroup/init/cgroup.procs
  for each in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$each" >/sys/fs/cgroup/cgroup.subtree_control; done
else
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  while IFS=: read -r _ controllers _; do
    case $controllers in
      '') place=unified type=cgroup2 options=rw ;;
      name=*) place=${controllers#name=} type=cgroup options=none,$controllers ;;
      *) place=$controllers type=cgroup options=$controllers ;;
    esac
    mkdir "/sys/fs/cgroup/$place"
    mount -t "$type" -o "$options" cgroup "/sys/fs/cgroup/$place"
  done </proc/self/cgroup
fi
# kubelet sets these, which are the machine's: it gets files to write to.
mkdir /run/sysctl
for each in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys \
  kernel/keys/root_maxbytes; do
  if [ ! -e "/proc/sys/$each" ]; then continue; fi
  copy=/run/sysctl/$(echo "$each" | tr / .)
  cat "/proc/sys/$each" >"$copy"
  mount --bind "$copy" "/proc/sys/$each"
done
# kubelet asks there which cloud it is in, and waits for the answer.
ip route replace unreachable 169.254.169.254
# As every node has: without a route packets to a Service do not come as far as kube-proxy's rules.
uplink=$(ip -o link show up type veth | sed -n '1s/^[0-9]*: \([^@:]*\).*/\1/p')
for family in -4 -6; do
  if [ -z "$(ip "$family" route show default)" ]; then ip "$family" route add default dev "$uplink"; fi
done
mount --make-rshared / # as systemd does: pods may share mounts with their node
trap 'exit 0' TERM
: >booted
# From here on it only takes in orphans.
while :; do
  sleep 86400 &
  wait $! || true
done
)sh";

/// Before a program on the node: into the node's cgroups, which nsenter leaves out. $0: the node's
/// directory.
inline constexpr const char* kJoin = R"sh(
if [ -e /sys/fs/cgroup/init ]; then
  echo 0 >/sys/fs/cgroup/init/cgroup.procs
else
  for each in /sys/fs/cgroup/*/cgroup.procs; do echo 0 >"$each"; done
fi
exec "$@"
)sh";

}  // namespace sextant::cluster
