#!/usr/bin/env bash
# root-fs.sh BIN DIR: lays out the image's root file system in the empty folder DIR: the programs in BIN without their
# debugging information, the shared libraries that they load, Debian's CNI plugins, and the authorities' certificates. No shell, no
# package manager. build.sh and the Dockerfile use it alike, so that both make the same image.
set -euo pipefail

bin=${1:?usage: root-fs.sh BIN DIR}
root=${2:?usage: root-fs.sh BIN DIR}
plugins=${SEXTANT_CNI_PLUGINS:-/usr/lib/cni}
certificates=/etc/ssl/certs/ca-certificates.crt

die() {
  printf 'root-fs.sh: %s\n' "$*" >&2
  exit 1
}

libraries() { ldd "$bin/sextantd" "$bin/sextant" | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p' | sort -u; }

for program in sextantd sextant sextant-cni; do
  [[ -x $bin/$program ]] || die "no $bin/$program: build first (./run build)"
done
# A plugin that every pod needs must work on the node's system, whatever that is.
if readelf --program-headers "$bin/sextant-cni" | grep -q INTERP; then
  die "$bin/sextant-cni is linked dynamically: it would not run on nodes without its libraries"
fi
[[ -r $certificates ]] || die "no $certificates (Debian: ca-certificates)"
for plugin in host-local loopback portmap bandwidth; do
  [[ -x $plugins/$plugin ]] || die "no $plugins/$plugin (Debian: containernetworking-plugins)"
done

mkdir -p "$root"/{etc/ssl/certs,usr/bin,usr/libexec/sextant/cni,run,tmp,proc,sys,dev,var}
chmod 1777 "$root/tmp"
for program in sextantd sextant; do strip -o "$root/usr/bin/$program" "$bin/$program"; done
strip -o "$root/usr/libexec/sextant/cni/sextant-cni" "$bin/sextant-cni"
for plugin in host-local loopback portmap bandwidth; do
  install -m 0755 "$plugins/$plugin" "$root/usr/libexec/sextant/cni/"
done
install -m 0644 "$certificates" "$root/etc/ssl/certs/"
printf 'root:x:0:0:root:/:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"

# "libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x...)", "/lib64/ld-linux-x86-64.so.2 (0x...)": where the dynamic linker of the
# image will look too.
for library in $(libraries); do
  mkdir -p "$root$(dirname "$library")"
  cp --dereference --preserve=mode "$library" "$root$library"
done

# The licences of what is not ours, as their packages want it.
keep_licence() {
  local copyright=/usr/share/doc/$1/copyright
  if [[ -z $1 || ! -r $copyright || -e $root$copyright.gz ]]; then return; fi
  mkdir -p "$root$(dirname "$copyright")"
  gzip --no-name -9 <"$copyright" >"$root$copyright.gz"
}
mkdir -p "$root/usr/share/doc"
if command -v dpkg-query >/dev/null; then
  for file in $(libraries) "$plugins/host-local" "$certificates"; do
    # Debian's packages name the files below /usr or below /, whichever they had before the two were merged.
    package=$(dpkg-query --search "$file" "/usr$file" "$(readlink -f "$file")" 2>/dev/null | sed -n '1s/:.*//p' || true)
    keep_licence "$package"
  done
  # Linked in as archives: gRPC, where the build has it (cmake/gobgp.cmake).
  for package in libabsl-dev libc-ares-dev libgrpc-dev libprotobuf-dev libre2-dev; do keep_licence "$package"; done
fi

# What was laid out runs: every library is there, and of the right version.
if ((EUID == 0)); then
  chroot "$root" /usr/bin/sextantd --version >/dev/null || die "sextantd does not run in $root"
  chroot "$root" /usr/bin/sextant --version >/dev/null || die "sextant does not run in $root"
fi
