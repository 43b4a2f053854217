#!/usr/bin/env bash
# build.sh: makes the image from the programs in build/bin, with Debian's buildah: no container engine, no registry, no network.
#
#   deploy/image/build.sh [--tag NAME:TAG] [--bin DIR] [--out FILE]
#   ctr -n k8s.io images import sextant-0.1.0.tar        # on each node
#
# --tag  the image's name (default sextant:VERSION); localhost/sextant:dev for a local name
# --bin  where the programs are (default build/bin)
# --out  the docker archive (default out/sextant-VERSION.tar)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
version=$(sed -n 's/^project(sextant VERSION \([0-9.]*\).*/\1/p' "$top/CMakeLists.txt")
tag=sextant:$version
bin=$top/build/bin
out=$top/out/sextant-$version.tar

usage() {
  sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
}
while (($#)); do
  case $1 in
    --tag) tag=${2:?--tag wants a name} && shift 2 ;;
    --bin) bin=${2:?--bin wants a folder} && shift 2 ;;
    --out) out=${2:?--out wants a file} && shift 2 ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      printf 'build.sh: %s: no such option; see --help\n' "$1" >&2
      exit 2
      ;;
  esac
done
[[ $tag == *:* ]] || tag=$tag:latest

mkdir -p "$(dirname "$out")"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sextant-image.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
"$here/root-fs.sh" "$bin" "$scratch/root"

# Its storage too is scratch. vfs: needs neither FUSE nor overlays, and there is one layer only.
buildah=(buildah --root "$scratch/storage" --runroot "$scratch/run" --storage-driver vfs)
container=$("${buildah[@]}" from scratch)
"${buildah[@]}" add --quiet "$container" "$scratch/root" / >/dev/null
"${buildah[@]}" config --cmd '["/usr/bin/sextantd", "--in-cluster"]' --env PATH=/usr/bin \
  --label org.opencontainers.image.title=sextant \
  --label org.opencontainers.image.version="$version" \
  --label org.opencontainers.image.licenses=Apache-2.0 "$container"
rm -f "$out.part"
# A time of its own for all files: the same programs make the same image.
"${buildah[@]}" commit --quiet --timestamp 0 "$container" "docker-archive:$out.part:$tag" >/dev/null
mv "$out.part" "$out"
printf '%s: %s, %s\n' "$out" "$tag" "$(du -h --apparent-size "$out" | cut -f 1)"
