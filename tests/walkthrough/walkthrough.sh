#!/usr/bin/env bash
# walkthrough.sh DOCUMENT BIN_DIR: runs the ```sh blocks of a walkthrough in order, in one shell, as a reader would.
# Stops at the first command that fails, and names its block. Exit status 77: skipped.
set -euo pipefail

document=$(realpath "$1")
bin=$(realpath "$2")
source=$(realpath "${document%/*}/..")
export PATH=$bin:$PATH

if ((EUID != 0)); then
  echo "skipped: needs root to make network namespaces"
  exit 77
fi

# Every testbed that the document brings up, as "basic walk" or "full".
mapfile -t testbeds < <(sed -nE 's/^sextant testbed (basic|full|cluster) up\b(.*--name ([a-z0-9]+))?.*/\1 \3/p' "$document" |
  sort -u)
for testbed in "${testbeds[@]}"; do
  read -r kind name <<<"$testbed"
  if [[ -e /run/netns/sx-${name:+$name-}master ]]; then
    echo "skipped: the testbed that the walkthrough makes is up: sextant testbed $kind down${name:+ --name $name}"
    exit 77
  fi
done

if [[ ${testbeds[*]} == *cluster* && -z ${SEXTANT_KUBERNETES:-} ]] &&
  ! compgen -G "${XDG_CACHE_HOME:-$HOME/.cache}/sextant/kubernetes-*/kube-apiserver" >/dev/null; then
  echo "skipped: Kubernetes is not built: ./run kubernetes"
  exit 77
fi

work=$(mktemp -d)
cleanup() {
  # Also where the document failed before its own end; a second `down` is harmless.
  for testbed in "${testbeds[@]}"; do
    read -r kind name <<<"$testbed"
    sextant testbed "$kind" down ${name:+--name "$name"} >/dev/null 2>&1 || true
  done
  rm -rf "$work"
}
trap cleanup EXIT

awk -v document="${document##*/}" '
  /^```sh[ \t]*$/ { inside = 1; ++blocks; printf "block=\"%s:%d\"; echo \"--- $block\"\n", document, NR; next }
  /^```/          { inside = 0; next }
  inside          { print }
  END             { if (blocks == 0) { print "walkthrough: no sh blocks in " document > "/dev/stderr"; exit 1 } }
' "$document" >"$work/body"
{
  echo "trap 'echo \"walkthrough: the block at \$block failed: \$BASH_COMMAND\" >&2' ERR"
  echo "set -Eeuo pipefail"
  cat "$work/body"
} >"$work/script"

# As from the top of the tree, but what it writes goes away.
cp -r "$source/deploy" "$work/"
cd "$work"
bash "$work/script" </dev/null
echo "walkthrough: ${document##*/} works as written"
