#!/usr/bin/env bash
# walkthrough.sh DOCUMENT BIN_DIR: runs the ```sh blocks of a walkthrough in order, in one shell, as a reader would.
# Stops at the first command that fails, and names its block. Exit status 77: skipped.
set -euo pipefail

document=$(realpath "$1")
bin=$(realpath "$2")
export PATH=$bin:$PATH

if ((EUID != 0)); then
  echo "skipped: needs root to make network namespaces"
  exit 77
fi
if ip netns list | grep -qE '^sx-(master|worker[12]|r[1-8])\b'; then
  echo "skipped: a testbed of the walkthrough's name is running; 'sextant testbed full down' ends it"
  exit 77
fi

work=$(mktemp -d)
cleanup() {
  # Whatever the document brought up, also where it failed before its own end. A second `down` is harmless.
  { grep -hoE '^sextant testbed (basic|full)' "$work/script" || true; } | sort -u |
    while read -r testbed; do bash -c "$testbed down" >/dev/null 2>&1 || true; done
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

cd "$work"
bash "$work/script" </dev/null
echo "walkthrough: ${document##*/} works as written"
