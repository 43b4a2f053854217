#!/usr/bin/env bash
# build-kubernetes.sh: builds Kubernetes from Debian's source package with Debian's Go, once, into a cache outside the
# tree: ${XDG_CACHE_HOME:-~/.cache}/sextant/kubernetes-VERSION. Prints that folder on its standard output; how it goes,
# on standard error. Where it is built already, this takes no time. The system's apt configuration is not touched.
#
# --components "LIST": only these (of cmd/), into the cache folder too, for a trial with another XDG_CACHE_HOME.
set -euo pipefail

read -ra components <<<"kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl"
if [[ ${1:-} == --components ]]; then read -ra components <<<"$2"; fi

cache=${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/sextant
mirror=${SEXTANT_DEBIAN_MIRROR:-http://deb.debian.org/debian}
go=$(command -v go || true)

say() { printf 'kubernetes: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# The newest one built, whatever its version: nothing is fetched to find out whether there is a newer.
built() {
  local folder component complete newest=""
  for folder in "$cache"/kubernetes-[0-9]*; do
    complete=1
    for component in "${components[@]}"; do [[ -x $folder/$component ]] || complete=0; done
    if ((complete)) && [[ -z $newest || $folder -nt $newest ]]; then newest=$folder; fi
  done
  [[ -n $newest ]] && echo "$newest"
}

if folder=$(built); then
  echo "$folder"
  exit 0
fi

mkdir -p "$cache"
exec 9>"$cache/kubernetes.lock"
if ! flock -n 9; then
  say "another run is building it; waiting for that one"
  flock 9
  if folder=$(built); then # by the one that was waited for
    echo "$folder"
    exit 0
  fi
fi
[[ -n $go ]] || die "no Go on PATH (Debian: golang-go)"

# Under the cache, not /tmp: about 1.5 GB at its largest. Leftovers of a run that was killed go first.
rm -rf "$cache"/kubernetes-build.*
work=$(mktemp -d "$cache/kubernetes-build.XXXXXX")
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

started=$SECONDS
log=$cache/kubernetes-build.log
: >"$log"
failed() {
  tail -n 15 "$log" >&2
  die "$1 failed (log: $log)"
}

# A source index, lists and a cache of its own; the keys are the system's.
mkdir -p "$work"/apt/{lists/partial,cache/archives/partial,preferences.d}
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -e $keys ]] || die "no $keys (Debian: debian-archive-keyring)"
# One with the security updates behind it.
{
  echo "deb-src [signed-by=$keys] $mirror $release main"
  echo "deb-src [signed-by=$keys] ${SEXTANT_DEBIAN_SECURITY:-${mirror%/debian}/debian-security} $release-security main"
} >"$work/apt/sources.list"
apt=(-q -o "Dir::Etc::SourceList=$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o "Dir::Etc::PreferencesParts=$work/apt/preferences.d" -o "Dir::State::Lists=$work/apt/lists"
  -o "Dir::Cache=$work/apt/cache" -o "APT::Sandbox::User=root" -o Acquire::Retries=2)
say "fetching Debian's source package (34 MB)"
apt-get "${apt[@]}" update >>"$log" 2>&1 || failed "fetching the list of source packages"
reflect2=golang-github-modern-go-reflect2
(cd "$work" && apt-get "${apt[@]}" source --download-only kubernetes "$reflect2") >>"$log" 2>&1 || failed "fetching the source"
description=("$work"/kubernetes_*.dsc)
version=$(sed -n 's/^Version: //p' "${description[0]}" | head -n 1)
[[ -n $version ]] || die "no version in ${description[0]}"

say "unpacking $version"
# Its checksums were checked when it was fetched.
dpkg-source --no-check --extract "${description[0]}" "$work/source" >>"$log" 2>&1 || failed "unpacking"

# The API server's own copy of reflect2, 1.0.1, is not for Go 1.18 and later: the server ends with "unexpected fault
# address" when a custom resource with labels, annotations or managed fields is written. Debian has 1.0.2.
dpkg-source --no-check --extract "$work/$reflect2"_*.dsc "$work/reflect2" >>"$log" 2>&1 || failed "unpacking reflect2"
vendored=$work/source/vendor/github.com/modern-go/reflect2
rm -f "$vendored"/*.go
cp "$work"/reflect2/*.go "$vendored/"
rm -f "$vendored"/*_test.go

# Progress by the programs as they appear: Go says nothing meanwhile.
say "building ${components[*]} (about 8 minutes on 2 processors)"
what=${components[*]/#/cmd/}
bin=$work/source/_output/local/bin/linux/$("$go" env GOARCH)
(
  cd "$work/source"
  # A cache of its own, for the user's would keep 1 GB that nobody needs again.
  exec env GOFLAGS=-mod=vendor GOCACHE="$work/go-cache" GOPATH="$work/go" nice make WHAT="$what"
) >>"$log" 2>&1 9>&- &
make=$!
while kill -0 "$make" 2>/dev/null; do
  sleep 1
  if (((SECONDS - started) % 60 == 0)); then say "still building after $((SECONDS - started)) s"; fi
done
wait "$make" || failed "building"

# Complete or not there: the folder gets its name last.
mkdir "$work/result"
for component in "${components[@]}"; do
  [[ -x $bin/$component ]] || die "make built no $component (log: $log)"
  mv "$bin/$component" "$work/result/"
done
rm -rf "$cache/kubernetes-$version"
mv "$work/result" "$cache/kubernetes-$version"
say "built $version in $((SECONDS - started)) s"
echo "$cache/kubernetes-$version"
